//! Requests for the gray batch: when they are divided, and that they are put back whatever happens.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sternway_core::effect::Fresh;
use sternway_core::ids::OrderId;
use sternway_core::order::birth::Refused;
use sternway_core::order::job::{Job, OnFailure};
use sternway_core::order::steering::{SteeredRoute, SteeringPlan};
use sternway_core::order::{OrderKind, Stage, Status};
use sternway_core::plan::{Batches, Gate};
use sternway_core::ports::{ClusterError, ObjectKind};
use sternway_core::precheck::steering;
use sternway_core::preview::preview;
use sternway_core::route::{Condition, Path, Place, Rule};
use sternway_core::step::{Command, Illegal};
use sternway_core::strategy::DEFAULT_STRATEGY;

use crate::invariants::check_settled;
use crate::world::{World, actor};

const GRAY: Batches = Batches { gray: Some(1), count: 2, gate: Gate::Manual };
const ROUTE: &str = "edge";

fn backend(name: &str) -> Value {
    json!({"group": "", "kind": "Service", "name": name, "port": 80, "weight": 1})
}

fn route() -> Value {
    json!({
        "metadata": {"name": ROUTE, "annotations": {"team": "shop"}},
        "spec": {"rules": [
            {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend("web")]},
            {"matches": [{"path": {"type": "PathPrefix", "value": "/shop"}}], "backendRefs": [backend("shop")]},
        ]},
    })
}

