//! Promises about orders: one per application, none lost, none changed after its end, one rollback each, no step under a lost lease, no
//! end without a reason.

use jiff::Timestamp;
use sternway_core::effect::{Effect, Writer};
use sternway_core::ids::{Fence, OrderId};
use sternway_core::order::{Job, Order, OrderKind, Status};
use sternway_core::ports::{Commit, StoreWrite};
use sternway_sandbox::Sandbox;

use super::{Judge, Live, Outside};
use crate::store::short;

impl Judge {
    /// The store has taken a commit.
    pub(crate) fn committed(&mut self, sandbox: &Sandbox, process: usize, commit: &Commit, now: Timestamp) {
        if let Some((order, fence)) = commit.lease
            && self.leases.get(&order) != Some(&fence)
        {
            let text =
                format!("server {process} stored a step of {} under fence {fence}, which it had lost", short(order));
            self.broken("fenced", text);
        }
        let mut ended = Vec::new();
        for write in &commit.writes {
            match write {
                StoreWrite::InsertOrder(order) => {
                    self.born(order);
                    // A rollback is born with its release in mind.
                    if order.kind != OrderKind::Rollback {
                        let held = Live::read(sandbox, &order.workload.name).is_some_and(|live| live.is_held());
                        let watch = self.watch(&order.workload.name);
                        watch.born = Some(now);
                        // Where nothing is held, what is there now is what it goes back to, however the order before ended.
                        watch.original = watch.original.take().filter(|_| held);
                    }
                }
                StoreWrite::UpdateOrder(order) => {
                    self.updated(order);
                    if order.status.is_terminal() {
                        ended.push(order.id);
                    }
                }
                StoreWrite::InsertApp(app) | StoreWrite::UpdateApp(app) => {
                    self.apps.insert(app.id, (**app).clone());
                }
                StoreWrite::DeleteApp(id) => drop(self.apps.remove(id)),
                StoreWrite::PutVersion(version) => {
                    self.versions.insert((version.app, version.number), (**version).clone());
                }
                StoreWrite::AppendEvents(..) => {}
            }
        }
        self.check_active();
        for id in ended {
            self.ended(sandbox, id, now);
        }
    }

    fn born(&mut self, order: &Order) {
        if let Some(first) = order.rolls_back {
            let other = self.orders.values().find(|other| other.rolls_back == Some(first)).map(|other| other.id);
            if let Some(other) = other {
                let text = format!("{} is rolled back by {} and by {}", short(first), short(other), short(order.id));
                self.broken("idempotent", text);
            }
        }
        if self.orders.insert(order.id, order.clone()).is_some() {
            self.broken("nothing is lost", format!("order {} was born twice", short(order.id)));
        }
        self.births.push(order.id);
    }

    fn updated(&mut self, order: &Order) {
        let Some(before) = self.orders.insert(order.id, order.clone()) else {
            return self.broken("nothing is lost", format!("order {} was never born", short(order.id)));
        };
        if before.revision + 1 != order.revision {
            let text =
                format!("order {} went from revision {} to {}", short(order.id), before.revision, order.revision);
            self.broken("one order per app", text);
        }
        if before.status.is_terminal() {
            self.broken(
                "an order that has ended stays",
                format!("order {} changed after it had ended", short(order.id)),
            );
        }
    }

    fn check_active(&mut self) {
        let active: Vec<_> = self
            .orders
            .values()
            .filter(|order| !order.status.is_terminal())
            .map(|order| (order.app, order.id))
            .collect();
        for (app, id) in &active {
            if active.iter().any(|(other_app, other)| other_app == app && other != id) {
                self.broken("one order per app", format!("order {} is not the only active one", short(*id)));
            }
        }
    }

    /// An order has ended: was there a reason, and is the cluster as its end says?
    fn ended(&mut self, sandbox: &Sandbox, id: OrderId, now: Timestamp) {
        let Some(order) = self.orders.get(&id).cloned() else { return };
        if order.pending.is_some() {
            self.broken("nothing is lost", format!("order {} ended with an effect pending", short(id)));
        }
        match order.status {
            Status::Failed => self.failed(&order),
            Status::Aborted => self.aborted(&order),
            Status::Succeeded => self.succeeded(sandbox, &order, now),
            _ => {}
        }
    }

