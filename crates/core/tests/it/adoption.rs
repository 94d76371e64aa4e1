//! A Deployment that was there before us, or that an earlier Sternway left in mid-release.

use serde_json::{Value, json};
use sternway_core::application::{Application, Held};
use sternway_core::ids::{AppId, VersionNumber};
use sternway_core::order::birth::{Adoption, adopt};
use sternway_core::order::job::OnFailure;
use sternway_core::order::{OrderKind, Status};
use sternway_core::plan::ONE_BATCH;
use sternway_core::strategy::DEFAULT_STRATEGY;
use uuid::Uuid;

use crate::invariants::check_settled;
use crate::model::template;
use crate::scenarios::half_way;
use crate::world::World;

fn newcomer(world: &World) -> Application {
    Application {
        id: AppId::new(Uuid::from_u128(77)),
        current: None,
        last_good: None,
        latest: VersionNumber(0),
        held: None,
        ..world.app.clone()
    }
}

fn replica_sets(images: &[&str]) -> Vec<Value> {
    let set = |(index, image): (usize, &&str)| {
        let mut template = template(image).json().clone();
        template["metadata"]["labels"]["pod-template-hash"] = json!(format!("hash{index}"));
        json!({
            "metadata": {"annotations": {"deployment.kubernetes.io/revision": (index + 1).to_string()}},
            "spec": {"template": template},
        })
    };
    images.iter().enumerate().map(set).collect()
}

fn take_in(world: &mut World, images: &[&str]) {
    let live = world.cluster.workload();
    let adoption =
        adopt(newcomer(world), &live, &world.cluster.object, &replica_sets(images), world.cluster.now).unwrap();
    let Adoption { app, versions } = adoption;
    world.app = app;
    world.versions = versions;
    world.orders.clear();
}

#[test]
fn history_comes_from_the_replica_sets() {
    let mut world = World::new(3, DEFAULT_STRATEGY);
    take_in(&mut world, &["app:old", "app:older", "app:v1"]);
    let known: Vec<_> =
        world.versions.iter().map(|version| (version.number.0, version.snapshot.template.image())).collect();
    assert_eq!(known, [(1, "app:old"), (2, "app:older"), (3, "app:v1")]);
    assert_eq!((world.app.current, world.app.held), (Some(VersionNumber(3)), None));
    assert_eq!(world.app.id, AppId::new(Uuid::from_u128(77)));
    world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    check_settled(&mut world);
}

#[test]
fn a_release_that_an_earlier_sternway_left_half_way_can_go_on_or_back() {
    for (image, ends_on) in [("app:v2", "app:v2"), ("app:v1", "app:v1"), ("app:v9", "app:v9")] {
        let (mut world, _) = half_way();
        let id = world.app.id;
        world.cluster.settle();
        take_in(&mut world, &["app:v1", "app:v2"]);
        assert_eq!(world.app.id, id, "the id that the annotation tells is kept");
        assert_eq!(world.app.held, Some(Held { from: VersionNumber(1), to: VersionNumber(2) }));
        let order = world.deploy(image, ONE_BATCH, OnFailure::Rollback).unwrap();
        assert_eq!(world.run().unwrap().status, Status::Succeeded);
        assert_eq!(world.order(order).kind, OrderKind::Deploy);
        assert_eq!(world.cluster.ready_of(ends_on), 10);
        check_settled(&mut world);
    }
}

#[test]
fn the_line_in_the_annotation_restores_without_us() {
    let (mut world, _) = half_way();
    let line = world.cluster.object["metadata"]["annotations"]["sternway.io/restore"].as_str().unwrap().to_owned();
    let patch = line.split("-p '").nth(1).and_then(|rest| rest.strip_suffix('\'')).unwrap();
    let operations: Vec<Value> = serde_json::from_str(patch).unwrap();
    for operation in operations {
        let path = operation["path"].as_str().unwrap();
        let keys: Vec<String> = path.trim_start_matches('/').split('/').map(|key| key.replace("~1", "/")).collect();
        let (last, parents) = keys.split_last().unwrap();
        let parent = parents.iter().fold(&mut world.cluster.object, |value, key| &mut value[key]);
        match operation["op"].as_str().unwrap() {
            "add" => parent[last] = operation["value"].clone(),
            _ => assert!(parent.as_object_mut().unwrap().remove(last).is_some(), "{path} is there to be removed"),
        }
    }
    let generation = world.cluster.generation() + 1;
    world.cluster.object["metadata"]["generation"] = json!(generation);
    world.cluster.settle();
    assert_eq!(world.cluster.ready_of("app:v1"), 10);
    assert_eq!(world.cluster.snapshot(), world.version(VersionNumber(1)).snapshot);
}
