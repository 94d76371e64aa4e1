//! The Deployment controller.
//!
//! One reconciliation reads the Deployment and its ReplicaSets, does the first thing that is to be done, and reports:
//!
//! ```text
//! claim ReplicaSets ─► being deleted? ─► report
//!                   ─► paused, or replicas changed? ─► scale ─► report
//!                   ─► Recreate:      old to zero ─► wait for their pods ─► new to full size ─► report
//!                   ─► RollingUpdate: grow new, else shrink old, else clean up history        ─► report
//! ```
//!
//! Each step changes objects, which brings the Deployment back here; that is the loop of a roll-out. All arithmetic
//! is in [`arithmetic`], judgement of progress in [`status`], numbering in [`revision`]; this file has the effects.

use std::sync::Arc;

use serde_json::{Value, json};

use self::arithmetic::Resize;
use self::model::{Deployment, REVISION, ReplicaSet, Strategy};
use self::status::{Condition, reason};
use super::agenda::{Name, Task};
use super::events::Severity;
use super::{Context, selector};
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::{DeleteOptions, Part};

mod arithmetic;
pub(crate) mod model;
mod recreate;
mod revision;
mod rolling;
mod status;

/// The name under which events are reported.
const COMPONENT: &str = "deployment-controller";

/// Reconciles one Deployment.
pub(super) fn sync(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(object) = context.get(resources::DEPLOYMENTS, name) else {
        return Ok(());
    };
    let deployment = Deployment::read(object);
    let sets = claim(context, &deployment)?;
    let mut rollout = Rollout { context, deployment, sets, new: None };
    if object::is_deleting(&rollout.deployment.object) {
        rollout.number_revisions(false)?;
        return rollout.report_counts();
    }
    rollout.note_pause()?;
    if rollout.deployment.paused || rollout.is_scaling()? {
        return rollout.scale();
    }
    match rollout.deployment.strategy {
        Strategy::Recreate => recreate::roll_out(&mut rollout),
        Strategy::RollingUpdate { .. } => rolling::roll_out(&mut rollout),
    }
}

/// The ReplicaSets that belong to the Deployment, oldest first: orphans that match are adopted, and owned ones that
/// match no longer are released.
fn claim(context: &mut Context<'_>, deployment: &Deployment) -> Result<Vec<ReplicaSet>, Status> {
    let selector = deployment.object.pointer("/spec/selector").cloned().unwrap_or(Value::Null);
    let uid = object::uid(&deployment.object);
    let deleting = object::is_deleting(&deployment.object);
    let candidates: Vec<Arc<Value>> =
        context.storage.list(resources::REPLICASETS, Some(deployment.namespace())).cloned().collect();
    let mut sets = Vec::new();
    for set in candidates {
        let matches = selector::matches(&selector, object::labels(&set));
        match object::controller_of(&set).map(|owner| object::text(owner, "/uid") == uid) {
            Some(true) if matches => sets.push(ReplicaSet::read(set)),
            Some(true) if !deleting => release(context, &set, uid)?,
            None if matches && !deleting && !object::is_deleting(&set) => {
                let owner = revision::owner_reference(deployment);
                let adopted = change(context, &set, |set| add_owner(set, owner))?;
                sets.push(ReplicaSet::read(adopted));
            }
            Some(_) | None => {}
        }
    }
    sets.sort_by(ReplicaSet::by_age);
    Ok(sets)
}

fn release(context: &mut Context<'_>, set: &Value, owner: &str) -> Result<(), Status> {
    change(context, set, |set| remove_owner(set, owner)).map(|_| ())
}

/// Appends an owner reference.
pub(super) fn add_owner(object: &mut Value, owner: Value) {
    let metadata = object::metadata_mut(object);
    if let Some(owners) = metadata.entry("ownerReferences").or_insert_with(|| json!([])).as_array_mut() {
        owners.push(owner);
    }
}

/// Removes the owner reference with this uid, and the list with its last entry.
pub(super) fn remove_owner(object: &mut Value, uid: &str) {
    let metadata = object::metadata_mut(object);
    let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) else {
        return;
    };
    owners.retain(|owner| object::text(owner, "/uid") != uid);
    if owners.is_empty() {
        metadata.shift_remove("ownerReferences");
    }
}

