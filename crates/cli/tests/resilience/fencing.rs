//! Two servers on one store, and one of them frozen past its lease in the middle of a write: when it thaws it changes nothing.
//!
//! Two engines with different holders stand for the servers. The frozen one stops where it is the most dangerous: after its read, before
//! or after its last question whether the write is still its own. A process that is stopped with SIGSTOP can be frozen nowhere
//! else; two processes need a store that lets both in, which SQLite does not (see the crash tests).

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use sternway_cluster::KubeClusters;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{Effect, Refusal, Writer};
use sternway_core::ids::{ClusterId, OrderId};
use sternway_core::observation::Observation;
use sternway_core::order::{Event, Order, Status};
use sternway_core::plan::Gate;
use sternway_core::ports::{
    ClusterAccess, ClusterError, ClusterInfo, Clusters, Commit, CommitError, NativeObjects, Performed, Store as _,
    StoreWrite, WriteGuard,
};
use sternway_core::precheck::Surroundings;
use tokio::sync::Notify;

use crate::world::{V1, V2, World, two_batches};

/// Where the freezing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between the read and the question.
    BeforeTheQuestion,
    /// Between the answer, which was yes, and the write.
    AfterTheQuestion,
}

/// Clusters as a server sees them that is frozen at its first write.
struct Freezing {
    inner: KubeClusters,
    place: Place,
    frozen: Notify,
    thaw: Notify,
    /// What became of the write.
    outcome: tokio::sync::watch::Sender<Option<Result<Performed, ClusterError>>>,
}

struct FreezingGuard<'a> {
    clusters: &'a Freezing,
    guard: &'a dyn WriteGuard,
}

impl Freezing {
    async fn freeze(&self) {
        self.frozen.notify_one();
        self.thaw.notified().await;
    }
}

#[async_trait]
impl WriteGuard for FreezingGuard<'_> {
    async fn still_ours(&self) -> bool {
        if self.clusters.place == Place::BeforeTheQuestion {
            self.clusters.freeze().await;
            return self.guard.still_ours().await;
        }
        let answer = self.guard.still_ours().await;
        assert!(answer, "it was asked in time");
        self.clusters.freeze().await;
        answer
    }
}

#[async_trait]
impl Clusters for Freezing {
    async fn perform(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        let guard = FreezingGuard { clusters: self, guard };
        let outcome = self.inner.perform(workload, effect, writer, &guard).await;
        self.outcome.send_replace(Some(outcome.clone()));
        outcome
    }

    async fn connect(&self, id: ClusterId, access: &ClusterAccess) -> Result<ClusterInfo, ClusterError> {
        self.inner.connect(id, access).await
    }

    async fn connect_later(&self, id: ClusterId, access: &ClusterAccess) {
        self.inner.connect_later(id, access).await;
    }

    async fn disconnect(&self, id: ClusterId) {
        self.inner.disconnect(id).await;
    }

    async fn info(&self, id: ClusterId) -> Result<ClusterInfo, ClusterError> {
        self.inner.info(id).await
    }

    async fn namespaces(&self, id: ClusterId) -> Result<Vec<String>, ClusterError> {
        self.inner.namespaces(id).await
    }

    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.inner.observe(workload).await
    }

    async fn changed(&self, workload: &WorkloadRef) {
        self.inner.changed(workload).await;
    }

    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.inner.read(workload).await
    }

    async fn native(&self, workload: &WorkloadRef, with_nodes: bool) -> Result<NativeObjects, ClusterError> {
        self.inner.native(workload, with_nodes).await
    }

    async fn surroundings(&self, workload: &WorkloadRef) -> Result<Surroundings, ClusterError> {
        self.inner.surroundings(workload).await
    }
}

/// Everything of an order, and the object in the cluster.
async fn everything(world: &World, order: OrderId) -> (Order, Vec<(u64, Event)>, Value) {
    let events = world.store.events(order, 0).await.unwrap();
    (world.order(order).await, events, world.deployment().unwrap())
}