fn plan() -> SteeringPlan {
    let condition = Condition { place: Place::Header, name: "user".to_owned(), values: vec!["gray".to_owned()] };
    SteeringPlan {
        given: "{}".to_owned(),
        rules: vec![Rule { path: Path::Below("/".to_owned()), any: false, conditions: vec![condition], percent: 100 }],
        service: "web".to_owned(),
        selector: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
        ports: json!([{"port": 80, "protocol": "TCP", "targetPort": 8080}]),
        kind: ObjectKind::namespaced("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
        routes: vec![SteeredRoute {
            name: ROUTE.to_owned(),
            rules: route()["spec"]["rules"].as_array().unwrap().clone(),
        }],
    }
}

fn begun(on_failure: OnFailure) -> (World, OrderId) {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    world.objects.insert(ROUTE.to_owned(), route());
    let id = world.deploy_steered("app:v2", GRAY, on_failure, Some(plan())).unwrap();
    (world, id)
}

/// The gray batch is ready, and requests are divided.
fn divided(on_failure: OnFailure) -> (World, OrderId) {
    let (mut world, id) = begun(on_failure);
    go(&mut world);
    assert_eq!(world.order(id).status, Status::AwaitingConfirmation);
    assert!(leads_to(&world, "web-new-"));
    (world, id)
}

fn leads_to(world: &World, service: &str) -> bool {
    world.objects[ROUTE]["spec"].to_string().contains(service)
}

/// Like [`World::run`], and at every moment every request finds a pod.
fn go(world: &mut World) {
    go_crashing(world, usize::MAX);
}

/// The same, and the answer of the `lost`th write is lost in a crash. Answers with how many writes were tried.
fn go_crashing(world: &mut World, lost: usize) -> usize {
    let mut tried = 0;
    for round in 0..20_000_u32 {
        let Some(index) = world.active() else {
            return tried;
        };
        if world.perform(tried == lost) {
            tried += 1;
        } else {
            world.observe();
            let order = &world.orders[index];
            if order.status == Status::AwaitingConfirmation && order.pending.is_none() {
                return tried;
            }
        }
        check_requests(world);
        for what in [0, 1, 2 + 3 * (round as u8 % 40)] {
            world.native(what);
            check_requests(world);
        }
        world.pass(1);
    }
    panic!("the order never ends: {:#?}\n{:#?}", world.orders.last(), world.events);
}

/// Every backend of the route is a Service with a ready pod.
fn check_requests(world: &World) {
    let rules = world.objects.get(ROUTE).map(|route| route["spec"]["rules"].clone()).unwrap_or_default();
    for backend in rules.as_array().into_iter().flatten().flat_map(|rule| rule["backendRefs"].as_array().unwrap()) {
        let name = backend["name"].as_str().unwrap();
        if name == "shop" {
            continue;
        }
        let hash = match name {
            "web" => Value::Null,
            ours => {
                let service =
                    world.objects.get(ours).unwrap_or_else(|| panic!("a route leads to {ours}, which is gone"));
                service["spec"]["selector"]["pod-template-hash"].clone()
            }
        };
        let set = hash.as_str().map(|hash| format!("web-{hash}"));
        let serves = world.cluster.pods.iter().any(|pod| pod.ready && (set.is_none() || pod.set == set));
        assert!(serves, "requests for {name} find no pod: {:?}", world.writes);
    }
}

/// The route is as it was, and nothing is left beside it.
fn check_put_back(world: &World) {
    assert_eq!(world.objects, BTreeMap::from([(ROUTE.to_owned(), route())]), "{:?}", world.writes);
}

fn at(world: &World, what: &str) -> usize {
    world.writes.iter().position(|write| write.starts_with(what)).unwrap_or_else(|| panic!("{:?}", world.writes))
}

#[test]
fn requests_are_divided_when_the_gray_batch_is_ready_and_put_back_before_old_pods_go() {
    let (mut world, id) = divided(OnFailure::Rollback);
    assert_eq!((world.cluster.ready_of("app:v1"), world.cluster.ready_of("app:v2")), (3, 1));
    let Job::Release(release) = &world.order(id).job else { panic!() };
    let hashes = release.steering.as_ref().unwrap().hashes().unwrap().clone();
    for (service, hash) in [("web-old-", &hashes.old), ("web-new-", &hashes.new)] {
        let (_, service) = world.objects.iter().find(|(name, _)| name.starts_with(service)).unwrap();
        assert_eq!(service["spec"]["selector"], json!({"app": "web", "pod-template-hash": hash}));
    }
    let first = |kind: &str| world.events.iter().find(|event| event.kind == kind).unwrap().at;
    let waited = first("RoutingChanged").duration_since(first("RoutingAsked"));
    assert!(waited.as_secs() >= 3, "the Services get time until their pods are known");
    let front = &world.objects[ROUTE]["spec"]["rules"][0];
    assert_eq!(front["matches"][0]["headers"][0]["name"], "user");
    assert!(world.writes.iter().rposition(|write| write == "wave") < Some(at(&world, "web-old-")));

    world.writes.clear();
    world.confirm(id).unwrap();
    go(&mut world);
    assert_eq!(world.order(id).status, Status::AwaitingConfirmation, "the gate after the second batch");
    assert!(at(&world, ROUTE) < at(&world, "wave"), "{:?}", world.writes);
    assert_eq!(world.objects[ROUTE]["spec"], route()["spec"]);
    world.confirm(id).unwrap();
    go(&mut world);
    assert_eq!(world.order(id).status, Status::Succeeded);
    assert_eq!(world.order(id).warnings, Vec::<String>::new());
    check_put_back(&world);
    check_settled(&mut world);
}

#[test]
fn a_rollback_puts_requests_back_before_gray_pods_go() {
    let (mut world, id) = divided(OnFailure::Rollback);
    world.writes.clear();
    let rollback = world.abort_and_roll_back(id).unwrap();
    assert_eq!(world.order(id).status, Status::Aborted);
    go(&mut world);
    assert_eq!(world.order(rollback).status, Status::Succeeded);
    assert!(
        at(&world, "web-new-") < at(&world, ROUTE) && at(&world, ROUTE) < at(&world, "restore"),
        "{:?}",
        world.writes
    );
    check_put_back(&world);
    check_settled(&mut world);
}

#[test]
fn an_abort_ends_when_requests_are_put_back() {
    let (mut world, id) = divided(OnFailure::Rollback);
    world.abort(id).unwrap();
    assert_eq!(world.order(id).status, Status::Running);
    assert_eq!(world.abort(id), Ok(id), "asked again");
    go(&mut world);
    assert_eq!(world.order(id).status, Status::Aborted);
    assert!(world.cluster.workload().is_held());
    assert!(world.app.held.is_some());
    check_put_back(&world);
    assert_eq!((world.cluster.ready_of("app:v1"), world.cluster.ready_of("app:v2")), (3, 1));
}

#[test]
fn an_abort_that_puts_back_may_become_a_rollback() {
    let (mut world, id) = divided(OnFailure::Rollback);
    world.abort(id).unwrap();
    world.perform(false);
    let rollback = world.abort_and_roll_back(id).unwrap();
    go(&mut world);
    assert_eq!((world.order(id).status, world.order(rollback).status), (Status::Aborted, Status::Succeeded));
    check_put_back(&world);
}

#[test]
fn a_rollback_that_is_aborted_puts_requests_back() {
    for writes in 0..6 {
        let (mut world, id) = divided(OnFailure::Rollback);
        let rollback = world.abort_and_roll_back(id).unwrap();
        for _ in 0..writes {
            world.observe();
            world.perform(false);
        }
        world.abort(rollback).unwrap();
        go(&mut world);
        assert_eq!(world.order(rollback).status, Status::Aborted);
        check_put_back(&world);
    }
}

#[test]
fn a_crash_after_any_write_changes_nothing() {
    type Act = fn(&mut World, OrderId) -> Result<OrderId, Illegal>;
    let stories: [(&str, Act); 3] =
        [("to the end", World::confirm), ("abort", World::abort), ("rollback", World::abort_and_roll_back)];
    for (story, act) in stories {
        for lost in 0..40 {
            let (mut world, id) = begun(OnFailure::Rollback);
            let first = go_crashing(&mut world, lost);
            assert!(leads_to(&world, "web-new-"), "{story}, write {lost}");
            act(&mut world, id).unwrap();
            let second = go_crashing(&mut world, lost.wrapping_sub(first));
            while world.active().is_some() {
                let active = world.orders.last().unwrap().id;
                world.confirm(active).unwrap();
                go(&mut world);
            }
            check_put_back(&world);
            if lost > first + second {
                break;
            }
        }
    }
}

#[test]
fn a_route_that_someone_changes_keeps_the_change() {
    let (mut world, id) = divided(OnFailure::Rollback);
    let edge = world.objects.get_mut(ROUTE).unwrap();
    edge["spec"]["hostnames"] = json!(["shop.test"]);
    edge["spec"]["rules"][1]["timeouts"] = json!({"request": "5s"});
    world.abort_and_roll_back(id).unwrap();
    go(&mut world);
    let mut expected = route();
    expected["spec"]["hostnames"] = json!(["shop.test"]);
    expected["spec"]["rules"][0]["timeouts"] = json!({"request": "5s"});
    assert_eq!(world.objects[ROUTE], expected);
    assert_eq!(world.objects.len(), 1);
}

#[test]
fn a_route_that_someone_deletes_is_no_trouble() {
    let (mut world, id) = divided(OnFailure::Rollback);
    world.objects.remove(ROUTE);
    let rollback = world.abort_and_roll_back(id).unwrap();
    go(&mut world);
    assert_eq!(world.order(rollback).status, Status::Succeeded);
    assert_eq!(world.order(rollback).warnings, Vec::<String>::new());
    assert!(world.objects.is_empty());
}

#[test]
fn a_route_that_cannot_be_written_holds_up_no_rollback() {
    let unreachable = ClusterError::Unreachable { message: "no answer".to_owned(), retry_after_seconds: None };
    let faults = [unreachable, ClusterError::Forbidden("not yours".to_owned()), ClusterError::Conflict];
    for fault in faults {
        let (mut world, id) = divided(OnFailure::Rollback);
        world.faults.insert(ROUTE.to_owned(), fault.clone());
        let rollback = world.abort_and_roll_back(id).unwrap();
        let tries = go_crashing(&mut world, usize::MAX);
        assert!(tries < 20, "{fault}: {tries}");
        let order = world.order(rollback);
        assert_eq!(order.status, Status::Succeeded, "{fault}");
        assert!(
            order.warnings[0].contains("kubectl -n default delete service -l sternway.io/steered-by="),
            "{order:?}"
        );
        // Whoever is still led to the two Services finds every pod there.
        assert!(leads_to(&world, "web-new-"));
        assert_eq!(world.objects.len(), 3);
        check_requests(&world);
    }
}

#[test]
fn a_route_that_can_be_written_again_is_put_back_while_pods_come_back_or_at_the_end() {
    let away = ClusterError::Unreachable { message: "no answer".to_owned(), retry_after_seconds: None };
    // Away until the old version is restored; and for another round of tries after that.
    for moves_after in [0, 12] {
        let (mut world, id) = divided(OnFailure::Rollback);
        world.faults.insert(ROUTE.to_owned(), away.clone());
        let rollback = world.abort_and_roll_back(id).unwrap();
        let mut left = moves_after;
        while left > 0 || !world.writes.iter().any(|write| write == "restore") {
            if world.writes.iter().any(|write| write == "restore") {
                left -= 1;
            }
            if !world.perform(false) {
                world.observe();
            }
        }
        world.faults.clear();
        world.observe();
        while world.perform(false) {}
        assert_eq!(leads_to(&world, "web-new-"), moves_after > 0);
        go(&mut world);
        assert_eq!(world.order(rollback).status, Status::Succeeded);
        check_put_back(&world);
    }
}

#[test]
fn a_release_does_not_go_on_while_requests_would_find_no_pods() {
    let (mut world, id) = divided(OnFailure::Rollback);
    for name in world.objects.keys().cloned().collect::<Vec<_>>() {
        world.faults.insert(name, ClusterError::Forbidden("not yours".to_owned()));
    }
    world.writes.clear();
    world.confirm(id).unwrap();
    while world.active().is_some_and(|index| world.orders[index].id == id) {
        if !world.perform(false) {
            world.observe();
        }
    }
    assert_eq!(world.writes, Vec::<String>::new(), "no wave");
    let order = world.order(id);
    assert_eq!(order.status, Status::Failed);
    assert_eq!(order.pipelines[1].error.as_ref().unwrap().code, "RoutingNotPutBack");
    // The rollback goes on all the same.
    let rollback = order.rolled_back_by.unwrap();
    world.run();
    assert_eq!(world.order(rollback).status, Status::Succeeded);
}

#[test]
fn requests_that_cannot_be_divided_fail_the_release() {
    let (mut world, id) = begun(OnFailure::Rollback);
    world.objects.remove(ROUTE);
    go(&mut world);
    let order = world.order(id);
    assert_eq!(order.status, Status::Failed);
    assert_eq!(order.pipelines[0].error.as_ref().unwrap().code, "RoutingNotSet");
    assert_eq!(world.order(order.rolled_back_by.unwrap()).status, Status::Succeeded);
    assert!(world.objects.is_empty(), "the two Services are gone again");
}

#[test]
fn gray_pods_that_go_take_their_requests_with_them_until_they_are_back() {
    let (mut world, _) = divided(OnFailure::Rollback);
    let new = world.cluster.workload().new_set().unwrap().name.clone();
    let gray = world.cluster.pods.iter().position(|pod| pod.set.as_ref() == Some(&new)).unwrap();
    world.cluster.pods[gray].ready = false;
    world.guard_floor = false;
    while leads_to(&world, "web-new-") {
        if !world.perform(false) {
            world.observe();
        }
    }
    world.cluster.pods[gray].ready = true;
    // The Services get time again.
    for _ in 0..10 {
        go(&mut world);
        world.pass(1);
    }
    assert!(leads_to(&world, "web-new-"));
}

#[test]
fn a_paused_release_leads_nobody_to_its_pods_and_a_retry_does_again() {
    let (mut world, id) = divided(OnFailure::Pause);
    let new = world.cluster.workload().new_set().unwrap().name.clone();
    let gray = world.cluster.pods.iter().position(|pod| pod.set.as_ref() == Some(&new)).unwrap();
    world.guard_floor = false;
    world.cluster.pods[gray].ready = false;
    world.cluster.pods[gray].problem = Some(sternway_core::observation::Problem {
        kind: sternway_core::observation::ProblemKind::CrashLoop,
        container: "web".to_owned(),
        reason: "CrashLoopBackOff".to_owned(),
        message: "back-off".to_owned(),
        last_log: None,
    });
    for _ in 0..30 {
        if !world.perform(false) {
            world.observe();
        }
        world.pass(1);
    }
    assert!(world.events.iter().any(|event| event.kind == "Paused"));
    assert!(!leads_to(&world, "web-new-"));
    world.cluster.pods[gray].ready = true;
    world.cluster.pods[gray].problem = None;
    let task = world.order(id).task_id(0, Stage::Change);
    world.command(id, Command::Retry { task, actor: actor() }).unwrap();
    go(&mut world);
    assert_eq!(world.order(id).status, Status::AwaitingConfirmation);
    assert!(leads_to(&world, "web-new-"));
}

#[test]
fn a_deployment_that_is_gone_leaves_no_division() {
    let (mut world, id) = divided(OnFailure::Rollback);
    world.observe_gone();
    while world.perform(false) {}
    assert_eq!(world.order(id).status, Status::Failed);
    check_put_back(&world);

    let (mut world, id) = divided(OnFailure::Rollback);
    let rollback = world.abort_and_roll_back(id).unwrap();
    while world.active().is_some() {
        world.observe_gone();
        while world.perform(false) {}
    }
    assert_eq!(world.order(rollback).status, Status::Failed);
    check_put_back(&world);
}

#[test]
fn a_failed_release_that_is_kept_is_put_back_first() {
    let (mut world, id) = divided(OnFailure::Keep);
    world.objects.get_mut(ROUTE).unwrap()["metadata"]["annotations"]["seen"] = json!("yes");
    // Someone else takes the Deployment over.
    let other = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "app:v9"}]}}}});
    world.cluster.patch(&other);
    while world.active().is_some() {
        if !world.perform(false) {
            world.observe();
        }
    }
    let order = world.order(id);
    assert_eq!((order.status, order.kind), (Status::Failed, OrderKind::Deploy));
    assert_eq!(order.pipelines.iter().find_map(|it| it.error.as_ref()).unwrap().code, "Drift");
    assert_eq!(world.objects[ROUTE]["spec"], route()["spec"]);
    assert_eq!(world.objects.len(), 1);
}