fn change(context: &mut Context<'_>, set: &Value, edit: impl FnOnce(&mut Value)) -> Result<Arc<Value>, Status> {
    let (namespace, name) = (object::namespace(set).to_owned(), object::name(set).to_owned());
    context.writes().modify(resources::REPLICASETS, &namespace, &name, Part::Main, edit)
}

/// One reconciliation under way.
struct Rollout<'a, 'c> {
    context: &'a mut Context<'c>,
    deployment: Deployment,
    /// All ReplicaSets of the Deployment, oldest first.
    sets: Vec<ReplicaSet>,
    /// The position in `sets` of the one with the Deployment's template, once looked for.
    new: Option<usize>,
}

impl Rollout<'_, '_> {
    fn new_set(&self) -> Option<&ReplicaSet> {
        self.sets.get(self.new?)
    }

    /// All sets but the new one, oldest first.
    fn old_sets(&self) -> Vec<ReplicaSet> {
        let indexed = self.sets.iter().enumerate().filter(|(index, _)| Some(*index) != self.new);
        indexed.map(|(_, set)| set.clone()).collect()
    }

    /// Finds the new ReplicaSet, numbers it as the latest revision and tells the Deployment; with `create`, makes it
    /// if there is none.
    fn number_revisions(&mut self, create: bool) -> Result<(), Status> {
        self.new = revision::find_new(&self.deployment, &self.sets);
        let next = revision::greatest(&self.old_sets()) + 1;
        match self.new {
            Some(index) => self.update_new(index, next),
            None if create => self.create_new(next),
            None => Ok(()),
        }
    }

    fn update_new(&mut self, index: usize, next: i64) -> Result<(), Status> {
        let set = Arc::clone(&self.sets[index].object);
        let annotations = revision::annotations_of_new(&self.deployment, &set, next);
        let min_ready = self.deployment.min_ready_seconds;
        if !annotations.is_empty() || object::integer(&set, "/spec/minReadySeconds").unwrap_or(0) != min_ready {
            let mut wanted = Value::clone(&set);
            revision::annotate(&mut wanted, &annotations);
            let value = (min_ready > 0).then(|| json!(min_ready));
            object::set_or_remove(&mut wanted["spec"], "minReadySeconds", value);
            let namespace = self.deployment.namespace().to_owned();
            let name = object::name(&wanted).to_owned();
            let updated = self.context.writes().update(resources::REPLICASETS, &namespace, &name, wanted)?;
            self.sets[index] = ReplicaSet::read(updated);
            return Ok(());
        }
        let revision = object::annotation(&set, REVISION).unwrap_or("0");
        let found = Condition {
            kind: "Progressing",
            status: "True",
            reason: reason::FOUND,
            message: format!("Found new replica set {:?}", self.sets[index].name()),
        };
        let unknown = self.deployment.object.get("status").and_then(status::progressing).is_none();
        let condition = (self.deployment.progress_deadline.is_some() && unknown).then_some(found);
        self.record_revision(revision, condition)
    }

    fn create_new(&mut self, next: i64) -> Result<(), Status> {
        let replicas = arithmetic::grow_new(&self.deployment, 0, model::total(&self.sets));
        let wanted = revision::new_replica_set(&self.deployment, replicas, next);
        let set_name = object::name(&wanted).to_owned();
        let namespace = self.deployment.namespace().to_owned();
        match self.context.writes().create(resources::REPLICASETS, &namespace, wanted) {
            Ok(created) => self.sets.push(ReplicaSet::read(created)),
            Err(refusal) if refusal.reason == "AlreadyExists" => {
                return self.collide(&set_name, refusal);
            }
            Err(refusal) => return self.fail_to_create(&set_name, refusal),
        }
        self.sets.sort_by(ReplicaSet::by_age);
        self.new = self.sets.iter().position(|set| set.name() == set_name);
        if replicas > 0 {
            self.announce(format!("Scaled up replica set {set_name} from 0 to {replicas}"));
        }
        let condition = self.deployment.progress_deadline.is_some().then(|| Condition {
            kind: "Progressing",
            status: "True",
            reason: reason::CREATED,
            message: format!("Created new replica set {set_name:?}"),
        });
        self.record_revision(&next.to_string(), condition)
    }

