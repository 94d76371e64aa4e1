//! Writes to a cluster, as data, and their translation into patches.
//!
//! A decision asks for an [`Effect`]. The adapter reads the workload fresh, calls [`compile`], and sends the patch that comes
//! back with the read's resourceVersion as its precondition. Whatever was true when the decision was made is checked again here,
//! on the fresh read: drift, the fence, the capacity floor. Compiling an effect that is already done gives
//! [`Write::Nothing`], so that a crash may repeat it harmlessly.

pub mod marks;
mod merge;
pub mod object;
pub mod route;

pub use self::merge::apply_merge;
pub use self::object::ObjectChange;
pub use self::route::{RouteChange, Routing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::application::WorkloadRef;
use crate::floor::{self, BelowFloor};
use crate::ids::{AppId, Fence, OrderId, VersionNumber};
use crate::observation::{Identity, Sameness, Workload};
use crate::plan::Wave;
use crate::strategy::{Amount, Bounds, Strategy};
use crate::template::{self, PodTemplate, TemplateDigest};
use crate::version::Snapshot;

/// `spec.minReadySeconds` of a hold: a pod that is ready never becomes available by itself. The largest number that
/// the API accepts beside [`HOLD_PROGRESS_DEADLINE_SECONDS`].
pub const HOLD_MIN_READY_SECONDS: u32 = 2_147_483_646;
/// `spec.progressDeadlineSeconds` of a hold: the controller takes it as no deadline, so that a pause never fails.
pub const HOLD_PROGRESS_DEADLINE_SECONDS: u32 = 2_147_483_647;

/// A write that an order wants done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Make the Deployment.
    Create {
        /// The whole object.
        manifest: Value,
    },
    /// Bring the workload to a wave and hold it there.
    Hold(Box<Hold>),
    /// Go back to a version, by one patch.
    Restore(Box<Restore>),
    /// All pods run the version: give back what was borrowed, take our marks off.
    Finish {
        /// The version that stays, with its own strategy, minReadySeconds and deadline.
        snapshot: Box<Snapshot>,
        /// Its number.
        version: VersionNumber,
    },
    /// Set the number of wanted pods.
    Scale {
        /// Pods wanted.
        replicas: u32,
    },
    /// Replace the template (and nothing else) natively: for workloads whose own strategy is Recreate.
    Replace {
        /// The version to run.
        snapshot: Box<Snapshot>,
        /// Its number.
        version: VersionNumber,
        /// The template that must be there before.
        expects: TemplateDigest,
    },
    /// Delete the Deployment and its pods, and the objects beside it that carry the application's label.
    Delete,
    /// As [`Effect::Delete`], but a Deployment of the name that the application did not make stays.
    DeleteOwn,
    /// Set or remove an object beside the Deployment.
    Object(Box<ObjectChange>),
    /// Divide the requests of a route, or put it back.
    Route(Box<RouteChange>),
}

impl Effect {
    /// A word for what it is for.
    pub const fn purpose(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Hold(_) => "wave",
            Self::Restore(_) => "restore",
            Self::Finish { .. } => "finish",
            Self::Scale { .. } => "scale",
            Self::Replace { .. } => "replace",
            Self::Delete | Self::DeleteOwn => "delete",
            Self::Object(_) => "object",
            Self::Route(_) => "route",
        }
    }

    /// Whether what carries the application's label goes as well.
    pub const fn is_deletion(&self) -> bool {
        matches!(self, Self::Delete | Self::DeleteOwn)
    }
}

/// See [`Effect::Hold`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The template to set; `None` keeps the one that is there.
    pub template: Option<PodTemplate>,
    /// The template that has to be there before the write.
    pub expects: TemplateDigest,
    /// The pair of pod counts; `None` pins the pair that is there.
    pub wave: Option<Wave>,
    /// The version to go back to: kept in an annotation, with the command that goes back by hand.
    pub return_to: Snapshot,
    /// The number of the version being released.
    pub version: VersionNumber,
}

