//! Promises about the cluster: the floor, exact returns, fences, the line that restores.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sternway_cluster::mirror;
use sternway_core::effect::{Effect, Writer};
use sternway_core::ids::Fence;
use sternway_core::order::{Job, OrderKind};
use sternway_sandbox::storage::{Event, EventKind};
use sternway_sandbox::{Sandbox, object};

use super::view::{NAME_LABEL, is_deleting, unavailable};
use super::{Judge, Live, is_ready};
use crate::store::short;

/// How long at least a disturbance excuses what follows from it.
const UNREST: SignedDuration = SignedDuration::from_secs(5);
/// A write rests on a read of pods that may be so old.
pub(crate) const READ_AGE: SignedDuration = SignedDuration::from_secs(4);

/// What others may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outside {
    Scaled,
    Template,
    Strategy,
    Deleted,
    Pods,
    Budget,
}

/// What is remembered of a workload.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The last disturbance, until things have settled after it.
    unrest: Option<Timestamp>,
    /// When others last did what.
    pub(crate) outside: BTreeMap<Outside, Timestamp>,
    /// The fields before the first write of a release, and when that was.
    pub(crate) original: Option<(Value, Timestamp)>,
    highest: Highest,
    /// When its newest order was born: what others change between then and its first write is overwritten.
    pub(crate) born: Option<Timestamp>,
    /// When the workload was last made, or given back at the end of an order.
    pub(crate) given_back: Option<Timestamp>,
    /// Pods last ceased to be ready, by themselves or not.
    lost_ready: Option<Timestamp>,
}

/// The highest fence that wrote to an object of this uid.
#[derive(Debug, Default)]
struct Highest(String, u64);

impl Watch {
    pub(crate) fn disturb(&mut self, now: Timestamp) {
        self.unrest = Some(now);
    }

    pub(crate) fn disturbed(&self, _now: Timestamp) -> bool {
        self.unrest.is_some()
    }

    pub(crate) fn ever(&self, what: &[Outside]) -> bool {
        what.iter().any(|what| self.outside.contains_key(what))
    }

    /// Whether others touched what a return gives back. Who changes it between an order's birth and its first write is overwritten: the order goes
    /// back to what it saw.
    pub(crate) fn meddled(&self, first_write: Timestamp) -> bool {
        let begun = self.born.map_or(first_write, |born| born.min(first_write));
        self.since(&[Outside::Template, Outside::Strategy], begun - READ_AGE)
    }

    pub(crate) fn since(&self, what: &[Outside], time: Timestamp) -> bool {
        what.iter().filter_map(|what| self.outside.get(what)).any(|at| *at >= time)
    }
}

/// A workload before a write of ours.
pub(crate) type Before = Option<Live>;

impl Judge {
    /// Reads the cluster's log on.
    pub(crate) fn look(&mut self, sandbox: &Sandbox, now: Timestamp) {
        let storage = sandbox.storage();
        let events: Vec<Event> = match storage.log_after(self.seen) {
            Ok(events) => events.cloned().collect(),
            Err(_) => Vec::new(),
        };
        self.seen = storage.revision();
        for event in &events {
            if let Some(notes) = &mut self.notes {
                notes.extend(note(event));
            }
            match event.resource.plural {
                "pods" => self.pod_changed(sandbox, event, now),
                "deployments" => self.deployment_changed(event, now),
                _ => {}
            }
        }
        if !events.is_empty() {
            self.settle(sandbox, now);
        }
    }

    fn deployment_changed(&mut self, event: &Event, now: Timestamp) {
        let watch = self.watch(object::name(&event.object));
        if event.kind == EventKind::Deleted {
            watch.original = None;
        }
        if let Some(previous) = &event.previous
            && previous["spec"]["replicas"] != event.object["spec"]["replicas"]
        {
            // How the native controller spreads another number over the sets is not ours to choose.
            watch.disturb(now);
        }
    }

    fn pod_changed(&mut self, sandbox: &Sandbox, event: &Event, now: Timestamp) {
        let Some(name) = object::label(&event.object, NAME_LABEL).map(str::to_owned) else { return };
        let Some(previous) = &event.previous else { return };
        let gone = event.kind == EventKind::Deleted;
        if !is_ready(previous) || (is_ready(&event.object) && !gone) {
            return;
        }
        let removed = gone || is_deleting(&event.object);
        let watch = self.watch(&name);
        watch.lost_ready = Some(now);
        if !removed {
            // It failed by itself, or its node did.
            return watch.disturb(now);
        }
        if watch.disturbed(now) {
            return;
        }
        let Some(live) = Live::read(sandbox, &name) else { return };
        let floor = if self.alone { live.native_floor() } else { live.floor() };
        if !live.is_deleting() && live.ready() < floor {
            let text = format!(
                "{} was removed, which leaves {} ready pods of {name}: the floor is {floor}",
                object::name(&event.object),
                live.ready(),
            );
            self.broken("capacity floor", text);
        }
    }

    /// A disturbance is over when the number of ready pods is what is wanted, and with it what others roll out by themselves: a budget binds us, and
    /// evictions, but not the native controller.
    fn settle(&mut self, sandbox: &Sandbox, now: Timestamp) {
        for (name, watch) in &mut self.watches {
            let Some(since) = watch.unrest else { continue };
            if now.duration_since(since) < UNREST {
                continue;
            }
            let settled = Live::read(sandbox, name).is_none_or(|live| {
                let rolling = !live.is_held() && live.others_wanted() > 0;
                live.is_observed() && live.ready() >= live.replicas() && !rolling
            });
            if settled {
                watch.unrest = None;
            }
        }
    }

