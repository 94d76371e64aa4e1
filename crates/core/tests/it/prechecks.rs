//! What is known before a release begins.

use sternway_core::precheck::{Autoscaler, Finding, Quota, Surroundings, check};
use sternway_core::strategy::{Amount, DEFAULT_STRATEGY, Strategy};

use crate::world::World;

const CAREFUL: Strategy = Strategy::RollingUpdate { max_surge: Amount::Pods(1), max_unavailable: Amount::Pods(0) };

fn quota(room: u32) -> Surroundings {
    let quota = Quota { name: "team".to_owned(), resource: "pods".to_owned(), room };
    Surroundings { quotas: vec![quota], ..Surroundings::default() }
}

fn findings(strategy: Strategy, around: &Surroundings) -> Vec<Finding> {
    let world = World::new(4, strategy);
    check(&world.cluster.workload(), around, &world.cluster.snapshot())
}

fn codes(findings: &[Finding]) -> Vec<(&str, bool)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.blocking)).collect()
}

#[test]
fn a_quota_without_room_blocks_only_where_nothing_else_can_move() {
    assert_eq!(codes(&findings(CAREFUL, &quota(0))), [("QuotaExhausted", true), ("WayBack", false)]);
    assert_eq!(codes(&findings(DEFAULT_STRATEGY, &quota(0))), [("QuotaTight", false), ("WayBack", false)]);
    assert_eq!(codes(&findings(CAREFUL, &quota(1))), [("WayBack", false)]);
}

#[test]
fn rights_that_are_missing_block_and_are_named() {
    let around =
        Surroundings { missing_rights: vec!["patch on deployments.apps".to_owned()], ..Surroundings::default() };
    let found = findings(DEFAULT_STRATEGY, &around);
    assert!(found[0].blocking && found[0].text.contains("patch on deployments.apps"));
}

#[test]
fn the_way_back_is_told_in_waves() {
    let found = findings(CAREFUL, &Surroundings::default());
    assert!(found[0].text.contains("4 waves of up to 1 pods"), "{}", found[0].text);
}

#[test]
fn an_autoscaler_is_told() {
    let scaler = Autoscaler { name: "web".to_owned(), min: 2, max: 9 };
    let around = Surroundings { autoscalers: vec![scaler], ..Surroundings::default() };
    assert!(findings(DEFAULT_STRATEGY, &around).iter().any(|finding| finding.text.contains("between 2 and 9")));
}

#[test]
fn pods_that_are_not_ready_before_it_begins_are_told() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    world.cluster.pods[0].ready = false;
    let found = check(&world.cluster.workload(), &Surroundings::default(), &world.cluster.snapshot());
    assert!(codes(&found).contains(&("NotAllReady", false)));
}