/// See [`Effect::Restore`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    /// The version to go back to.
    pub snapshot: Snapshot,
    /// Its number.
    pub version: VersionNumber,
    /// Templates that may be there before the write; any if empty. Another one means that someone else has taken over.
    pub expects: Vec<TemplateDigest>,
}

/// Who writes: it goes into the marks on the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    /// The application.
    pub app: AppId,
    /// The order.
    pub order: OrderId,
    /// The fence of the lease under which the write happens.
    pub fence: Fence,
    /// The Deployment that is meant; `None` for whichever has the name.
    pub object: Option<Identity>,
}

/// A workload read just now: the object to patch, and what is around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fresh {
    /// The Deployment as the API gave it.
    pub object: Value,
    /// The same, with its ReplicaSets, pods and budgets.
    pub workload: Workload,
}

/// What to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// `POST` the object.
    Create(Value),
    /// `PATCH` with `application/merge-patch+json`; carries `metadata.resourceVersion`.
    Patch(Value),
    /// `DELETE` with foreground propagation, and the uid as precondition.
    Delete {
        /// The object that is meant.
        uid: String,
    },
    /// Another object than the Deployment: read it fresh, and ask [`object::compile`].
    Object(ObjectChange),
    /// A route: read it fresh, and ask [`route::compile`].
    Route(RouteChange),
    /// It is done already.
    Nothing,
}

/// Why an effect must not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// The write would break the capacity floor as things stand now.
    #[error("{0}")]
    Floor(String),
    /// Someone else changed the template.
    #[error("the pod template of the Deployment was changed by someone else")]
    Drift,
    /// A newer lease has written to the object.
    #[error("a newer server has taken this order over (fence {theirs}, ours is {ours})")]
    Fenced {
        /// The fence on the object.
        theirs: Fence,
        /// Ours.
        ours: Fence,
    },
    /// The Deployment is not there.
    #[error("the Deployment does not exist")]
    Gone,
    /// Another one of its name is there.
    #[error("the Deployment was deleted and made anew by someone else")]
    Replaced,
    /// An object of the name is there that is not this application's.
    #[error(
        "a Deployment of this name exists already and belongs to no application of ours: give the application another name, or delete that Deployment"
    )]
    Foreign,
    /// It was scaled to zero: a hold there would bring every pod back on the new version.
    #[error("the Deployment was scaled to zero")]
    ScaledToZero,
    /// An object beside the Deployment is there that is not this application's.
    #[error("the {kind} {name} is there and belongs to someone else: take another name")]
    NotTheApplications {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Requests of a route cannot be divided as things are.
    #[error("{0}")]
    Route(String),
    /// The Deployment is paused: nothing written to it would happen.
    #[error("the Deployment is paused: run `kubectl rollout resume` first")]
    Paused,
}

impl From<BelowFloor> for Refusal {
    fn from(error: BelowFloor) -> Self {
        Self::Floor(error.to_string())
    }
}