/// The frozen server begins a release, the other takes it over and brings it to the gate, and then the frozen one thaws.
async fn frozen(place: Place) {
    let world = World::without_engine().await;
    let freezing = Arc::new(Freezing {
        inner: world.another_way().await,
        place,
        frozen: Notify::new(),
        thaw: Notify::new(),
        outcome: tokio::sync::watch::Sender::new(None),
    });
    let slow = world.another_engine("slow", 1, freezing.clone());
    world.run(&slow);
    let order = world.deploy_by(&slow, two_batches(Gate::Manual)).await;
    freezing.frozen.notified().await;
    assert_eq!(world.deployment().unwrap()["spec"], world.before, "frozen before its write");

    let other = world.another_engine("other", 15, Arc::new(world.another_way().await));
    world.run(&other);
    world.at_gate(order).await;
    let before = everything(&world, order).await;
    assert_eq!(before.2["spec"]["template"]["spec"]["containers"][0]["image"], V2);

    freezing.thaw.notify_one();
    let mut outcome = freezing.outcome.subscribe();
    let outcome = outcome.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    match place {
        Place::BeforeTheQuestion => assert!(matches!(outcome, Err(ClusterError::NotOurs)), "{outcome:?}"),
        // The object moved on since its read.
        Place::AfterTheQuestion => assert!(matches!(outcome, Err(ClusterError::Conflict)), "{outcome:?}"),
    }
    // Whatever it still tries, the rest of the release is the other one's.
    assert_eq!(everything(&world, order).await, before, "nothing was changed, in store and cluster");
    let rollback = world.abort_and_roll_back_by(&other, order).await.unwrap();
    assert_eq!(world.ended(rollback).await.status, Status::Succeeded);
    world.check_end(V1).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_frozen_before_its_question_changes_nothing() {
    frozen(Place::BeforeTheQuestion).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_frozen_after_its_question_changes_nothing() {
    frozen(Place::AfterTheQuestion).await;
}

/// What the frozen server wanted to store: refused by its token alone, whatever the clocks say.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_under_a_lease_that_was_lost_is_refused() {
    let world = World::without_engine().await;
    let idle = world.another_engine("idle", 15, Arc::new(world.another_way().await));
    let id = world.deploy_by(&idle, two_batches(Gate::Manual)).await;
    let order = world.order(id).await;
    let (begin, end) = (order.created_at, order.created_at + jiff::SignedDuration::from_secs(1));
    let slow = world.store.lease(id, "slow", begin, end).await.unwrap().unwrap();
    assert_eq!(world.store.lease(id, "other", begin, end).await.unwrap(), None, "it is held");
    let other = world.store.lease(id, "other", end, end + jiff::SignedDuration::from_secs(15)).await.unwrap().unwrap();
    assert!(other > slow);

    let next = Order { revision: order.revision + 1, ..order.clone() };
    let commit =
        |fence| Commit { lease: Some((id, fence)), writes: vec![StoreWrite::UpdateOrder(Box::new(next.clone()))] };
    let refused = world.store.commit(commit(slow)).await;
    assert!(matches!(refused, Err(CommitError::LeaseLost)), "{refused:?}");
    assert_eq!(world.order(id).await, order);
    world.store.commit(commit(other)).await.unwrap();
    world.end().await;
}

/// What the frozen server wanted to write: refused by the mark on the object, even if its read is as fresh as can be.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_an_older_fence_is_refused() {
    let world = World::new().await;
    let id = world.deploy(two_batches(Gate::Manual)).await;
    world.at_gate(id).await;
    let before = everything(&world, id).await;
    let fence: u64 = before.2["metadata"]["annotations"]["sternway.io/fence"].as_str().unwrap().parse().unwrap();
    let writer = Writer { app: world.app, order: id, fence: sternway_core::ids::Fence(fence - 1), object: None };
    let clusters = world.another_way().await;
    let refused = clusters.perform(&world.workload, &Effect::Scale { replicas: 9 }, writer, &Always).await;
    assert!(matches!(refused, Err(ClusterError::Refused(Refusal::Fenced { .. }))), "{refused:?}");
    assert_eq!(everything(&world, id).await, before);
    world.end().await;
}

struct Always;

#[async_trait]
impl WriteGuard for Always {
    async fn still_ours(&self) -> bool {
        true
    }
}
