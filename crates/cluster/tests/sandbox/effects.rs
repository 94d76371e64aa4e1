//! Effects, from the first to the last of a workload's life.

use async_trait::async_trait;
use http::Method;
use serde_json::json;
use sternway_core::effect::{Effect, HOLD_MIN_READY_SECONDS, Hold, Refusal, Restore};
use sternway_core::ids::VersionNumber;
use sternway_core::observation::{Observation, Workload};
use sternway_core::plan::Wave;
use sternway_core::ports::{ClusterError, Clusters as _, Performed, WriteGuard};
use sternway_core::version::Snapshot;

use crate::harness::{Always, V1, V2, World, template, with_image, writer};

const GONE: Performed = Performed { object: None, generation: 0, replicas: 0, stored: None };

pub(crate) fn settled(workload: &Workload, old: u32, new: u32) -> bool {
    workload.is_current()
        && (workload.old_wanted(), workload.new_wanted()) == (old, new)
        && (workload.old_ready(), workload.new_ready()) == (old, new)
        && workload.pods.iter().all(|pod| !pod.deleting)
}

fn hold(from: &Snapshot, wave: Wave) -> Effect {
    Effect::Hold(Box::new(Hold {
        template: Some(with_image(&from.template, V2)),
        expects: from.template.digest(),
        wave: Some(wave),
        return_to: from.clone(),
        version: VersionNumber(2),
    }))
}

#[tokio::test]
async fn a_release_is_held_taken_back_and_finished() {
    let world = World::new().await;
    let created = world.create(4, V1).await;
    let original = created.stored.clone().unwrap();
    assert_eq!((created.replicas, created.generation > 0), (4, true));
    world.until_present(|it| settled(it, 0, 4) && it.is_complete()).await;

    // The hold stops by itself at old = N - u, new = u + s.
    let wave = Wave { old: 3, new: 2 };
    let held = world.perform(&hold(&original, wave)).await.unwrap();
    assert_eq!(held.stored.as_ref().unwrap().min_ready_seconds, HOLD_MIN_READY_SECONDS);
    let workload = world.until_present(|it| settled(it, 3, 2)).await;
    assert!(workload.is_held() && workload.marks.borrowed);
    assert_eq!(workload.marks.fence, Some(world.writer.fence));
    assert_eq!(workload.status_replicas, 5);
    assert_eq!(workload.available_replicas, 3, "what is held is never available");

    // The same again is done already.
    let again = Effect::Hold(Box::new(Hold {
        expects: held.stored.as_ref().unwrap().template.digest(),
        template: None,
        wave: Some(wave),
        return_to: original.clone(),
        version: VersionNumber(2),
    }));
    assert_eq!(world.perform(&again).await.unwrap(), held);

    let restore = Effect::Restore(Box::new(Restore {
        snapshot: original.clone(),
        version: VersionNumber(1),
        expects: vec![workload.digest.clone()],
    }));
    let restored = world.perform(&restore).await.unwrap();
    assert_eq!(restored.stored.as_ref().unwrap().template, original.template);
    assert_eq!(world.perform(&restore).await.unwrap(), restored);
    let workload = world.until_present(|it| settled(it, 0, 4)).await;
    assert_eq!(workload.digest, original.template.digest());

    let finish = Effect::Finish { snapshot: Box::new(original.clone()), version: VersionNumber(1) };
    let finished = world.perform(&finish).await.unwrap();
    assert_eq!(finished.stored.as_ref(), Some(&original), "field for field");
    assert_eq!(world.perform(&finish).await.unwrap(), finished);
    let workload = world.until_present(|it| it.generation == finished.generation).await;
    assert_eq!(workload.spec, original);
    assert!(!workload.marks.borrowed && workload.marks.order.is_none());
    assert_eq!(workload.marks.application, Some(world.writer.app.to_string()));
    world.end().await;
}

#[tokio::test]
async fn a_workload_is_scaled_and_deleted_with_its_pods() {
    let world = World::new().await;
    let created = world.create(1, V1).await;
    assert_eq!(world.create(1, V1).await.stored, created.stored, "it is there already");
    let scaled = world.perform_among_controllers(&Effect::Scale { replicas: 3 }).await;
    assert_eq!((scaled.replicas, scaled.stored), (3, created.stored));
    world.until_present(|it| settled(it, 0, 3)).await;
    let deleted = Performed { object: created.object, ..GONE };
    assert!(created.object.is_some());
    assert_eq!(world.perform_among_controllers(&Effect::Delete).await, deleted);
    let again = world.perform(&Effect::Delete).await.unwrap();
    assert_eq!(Performed { object: None, ..again }, GONE, "it is on its way, or gone by now");
    let left = world.until(|it| matches!(it, Observation::Gone { pods } if pods.is_empty())).await;
    assert_eq!(world.clusters.read(&world.workload).await.unwrap(), left);
    assert_eq!(world.perform(&Effect::Delete).await.unwrap(), GONE);
    let refused = world.perform(&Effect::Scale { replicas: 3 }).await;
    assert!(matches!(refused, Err(ClusterError::Refused(Refusal::Gone))), "{refused:?}");
    world.end().await;
}

/// Somebody who changes the object between the read and the write, whatever the answer is.
struct Meddler<'a> {
    world: &'a World,
    still_ours: bool,
}

#[async_trait]
impl WriteGuard for Meddler<'_> {
    async fn still_ours(&self) -> bool {
        let label = json!({"metadata": {"labels": {"meddled": "yes"}}});
        let path = self.world.deployment_path();
        self.world.send(Method::PATCH, &path, &label).await;
        self.still_ours
    }
}