/// Translates an effect into a write, checking everything again on a fresh read. `fresh` is `None` if the Deployment does
/// not exist.
///
/// # Errors
/// A [`Refusal`]: the effect must not be performed as things are.
pub fn compile(effect: &Effect, target: &WorkloadRef, fresh: Option<&Fresh>, writer: Writer) -> Result<Write, Refusal> {
    let fresh = match (effect, fresh) {
        (Effect::Create { manifest }, None) => {
            return Ok(Write::Create(marks::on_create(manifest.clone(), writer)));
        }
        (Effect::Create { .. }, Some(fresh)) => {
            return if fresh.workload.is_marked_for(writer.app) { Ok(Write::Nothing) } else { Err(Refusal::Foreign) };
        }
        (Effect::Delete | Effect::DeleteOwn, None) => return Ok(Write::Nothing),
        (Effect::DeleteOwn, Some(fresh)) if !fresh.workload.is_marked_for(writer.app) => return Ok(Write::Nothing),
        (Effect::Object(change), _) => return Ok(Write::Object(ObjectChange::clone(change))),
        // Routes outlive the Deployment, and are put back without it too; but not by a server that was overtaken.
        (Effect::Route(change), fresh) => {
            fresh.map_or(Ok(()), |fresh| check_fence(&fresh.workload, writer))?;
            return Ok(Write::Route(RouteChange::clone(change)));
        }
        (_, None) => return Err(Refusal::Gone),
        (_, Some(fresh)) => fresh,
    };
    let workload = &fresh.workload;
    if workload.sameness(writer.object) != Sameness::Same {
        return Err(Refusal::Replaced);
    }
    check_fence(workload, writer)?;
    if !matches!(effect, Effect::Create { .. }) && !effect.is_deletion() {
        if workload.deleting {
            return Err(Refusal::Gone);
        }
        if workload.paused {
            return Err(Refusal::Paused);
        }
    }
    let wanted = match effect {
        Effect::Create { .. } | Effect::Object(_) | Effect::Route(_) => return Ok(Write::Nothing),
        Effect::Delete | Effect::DeleteOwn if workload.deleting => return Ok(Write::Nothing),
        Effect::Delete | Effect::DeleteOwn => {
            return Ok(Write::Delete { uid: workload.uid.clone() });
        }
        Effect::Hold(hold) => held(hold, target, fresh, writer)?,
        Effect::Restore(restore) => restored(restore, target, fresh, writer)?,
        Effect::Finish { snapshot, version } => {
            // What someone else put there meanwhile would go out to all pods at once.
            if !template::covers(workload.spec.template.json(), snapshot.template.json()) {
                return Err(Refusal::Drift);
            }
            let mut object = fresh.object.clone();
            set_borrowed(
                &mut object,
                snapshot.strategy,
                snapshot.min_ready_seconds,
                snapshot.progress_deadline_seconds,
            );
            marks::take_off(&mut object, writer, *version);
            object
        }
        Effect::Scale { replicas } => {
            let mut object = fresh.object.clone();
            object["spec"]["replicas"] = json!(replicas);
            object
        }
        Effect::Replace { snapshot, version, expects } => {
            let mut object = fresh.object.clone();
            if workload.digest == *expects {
                object["spec"]["template"] = snapshot.template.json().clone();
            } else if !template::covers(workload.spec.template.json(), snapshot.template.json()) {
                return Err(Refusal::Drift);
            }
            set_borrowed(
                &mut object,
                snapshot.strategy,
                snapshot.min_ready_seconds,
                snapshot.progress_deadline_seconds,
            );
            marks::take_off(&mut object, writer, *version);
            object
        }
    };
    Ok(match merge::diff(&fresh.object, &wanted) {
        None => Write::Nothing,
        Some(mut patch) => {
            patch["metadata"]["resourceVersion"] = json!(workload.resource_version);
            Write::Patch(patch)
        }
    })
}

fn check_fence(workload: &Workload, writer: Writer) -> Result<(), Refusal> {
    match workload.marks.fence {
        Some(theirs) if theirs > writer.fence => Err(Refusal::Fenced { theirs, ours: writer.fence }),
        Some(_) | None => Ok(()),
    }
}

