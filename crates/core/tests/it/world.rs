//! Orders driven by core's step on the model, one small move at a time, with every write checked.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sternway_core::application::{AppState, Application, WorkloadRef};
use sternway_core::effect::object::{self, ObjectWrite};
use sternway_core::effect::{Refusal, Write, Writer, apply_merge, compile, route};
use sternway_core::floor;
use sternway_core::health::DEFAULT_PATIENCE;
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId, VersionNumber};
use sternway_core::observation::Observation;
use sternway_core::order::birth::{self, DeployRequest, DeployTarget, Refused, Request};
use sternway_core::order::job::OnFailure;
use sternway_core::order::steering::SteeringPlan;
use sternway_core::order::{Actor, Event, Order, OrderKind};
use sternway_core::plan::Batches;
use sternway_core::ports::{ClusterError, Performed};
use sternway_core::step::{Command, Context, Illegal, Input, VersionChange, step};
use sternway_core::strategy::Strategy;
use sternway_core::template::edit::Edit;
use sternway_core::version::{Origin, Version};
use uuid::Uuid;

use crate::model::Cluster;

pub(crate) fn actor() -> Actor {
    Actor { user: "tester".to_owned(), behind: None, source: "test".to_owned(), trace_id: "trace".to_owned() }
}

/// One application, its orders and its cluster.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) app: Application,
    pub(crate) versions: Vec<Version>,
    /// All orders; the last is the newest.
    pub(crate) orders: Vec<Order>,
    pub(crate) events: Vec<Event>,
    /// Whether the promise about ready pods can be checked: not while someone scales or pods break.
    pub(crate) guard_floor: bool,
    /// Objects beside the Deployment, by name.
    pub(crate) objects: BTreeMap<String, Value>,
    /// Objects that cannot be written, by name, and why.
    pub(crate) faults: BTreeMap<String, ClusterError>,
    /// What was written, in a word each.
    pub(crate) writes: Vec<String>,
    wake: Option<Timestamp>,
    ids: u128,
}

impl World {
    pub(crate) fn new(replicas: u32, strategy: Strategy) -> Self {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let cluster = Cluster::settled(replicas, "app:v1", strategy, now);
        let id = AppId::new(Uuid::from_u128(1));
        let first = VersionNumber(1);
        let app = Application {
            id,
            name: "web".to_owned(),
            workload: WorkloadRef {
                cluster: ClusterId::new(Uuid::from_u128(2)),
                namespace: "default".to_owned(),
                name: "web".to_owned(),
            },
            logical_region: "cn-hangzhou".to_owned(),
            description: String::new(),
            owner: "tester".to_owned(),
            package_type: "Image".to_owned(),
            attributes: Default::default(),
            current: Some(first),
            last_good: Some(first),
            latest: first,
            replicas,
            instances_before_stop: None,
            state: AppState::Running,
            held: None,
            created_at: now,
            revision: 0,
        };
        let version = Version {
            app: id,
            number: first,
            snapshot: cluster.snapshot(),
            origin: Origin::Created,
            order: OrderId::new(Uuid::from_u128(3)),
            package_version: "v1".to_owned(),
            description: String::new(),
            created_at: now,
            good: true,
        };
        Self {
            cluster,
            app,
            versions: vec![version],
            orders: Vec::new(),
            events: Vec::new(),
            guard_floor: true,
            objects: BTreeMap::new(),
            faults: BTreeMap::new(),
            writes: Vec::new(),
            wake: None,
            ids: 100,
        }
    }

    pub(crate) fn deploy(&mut self, image: &str, batches: Batches, on_failure: OnFailure) -> Result<OrderId, Refused> {
        self.deploy_steered(image, batches, on_failure, None)
    }

    pub(crate) fn deploy_steered(
        &mut self,
        image: &str,
        batches: Batches,
        on_failure: OnFailure,
        steering: Option<SteeringPlan>,
    ) -> Result<OrderId, Refused> {
        let edits = [Edit::Image(image.to_owned())];
        let request =
            Request { order: self.fresh_id(), actor: actor(), description: String::new(), now: self.cluster.now };
        let base = self.versions.iter().find(|version| Some(version.number) == self.app.current).unwrap();
        let deploy = DeployRequest {
            kind: OrderKind::Deploy,
            target: DeployTarget::Edits { edits: &edits, min_ready_seconds: None, package_version: String::new() },
            batches,
            batch_timeout_seconds: 600,
            on_failure,
            replicas: None,
            steering,
        };
        let birth = birth::deploy(&self.app, base, &self.tried(), &self.cluster.workload(), deploy, &request)?;
        assert!(self.active().is_none(), "the store would refuse a second active order");
        self.app = birth.app;
        self.versions.extend(birth.versions);
        let id = birth.order.id;
        self.orders.push(birth.order);
        Ok(id)
    }