#[test]
fn without_a_gray_batch_there_is_nothing_to_lead_requests_to() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let batches = Batches { gray: None, ..GRAY };
    let refused = world.deploy_steered("app:v2", batches, OnFailure::Rollback, Some(plan()));
    assert_eq!(refused, Err(Refused::SteeringWithoutGray));
}

#[test]
fn missing_rights_block_and_what_is_divided_is_told() {
    let findings = steering(&plan(), &["patch on httproutes.gateway.networking.k8s.io".to_owned()]);
    assert!(findings[0].blocking && findings[0].text.contains("patch on httproutes"), "{findings:?}");
    assert!(!findings[1].blocking && findings[1].text.contains("HTTPRoute edge leads to Service web"), "{findings:?}");
    assert_eq!(steering(&plan(), &[]), findings[1..]);
}

#[test]
fn a_preview_says_what_is_divided() {
    let (world, id) = begun(OnFailure::Rollback);
    let fresh = Fresh { object: world.cluster.object.clone(), workload: world.cluster.workload() };
    let writes = preview(world.order(id), fresh, world.cluster.now).unwrap();
    let purposes: Vec<&str> = writes.iter().map(|write| write.purpose.as_str()).collect();
    let routes: Vec<_> = writes.iter().filter(|write| write.purpose == "route").collect();
    assert_eq!(routes.len(), 3, "{purposes:?}");
    assert_eq!((routes[0].batch, &routes[0].patch["metadata"]["name"]), (1, &json!(ROUTE)));
    assert!(routes[0].patch["spec"]["rules"].to_string().contains("web-new-"));
    assert_eq!(routes[1].patch["spec"], route()["spec"]);
    let mark =
        routes[1].patch["metadata"]["annotations"].as_object().unwrap().keys().find(|key| key.contains("unsteered"));
    assert!(routes[2].patch["metadata"]["annotations"][mark.unwrap()].is_null(), "{}", routes[2].patch);
}