    /// Somebody else's ReplicaSet has the name: the next attempt hashes differently.
    fn collide(&mut self, set_name: &str, refusal: Status) -> Result<(), Status> {
        let name = Name::new(self.deployment.namespace(), set_name);
        // One that is on its way out is no collision; its end brings the next attempt.
        let leaving = self.context.get(resources::REPLICASETS, &name).is_some_and(|set| object::is_deleting(&set));
        if !leaving {
            let collisions = object::integer(&self.deployment.object, "/status/collisionCount").unwrap_or(0);
            self.write_status(|deployment| {
                object::child_mut(object::as_map(deployment), "status")
                    .insert("collisionCount".into(), json!(collisions + 1));
            })?;
        }
        Err(refusal)
    }

    fn fail_to_create(&mut self, set_name: &str, refusal: Status) -> Result<(), Status> {
        let message = format!("Failed to create new replica set {set_name:?}: {}", refusal.message);
        if self.deployment.progress_deadline.is_some() {
            let now = self.context.now;
            let condition = Condition {
                kind: "Progressing",
                status: "False",
                reason: reason::CREATE_ERROR,
                message: message.clone(),
            };
            self.write_status(|deployment| status::set(status_mut(deployment), condition, now))?;
        }
        let object = Arc::clone(&self.deployment.object);
        self.context.event(&object, Severity::Warning, reason::CREATE_ERROR, &message, COMPONENT);
        Err(refusal)
    }

    /// Writes the revision of the new set and, possibly, a condition to the Deployment.
    fn record_revision(&mut self, revision: &str, condition: Option<Condition<'_>>) -> Result<(), Status> {
        if object::annotation(&self.deployment.object, REVISION) == Some(revision) && condition.is_none() {
            return Ok(());
        }
        let now = self.context.now;
        self.write_status(|deployment| {
            object::set_annotation(deployment, REVISION, revision);
            if let Some(condition) = condition {
                status::set(status_mut(deployment), condition, now);
            }
        })
    }

    /// Notes a pause, and its end, in the Progressing condition, so that a pause is never held against the deadline.
    fn note_pause(&mut self) -> Result<(), Status> {
        if self.deployment.progress_deadline.is_none() {
            return Ok(());
        }
        let current = self.deployment.object.get("status").and_then(status::progressing);
        let current = current.map(|current| object::text(current, "/reason"));
        if current == Some(reason::TIMED_OUT) {
            return Ok(());
        }
        let noted = current == Some(reason::PAUSED);
        let (reason, message) = match (self.deployment.paused, noted) {
            (true, false) => (reason::PAUSED, "Deployment is paused"),
            (false, true) => (reason::RESUMED, "Deployment is resumed"),
            (true, true) | (false, false) => return Ok(()),
        };
        let now = self.context.now;
        let condition = Condition { kind: "Progressing", status: "Unknown", reason, message: message.into() };
        self.write_status(|deployment| status::set(status_mut(deployment), condition, now))
    }

    /// Whether `spec.replicas` is another one than the active sets were sized for.
    fn is_scaling(&mut self) -> Result<bool, Status> {
        self.number_revisions(false)?;
        let replicas = self.deployment.replicas;
        Ok(self.sets.iter().any(|set| {
            set.replicas > 0 && set.annotated(model::DESIRED_REPLICAS).is_some_and(|desired| desired != replicas)
        }))
    }

    /// Follows `spec.replicas` without rolling anything out.
    fn scale(&mut self) -> Result<(), Status> {
        self.number_revisions(false)?;
        for resize in arithmetic::scale(&self.deployment, self.new_set(), &self.old_sets()) {
            self.resize(&resize)?;
        }
        if self.deployment.paused {
            self.clean_up()?;
        }
        self.report_counts()
    }