fn held(hold: &Hold, target: &WorkloadRef, fresh: &Fresh, writer: Writer) -> Result<Value, Refusal> {
    let workload = &fresh.workload;
    if workload.replicas == 0 {
        return Err(Refusal::ScaledToZero);
    }
    let mut object = fresh.object.clone();
    let present = workload.digest == hold.expects;
    let becomes = hold.template.as_ref().map_or_else(|| workload.digest.clone(), PodTemplate::digest);
    let (old_ready, new_ready) = match &hold.template {
        Some(template) if present && becomes != workload.digest => {
            object["spec"]["template"] = template.json().clone();
            // Every pod that runs now becomes an old one.
            (workload.old_ready() + workload.new_ready(), 0)
        }
        Some(template) if !present && !template::covers(workload.spec.template.json(), template.json()) => {
            return Err(Refusal::Drift);
        }
        None if !present => return Err(Refusal::Drift),
        Some(_) | None => (workload.old_ready(), workload.new_ready()),
    };
    let floor = floor::floor(hold.return_to.strategy, workload.replicas, workload.disruption_floor);
    let wave = hold.wave.unwrap_or(Wave { old: workload.old_wanted(), new: workload.new_wanted() });
    let old_sets = || workload.sets.iter().filter(|set| set.wanted > 0 && set.digest != becomes);
    let leaving = old_sets().map(|set| set.wanted).sum::<u32>().saturating_sub(wave.old);
    let lost = floor::lost_at_worst(old_sets().map(|set| (set.wanted, workload.ready_of(set))), leaving);
    let old_standing = old_ready.min(wave.old).min(old_ready.saturating_sub(lost));
    floor::check(workload, old_standing + new_ready, floor)?;
    let budgets = match hold.wave {
        Some(wave) => wave.budgets(workload.replicas),
        None => wave.pinned(workload.replicas, old_ready + new_ready, floor),
    };
    set_borrowed(&mut object, absolute(budgets), HOLD_MIN_READY_SECONDS, HOLD_PROGRESS_DEADLINE_SECONDS);
    marks::put_on(&mut object, target, writer, &hold.return_to, hold.version);
    Ok(object)
}

fn restored(restore: &Restore, target: &WorkloadRef, fresh: &Fresh, writer: Writer) -> Result<Value, Refusal> {
    let workload = &fresh.workload;
    let snapshot = &restore.snapshot;
    let known = restore.expects.is_empty()
        || restore.expects.contains(&workload.digest)
        || workload.digest == snapshot.template.digest();
    if !known {
        return Err(Refusal::Drift);
    }
    let mut object = fresh.object.clone();
    object["spec"]["template"] = snapshot.template.json().clone();
    set_borrowed(
        &mut object,
        returning_strategy(snapshot.strategy, workload.replicas, workload.disruption_floor),
        snapshot.min_ready_seconds,
        snapshot.progress_deadline_seconds,
    );
    marks::put_on(&mut object, target, writer, snapshot, restore.version);
    Ok(object)
}

/// The strategy while going back: with surge, no ready pod goes before another is ready; without, only what the floor spares.
///
/// The Deployment controller removes the held pods first, because they never became available, but only as far as this
/// maxUnavailable allows: ready pods never fall below min(N - maxUnavailable, ready at the start).
pub fn returning_strategy(own: Strategy, replicas: u32, disruption_floor: Option<u32>) -> Strategy {
    let Some(bounds) = own.bounds(replicas) else {
        return own;
    };
    let spare = replicas.saturating_sub(floor::floor(own, replicas, disruption_floor));
    if bounds.surge > 0 {
        absolute(Bounds { surge: bounds.surge, unavailable: 0 })
    } else if spare > 0 {
        absolute(Bounds { surge: 0, unavailable: spare })
    } else {
        absolute(Bounds { surge: 1, unavailable: 0 })
    }
}

fn absolute(bounds: Bounds) -> Strategy {
    Strategy::RollingUpdate { max_surge: Amount::Pods(bounds.surge), max_unavailable: Amount::Pods(bounds.unavailable) }
}

fn set_borrowed(object: &mut Value, strategy: Strategy, min_ready_seconds: u32, progress_deadline_seconds: u32) {
    object["spec"]["strategy"] = strategy.to_json();
    object["spec"]["progressDeadlineSeconds"] = json!(progress_deadline_seconds);
    // The API stores no zero: writing one would look like a change for ever.
    if min_ready_seconds == 0 {
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.shift_remove("minReadySeconds");
        }
    } else {
        object["spec"]["minReadySeconds"] = json!(min_ready_seconds);
    }
}

/// An object as a map, made if it was something else.
fn entries(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made an object just now")
}