    /// To be asked before a write.
    pub(crate) fn before_write(&self, sandbox: &Sandbox, name: &str) -> Before {
        Live::read(sandbox, name)
    }

    /// A write of ours was accepted.
    #[expect(clippy::too_many_arguments, reason = "a write, and all that was known before it")]
    pub(crate) fn written(
        &mut self,
        sandbox: &Sandbox,
        name: &str,
        before: Before,
        effect: &Effect,
        writer: Writer,
        asked: Option<String>,
        now: Timestamp,
    ) {
        let what = crate::cluster::named(effect);
        if let Some(why) = asked {
            self.broken("fenced", format!("{what} of order {} was written: {why}", short(writer.order)));
        }
        let Some(after) = Live::read(sandbox, name) else { return };
        let watch = self.watch(name);
        if matches!(effect, Effect::Create { .. } | Effect::Finish { .. } | Effect::Replace { .. }) {
            watch.given_back = Some(now);
        }
        let uid = object::uid(&after.deployment).to_owned();
        if watch.highest.0 == uid && watch.highest.1 > writer.fence.0 {
            let text = format!("{what} was written under fence {} after {}", writer.fence, Fence(watch.highest.1));
            self.broken("fenced", text);
        } else {
            watch.highest = Highest(uid, writer.fence.0);
        }
        if effect.is_deletion() || matches!(effect, Effect::Create { .. } | Effect::Scale { .. }) {
            return;
        }
        let Some(before) = before else { return };
        self.check_floor(name, &what, &before, &after, now);
        self.check_hold(name, &before, &after, effect, writer, now);
    }

    /// What the write leaves standing, by what the native controller makes of the new spec.
    fn check_floor(&mut self, name: &str, what: &str, before: &Live, after: &Live, now: Timestamp) {
        let watch = self.watch(name);
        let recent = now - READ_AGE;
        if watch.since(&[Outside::Strategy], watch.born.unwrap_or(now) - READ_AGE) {
            return;
        }
        if watch.lost_ready.is_some_and(|at| at >= recent)
            || watch.since(&[Outside::Budget, Outside::Scaled, Outside::Pods], recent)
        {
            return;
        }
        let replicas = after.replicas();
        let kept = replicas - unavailable(&after.deployment["spec"]["strategy"], replicas);
        let (ready, new) = (after.ready(), after.ready_of_target());
        let standing = if after.holds() {
            (ready - new).min(kept) + new
        } else if after.others_wanted() == 0 {
            ready
        } else {
            // Pods of the template that is wanted stay, up to the number that is wanted.
            ready.min(kept.max(new.min(replicas)))
        };
        let floor = before.floor().min(ready);
        if standing < floor {
            let text = format!(
                "{what} leaves {standing} of {ready} ready pods of {name} standing, and the floor is {}",
                before.floor()
            );
            self.broken("capacity floor", text);
        }
    }

    fn check_hold(&mut self, name: &str, before: &Live, after: &Live, effect: &Effect, writer: Writer, now: Timestamp) {
        let watch = self.watch(name);
        let (original, since) = watch.original.get_or_insert_with(|| (before.fields(), now)).clone();
        if after.is_held() {
            let line = object::annotation(&after.deployment, "sternway.io/restore");
            if line.is_none_or(|line| !line.starts_with("kubectl ")) {
                self.broken("recoverable without us", format!("{name} is held and carries no line to restore it"));
            }
            return;
        }
        let Effect::Finish { version, .. } = effect else { return };
        let excused = watch.meddled(since);
        let leftover: Vec<_> = after.marks().into_iter().map(str::to_owned).collect();
        if leftover.iter().any(|mark| mark != "sternway.io/application" && mark != "sternway.io/version") {
            self.broken("going back is exact", format!("{name} still carries {leftover:?}"));
        }
        let Some(order) = self.orders.get(&writer.order).cloned() else { return };
        if order.kind == OrderKind::Rollback {
            self.watch(name).original = None;
        }
        let stored = mirror::performed(&Arc::clone(&after.deployment)).stored;
        let wanted = self.versions.get(&(order.app, *version)).map(|version| &version.snapshot);
        if stored.as_ref() != wanted && !matches!(&order.job, Job::Release(release) if release.stored.is_none()) {
            let text = format!("{name} is given back as {stored:?}, and version {version} is {wanted:?}");
            return self.broken("going back is exact", text);
        }
        if order.kind == OrderKind::Rollback && !excused && after.fields() != original {
            let text = format!("{name} was {original} before the release, and the rollback leaves {}", after.fields());
            self.broken("going back is exact", text);
        }
    }
}

/// A change of the cluster in words, where it says something about a release.
fn note(event: &Event) -> Option<String> {
    let (name, previous) = (object::name(&event.object), event.previous.as_deref());
    match event.resource.plural {
        "pods" => {
            let was = previous.is_some_and(is_ready);
            let deleting = is_deleting(&event.object) && !previous.is_some_and(is_deleting);
            match (event.kind, was, is_ready(&event.object)) {
                (EventKind::Added, ..) => Some(format!("pod {name} is made")),
                (_, false, true) => Some(format!("pod {name} is ready")),
                _ if deleting => Some(format!("pod {name} is removed{}", if was { ", ready" } else { "" })),
                (_, true, false) => Some(format!("pod {name} is not ready any more")),
                _ => None,
            }
        }
        "replicasets" => {
            let (before, after) = (previous.map(|set| &set["spec"]["replicas"]), &event.object["spec"]["replicas"]);
            (before != Some(after)).then(|| format!("set {name} wants {after} pods"))
        }
        _ => None,
    }
}