    /// Writes a size and the size annotations; returns whether the size changed.
    fn resize(&mut self, resize: &Resize) -> Result<bool, Status> {
        let Some(index) = self.sets.iter().position(|set| set.name() == resize.name) else {
            return Ok(false);
        };
        let before = self.sets[index].replicas;
        let annotations = revision::annotations_of_size(&self.deployment, &self.sets[index].object);
        if before == resize.replicas && annotations.is_empty() {
            return Ok(false);
        }
        let mut wanted = Value::clone(&self.sets[index].object);
        revision::annotate(&mut wanted, &annotations);
        object::child_mut(object::as_map(&mut wanted), "spec").insert("replicas".into(), json!(resize.replicas));
        let namespace = self.deployment.namespace().to_owned();
        let updated = self.context.writes().update(resources::REPLICASETS, &namespace, &resize.name, wanted)?;
        self.sets[index] = ReplicaSet::read(updated);
        if before == resize.replicas {
            return Ok(false);
        }
        let direction = if before < resize.replicas { "up" } else { "down" };
        self.announce(format!("Scaled {direction} replica set {} from {before} to {}", resize.name, resize.replicas));
        Ok(true)
    }

    fn announce(&mut self, message: String) {
        let object = Arc::clone(&self.deployment.object);
        self.context.event(&object, Severity::Normal, "ScalingReplicaSet", &message, COMPONENT);
    }

    /// Removes old empty ReplicaSets beyond the history limit, the lowest revisions first.
    fn clean_up(&mut self) -> Result<(), Status> {
        let Some(limit) = self.deployment.history_limit else {
            return Ok(());
        };
        let mut old: Vec<ReplicaSet> =
            self.old_sets().into_iter().filter(|set| !object::is_deleting(&set.object)).collect();
        old.sort_by_key(ReplicaSet::revision);
        let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        for set in old.iter().take(surplus) {
            let unseen = object::generation(&set.object) > set.status("observedGeneration");
            if set.replicas != 0 || set.status("replicas") != 0 || unseen {
                continue;
            }
            let namespace = self.deployment.namespace().to_owned();
            let options = DeleteOptions::default();
            self.context.writes().delete(resources::REPLICASETS, &namespace, set.name(), &options)?;
        }
        Ok(())
    }

    /// Ends a reconciliation that rolled out: counts, and the judgement of progress.
    fn report_progress(&mut self) -> Result<(), Status> {
        let now = self.context.now;
        let mut wanted = status::observe(&self.deployment, self.new_set(), &self.sets, now);
        status::judge(&self.deployment, self.new_set(), &self.sets, &mut wanted, now);
        let check = status::outlook(&self.deployment, &wanted).check_at;
        self.replace_status(wanted)?;
        // A roll-out that was complete once is not judged again, however long its pods have failed since: there is nothing to look at then.
        if let Some(time) = check.filter(|time| *time > now) {
            let name = Name::of(&self.deployment.object);
            self.context.agenda.at(time, Task::Deployment(name));
        }
        Ok(())
    }

    /// Ends a reconciliation that scaled: counts only.
    fn report_counts(&mut self) -> Result<(), Status> {
        let wanted = status::observe(&self.deployment, self.new_set(), &self.sets, self.context.now);
        self.replace_status(wanted)
    }

    fn replace_status(&mut self, status: Value) -> Result<(), Status> {
        if self.deployment.object.get("status") == Some(&status) {
            return Ok(());
        }
        self.write_status(|deployment| {
            object::set_or_remove(deployment, "status", Some(status));
        })
    }

    fn write_status(&mut self, edit: impl FnOnce(&mut Value)) -> Result<(), Status> {
        let name = Name::of(&self.deployment.object);
        let written =
            self.context.writes().modify(resources::DEPLOYMENTS, &name.namespace, &name.name, Part::Status, edit)?;
        self.deployment = Deployment::read(written);
        Ok(())
    }
}

fn status_mut(deployment: &mut Value) -> &mut Value {
    &mut deployment["status"]
}