#[tokio::test]
async fn whoever_writes_in_between_makes_the_write_fail() {
    let world = World::new().await;
    let created = world.create(2, V1).await;
    let from = created.stored.unwrap();
    let effects = [Effect::Scale { replicas: 5 }, hold(&from, Wave { old: 2, new: 1 }), Effect::Delete];
    for effect in effects {
        let label = json!({"metadata": {"labels": {"meddled": null}}});
        world.send(Method::PATCH, &world.deployment_path(), &label).await;
        let meddler = Meddler { world: &world, still_ours: true };
        let result = world.clusters.perform(&world.workload, &effect, world.writer, &meddler).await;
        assert!(matches!(result, Err(ClusterError::Conflict)), "{effect:?}: {result:?}");
    }
    let workload = world.until_present(|it| settled(it, 0, 2)).await;
    assert!(!workload.is_held() && !workload.deleting);
    world.end().await;
}

#[tokio::test]
async fn a_guard_that_says_no_stops_the_write() {
    let world = World::new().await;
    let created = world.create(2, V1).await;
    let no = Meddler { world: &world, still_ours: false };
    let scale = Effect::Scale { replicas: 5 };
    let refused = world.clusters.perform(&world.workload, &scale, world.writer, &no).await;
    assert!(matches!(refused, Err(ClusterError::NotOurs)), "{refused:?}");
    // With nothing to write there is nothing to guard.
    let same = Effect::Scale { replicas: 2 };
    let done = world.clusters.perform(&world.workload, &same, world.writer, &no).await;
    assert_eq!(done.unwrap(), created);
    world.end().await;
}

#[tokio::test]
async fn an_older_fence_changes_nothing() {
    let mut world = World::new().await;
    world.writer.fence = sternway_core::ids::Fence(7);
    let from = world.create(2, V1).await.stored.unwrap();
    world.until_present(|it| settled(it, 0, 2)).await;
    world.perform(&hold(&from, Wave { old: 2, new: 1 })).await.unwrap();
    world.writer.fence = sternway_core::ids::Fence(6);
    let refused = world.perform(&Effect::Scale { replicas: 5 }).await;
    assert!(matches!(refused, Err(ClusterError::Refused(Refusal::Fenced { .. }))), "{refused:?}");
    world.end().await;
}

#[tokio::test]
async fn names_and_namespaces_are_refused_in_words() {
    let mut world = World::new().await;
    let created = world.create(1, V1).await;
    world.writer = writer(1);
    let manifest = world.manifest(1, V1);
    let foreign = world.perform(&Effect::Create { manifest }).await;
    assert!(matches!(foreign, Err(ClusterError::Refused(Refusal::Foreign))), "{foreign:?}");

    let mut invalid = world.workload.clone();
    invalid.name = "Web_1".to_owned();
    let mut manifest = world.manifest(1, V1);
    manifest["metadata"]["name"] = json!("Web_1");
    let effect = Effect::Create { manifest };
    let rejected = world.clusters.perform(&invalid, &effect, world.writer, &Always).await;
    assert!(matches!(&rejected, Err(ClusterError::Rejected(text)) if text.contains("Web_1")), "{rejected:?}");

    let mut elsewhere = world.workload.clone();
    elsewhere.namespace = "sternway-test-nowhere".to_owned();
    let mut manifest = world.manifest(1, V1);
    manifest["metadata"]["namespace"] = json!("sternway-test-nowhere");
    let effect = Effect::Create { manifest };
    let rejected = world.clusters.perform(&elsewhere, &effect, world.writer, &Always).await;
    assert!(
        matches!(&rejected, Err(ClusterError::Rejected(text)) if text.contains("kubectl create namespace")),
        "{rejected:?}"
    );
    assert_eq!(created.replicas, 1);
    world.end().await;
}

#[tokio::test]
async fn a_name_whose_object_is_leaving_is_not_free_yet() {
    let world = World::new().await;
    let mut manifest = world.manifest(1, V1);
    manifest["metadata"]["finalizers"] = json!(["sternway.io/test"]);
    let create = Effect::Create { manifest };
    world.perform(&create).await.unwrap();
    world.perform_among_controllers(&Effect::Delete).await;
    let refused = world.perform(&create).await;
    assert!(matches!(refused, Err(ClusterError::Conflict)), "{refused:?}");
    let free = json!({"metadata": {"finalizers": null}});
    world.send(Method::PATCH, &world.deployment_path(), &free).await;
    world.until(|it| matches!(it, Observation::Gone { .. })).await;
    world.perform(&create).await.unwrap();
    world.send(Method::PATCH, &world.deployment_path(), &free).await;
    world.end().await;
}

#[tokio::test]
async fn fields_that_this_code_does_not_know_survive() {
    let world = World::new().await;
    let mut manifest = world.manifest(1, V1);
    let mut with_more = template(V1);
    with_more["spec"]["schedulingGates"] = json!([{"name": "example.com/wait"}]);
    manifest["spec"]["template"] = with_more;
    world.perform(&Effect::Create { manifest }).await.unwrap();
    let stored = world.perform_among_controllers(&Effect::Scale { replicas: 0 }).await.stored.unwrap();
    assert_eq!(stored.template.json()["spec"]["schedulingGates"], json!([{"name": "example.com/wait"}]));
    world.end().await;
}