    fn failed(&mut self, order: &Order) {
        let error = order.pipelines.iter().find_map(|pipeline| pipeline.error.as_ref());
        let (code, message) = error.map_or(("", ""), |error| (&error.code, &error.message));
        let watch = self.watches.entry(order.workload.name.clone()).or_default();
        let by_others = match code {
            "Drift" => watch.ever(&[Outside::Template, Outside::Deleted]),
            "WorkloadGone" => watch.ever(&[Outside::Deleted]),
            "Overtaken" => watch.ever(&[Outside::Scaled]),
            // A Deployment that a failed deletion or a forgotten application left.
            "NameTaken" => order.kind == OrderKind::CreateApp,
            "Rejected" | "Forbidden" | "ClusterUnknown" | "Refused" | "NotOurs" | "Conflict" => false,
            _ => !self.calm,
        };
        if !by_others {
            let text = format!("{} {} failed without a reason: {code}: {message}", order.kind.code(), short(order.id));
            self.broken("no failure without a reason", text);
        }
    }

    fn aborted(&mut self, order: &Order) {
        let watch = self.watches.entry(order.workload.name.clone()).or_default();
        let by_others = watch.ever(&[Outside::Template, Outside::Scaled]);
        if !by_others && !self.abort_asked.contains(&order.id) {
            self.broken("an abort names its order", format!("nobody asked to abort {}", short(order.id)));
        }
    }

    fn succeeded(&mut self, sandbox: &Sandbox, order: &Order, now: Timestamp) {
        let name = order.workload.name.clone();
        let live = Live::read(sandbox, &name);
        let watch = self.watch(&name);
        if matches!(&order.job, Job::Release(_) | Job::Restore(_)) {
            // From here on it can only be gone back from by another order.
            watch.original = None;
        }
        let recently = watch.disturbed(now) || watch.ever(&[Outside::Deleted]);
        match (&order.job, live) {
            (Job::Delete(_), Some(live)) if !recently && !live.is_deleting() => {
                self.broken("ends as it says", format!("{name} was deleted, and is there"));
            }
            (Job::Release(_) | Job::Restore(_), Some(live)) if !recently => {
                if live.is_held() {
                    self.broken(
                        "going back is exact",
                        format!("order {} ended well, and {name} is held", short(order.id)),
                    );
                } else if live.ready() < live.replicas() || live.ready_of_target() < live.replicas() {
                    let text = format!(
                        "order {} ended well, and {} of {} pods are ready, {} of them of its version",
                        short(order.id),
                        live.ready(),
                        live.replicas(),
                        live.ready_of_target()
                    );
                    self.broken("ends as it says", text);
                }
            }
            (Job::Resize(resize), Some(live)) if !recently && live.replicas() != i64::from(resize.to) => {
                let text = format!("{name} was scaled to {} and has {}", resize.to, live.replicas());
                self.broken("ends as it says", text);
            }
            _ => {}
        }
    }

    pub(crate) fn leased(&mut self, owner: usize, order: OrderId, fence: Fence) {
        let before = self.leases.insert(order, fence);
        if before.is_some_and(|before| before > fence) {
            self.broken("fenced", format!("the lease of {} went back to fence {fence}", short(order)));
        }
        if *self.owners.entry(fence).or_insert(owner) != owner {
            self.broken("fenced", format!("two servers hold {} under fence {fence}", short(order)));
        }
    }

    pub(crate) fn released(&mut self, order: OrderId, fence: Fence) {
        if self.leases.get(&order) == Some(&fence) {
            self.leases.remove(&order);
        }
    }

    /// Why a write must not follow on a read that was just made, if it must not.
    pub(crate) fn guarded(&self, writer: Writer, effect: &Effect) -> Option<String> {
        let Some(order) = self.orders.get(&writer.order) else {
            return Some("the order was never stored".to_owned());
        };
        if order.pending.as_ref().map(|pending| &pending.effect) != Some(effect) {
            return Some("the stored order does not want it".to_owned());
        }
        let lease = self.leases.get(&writer.order);
        (lease != Some(&writer.fence)).then(|| format!("its fence {} is not the present one", writer.fence))
    }

    /// A client asks to abort an order.
    pub(crate) fn abort_asked(&mut self, order: OrderId) {
        self.abort_asked.insert(order);
    }

    /// A client was answered with an id.
    pub(crate) fn answered(&mut self, id: OrderId) {
        if !self.orders.contains_key(&id) {
            self.broken("nothing is lost", format!("a client was answered with {}, which is not stored", short(id)));
        }
    }

    /// A client was answered with the rollback of an order.
    pub(crate) fn rollback_answered(&mut self, order: OrderId, rollback: OrderId) {
        self.answered(rollback);
        let first = *self.rollbacks.entry(order).or_insert(rollback);
        if first != rollback {
            let text = format!("the rollback of {} is {} and {}", short(order), short(first), short(rollback));
            self.broken("idempotent", text);
        }
    }
}