    pub(crate) fn active(&self) -> Option<usize> {
        self.orders.iter().position(|order| !order.status.is_terminal())
    }

    pub(crate) fn order(&self, id: OrderId) -> &Order {
        self.orders.iter().find(|order| order.id == id).unwrap()
    }

    pub(crate) fn version(&self, number: VersionNumber) -> &Version {
        self.versions.iter().find(|version| version.number == number).unwrap()
    }

    fn fresh_id(&mut self) -> OrderId {
        self.ids += 1;
        OrderId::new(Uuid::from_u128(self.ids))
    }

    pub(crate) fn command(&mut self, id: OrderId, command: Command) -> Result<OrderId, Illegal> {
        let index = self.orders.iter().position(|order| order.id == id).unwrap();
        self.step(index, Input::Command(&command))
    }

    pub(crate) fn abort_and_roll_back(&mut self, id: OrderId) -> Result<OrderId, Illegal> {
        self.command(id, Command::AbortAndRollback { actor: actor() })
    }

    pub(crate) fn abort(&mut self, id: OrderId) -> Result<OrderId, Illegal> {
        self.command(id, Command::Abort { actor: actor() })
    }

    /// Confirms the batch that the order waits for.
    pub(crate) fn confirm(&mut self, id: OrderId) -> Result<OrderId, Illegal> {
        let order = self.order(id);
        let pipeline = order.pipelines[order.present_pipeline()].id;
        self.command(id, Command::Continue { pipeline, confirm: true, actor: actor() })
    }

    fn step(&mut self, index: usize, input: Input<'_>) -> Result<OrderId, Illegal> {
        let context = Context { now: self.cluster.now, fresh_id: self.fresh_id(), patience: DEFAULT_PATIENCE };
        let transition = step(&self.orders[index], input, context)?;
        crate::invariants::check_transition(&self.orders[index], &transition);
        self.wake = transition.wake;
        self.events.extend(transition.events);
        for change in transition.versions {
            match change {
                VersionChange::Stored(number, snapshot) => {
                    let version = self.versions.iter_mut().find(|version| version.number == number).unwrap();
                    version.snapshot = *snapshot;
                }
                VersionChange::Good(number) => {
                    self.versions.iter_mut().find(|version| version.number == number).unwrap().good = true;
                }
            }
        }
        if let Some(app) = self.app.apply(&transition.app) {
            self.app = app;
        }
        self.orders[index] = transition.next;
        self.orders.extend(transition.born);
        Ok(transition.reply)
    }

    /// One observation of the active order. False if there is none.
    pub(crate) fn observe(&mut self) -> bool {
        let Some(index) = self.active() else {
            return false;
        };
        let observation = self.cluster.observe();
        self.step(index, Input::Observed(&observation)).expect("observations are legal");
        true
    }

    /// An observation that a watch brings late.
    pub(crate) fn observe_old(&mut self, observation: &Observation) {
        let index = self.active().expect("an order is active");
        self.step(index, Input::Observed(observation)).expect("observations are legal");
    }

    /// Someone deletes the Deployment.
    pub(crate) fn observe_gone(&mut self) {
        let index = self.active().expect("an order is active");
        let gone = Observation::Gone { pods: Vec::new() };
        self.step(index, Input::Observed(&gone)).expect("observations are legal");
    }

    /// Versions newer than the one that runs.
    fn tried(&self) -> Vec<Version> {
        self.versions.iter().filter(|version| Some(version.number) > self.app.current).cloned().collect()
    }

    /// Begins to deploy a version that was there before, as it was.
    pub(crate) fn deploy_version(&mut self, number: VersionNumber) -> OrderId {
        let request =
            Request { order: self.fresh_id(), actor: actor(), description: String::new(), now: self.cluster.now };
        let base = self.versions.iter().find(|version| Some(version.number) == self.app.current).unwrap();
        let deploy = DeployRequest {
            kind: OrderKind::DeployHistory,
            target: DeployTarget::Version(self.version(number)),
            batches: sternway_core::plan::ONE_BATCH,
            batch_timeout_seconds: 600,
            on_failure: OnFailure::Rollback,
            replicas: None,
            steering: None,
        };
        let birth = birth::deploy(&self.app, base, &self.tried(), &self.cluster.workload(), deploy, &request).unwrap();
        self.app = birth.app;
        self.versions.extend(birth.versions);
        let id = birth.order.id;
        self.orders.push(birth.order);
        id
    }

    /// Begins to delete the application.
    pub(crate) fn delete(&mut self) -> OrderId {
        let request =
            Request { order: self.fresh_id(), actor: actor(), description: String::new(), now: self.cluster.now };
        let birth = birth::delete(&self.app, 600, &request);
        self.app = birth.app;
        let id = birth.order.id;
        self.orders.push(birth.order);
        id
    }

    /// One try of the pending effect of the active order. False if there is none. `lost` is a crash after the write: the outcome is not told.
    pub(crate) fn perform(&mut self, lost: bool) -> bool {
        let Some(index) = self.active() else {
            return false;
        };
        let order = &self.orders[index];
        let Some(pending) = &order.pending else {
            return false;
        };
        let writer =
            Writer { app: order.app, order: order.id, fence: Fence(self.orders.len() as u64), object: order.object };
        let fresh = self.cluster.fresh();
        let outcome = match compile(&pending.effect, &order.workload, Some(&fresh), writer) {
            Ok(Write::Patch(patch)) => {
                self.writes.push(pending.effect.purpose().to_owned());
                self.cluster.patch(&patch);
                Ok(())
            }
            Ok(Write::Nothing) => Ok(()),
            Ok(Write::Object(change)) => {
                let write = object::compile(&change, self.objects.get(&change.name), order.app);
                self.write_object(&change.name, write)
            }
            Ok(Write::Route(change)) => {
                let write = route::compile(&change, self.objects.get(&change.name), &order.workload, writer);
                self.write_object(&change.name, write)
            }
            Ok(other) => panic!("no release writes {other:?}"),
            Err(refusal) => Err(ClusterError::Refused(refusal)),
        };
        if lost {
            return true;
        }
        match outcome {
            Ok(()) => {
                let performed = Performed {
                    object: fresh.workload.identity(),
                    generation: self.cluster.generation(),
                    replicas: self.cluster.replicas(),
                    stored: Some(self.cluster.snapshot()),
                };
                self.step(index, Input::Performed(&performed)).expect("outcomes are legal");
            }
            Err(error) => {
                self.step(index, Input::NotPerformed(&error)).expect("outcomes are legal");
            }
        }
        true
    }

    fn write_object(&mut self, name: &str, write: Result<ObjectWrite, Refusal>) -> Result<(), ClusterError> {
        if let Some(fault) = self.faults.get(name) {
            return Err(fault.clone());
        }
        match write? {
            ObjectWrite::Create(object) => drop(self.objects.insert(name.to_owned(), object)),
            ObjectWrite::Patch(patch) => apply_merge(self.objects.get_mut(name).unwrap(), &patch),
            ObjectWrite::Delete => drop(self.objects.remove(name)),
            ObjectWrite::Wait => return Err(ClusterError::Conflict),
            ObjectWrite::Nothing => return Ok(()),
        }
        self.writes.push(name.to_owned());
        Ok(())
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.cluster.now += SignedDuration::from_secs(seconds);
    }

    /// Runs one move of the native controllers, checking that ready pods do not fall below the floor by it.
    pub(crate) fn native(&mut self, what: u8) {
        let before = self.cluster.ready();
        match what % 3 {
            0 => {
                self.cluster.sync_deployment();
            }
            1 => self.cluster.sync_sets(),
            _ => self.cluster.start_one(what as usize / 3),
        }
        let after = self.cluster.ready();
        if self.guard_floor && after < before {
            let strategy = self.version(VersionNumber(1)).snapshot.strategy;
            let floor = floor::floor(strategy, self.cluster.replicas(), self.cluster.budget);
            assert!(after >= floor, "{after} ready pods are below the floor of {floor}: {:#?}", self.cluster);
        }
    }

    /// Moves everything in turn until the active order ends, waits for a person, or `limit` rounds have passed.
    pub(crate) fn run(&mut self) -> Option<&Order> {
        for round in 0..20_000_u32 {
            let Some(index) = self.active() else {
                return self.orders.last();
            };
            let waits = {
                let order = &self.orders[index];
                order.status == sternway_core::order::Status::AwaitingConfirmation && order.pending.is_none()
            };
            if waits {
                self.observe();
                let index = self.active()?;
                if self.orders[index].pending.is_none() {
                    return Some(&self.orders[index]);
                }
            }
            if !self.perform(false) {
                self.observe();
            }
            self.native(0);
            self.native(1);
            self.native(2 + 3 * (round as u8 % 40));
            self.pass(1);
        }
        panic!("the order never ends: {:#?}\n{:#?}", self.orders.last(), self.events);
    }
}
