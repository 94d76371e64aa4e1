//! The transition function: what an order does next.
//!
//! `step` is total, pure and deterministic. A pair of order and input that makes no sense is a typed [`Illegal`], never a panic and never
//! silence. Observations and outcomes are level-triggered: feeding the same one twice changes nothing the second time.
//!
//! ```text
//!            ┌────────────── Observed ◄─────────────┐
//!            ▼                                      │
//!  [decide one effect] ─► pending ─► Performed ─► [wait for the cluster]
//!            ▲                 └──► NotPerformed ──► kept (try again) or dropped (decide anew) or the end
//!            └── gate opens, command, time
//! ```
//!
//! At most one effect is pending, and no other is decided before its outcome is known. One file per job says what its observations
//! mean; `outcome` and `command` serve all of them.

mod attach;
mod command;
mod create;
mod delete;
mod draft;
mod outcome;
mod release;
mod resize;
mod restore;
mod steer;

use jiff::Timestamp;

use self::draft::Draft;
use crate::application::AppChange;
use crate::health::Patience;
use crate::ids::{OrderId, PartId, VersionNumber};
use crate::observation::{Observation, Sameness};
use crate::order::{Actor, Event, Job, Order, OrderKind, Status};
use crate::ports::{ClusterError, Performed};
use crate::version::Snapshot;

/// What happened.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// The workload looks so.
    Observed(&'a Observation),
    /// The pending effect was performed.
    Performed(&'a Performed),
    /// The pending effect was tried and not performed.
    NotPerformed(&'a ClusterError),
    /// Someone wants something.
    Command(&'a Command),
}

/// What someone may want of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// ContinuePipeline: release the next batch, or not yet.
    Continue {
        /// The pipeline whose completion is confirmed, or the next one; both are understood.
        pipeline: PartId,
        /// Whether to go on.
        confirm: bool,
        /// Who.
        actor: Actor,
    },
    /// Approve the release as a whole, or reject it.
    Approve {
        /// Whether it may begin; if not, it ends.
        approve: bool,
        /// Why, in the words of who decides; may be empty.
        comment: String,
        /// Who.
        actor: Actor,
    },
    /// AbortChangeOrder: stop where it stands.
    Abort {
        /// Who.
        actor: Actor,
    },
    /// AbortAndRollbackChangeOrder: stop, and go back by an order of its own.
    AbortAndRollback {
        /// Who.
        actor: Actor,
    },
    /// RetryChangeOrderTask: try a paused or troubled task again.
    Retry {
        /// The task.
        task: PartId,
        /// Who.
        actor: Actor,
    },
}

/// What a step may use beside the order and the input.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Now.
    pub now: Timestamp,
    /// An id that was never used, for an order that may be born.
    pub fresh_id: OrderId,
    /// When pods count as failed.
    pub patience: Patience,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The order after the step; its revision is one higher if anything changed, the same if nothing did.
    pub next: Order,
    /// An order that is born: a rollback.
    pub born: Option<Order>,
    /// What becomes of the application.
    pub app: Vec<AppChange>,
    /// What becomes known of versions.
    pub versions: Vec<VersionChange>,
    /// The record.
    pub events: Vec<Event>,
    /// When to look again even if nothing happens.
    pub wake: Option<Timestamp>,
    /// The order that an answer to the command names: the order itself, or its rollback.
    pub reply: OrderId,
}

/// What becomes known of a version.
#[derive(Debug, Clone, PartialEq)]
pub enum VersionChange {
    /// The form in which the cluster stored it.
    Stored(VersionNumber, Box<Snapshot>),
    /// It ran on all pods, healthy.
    Good(VersionNumber),
}

/// A command that an order cannot obey. Each message says what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The order has ended.
    #[error("change order {order} is not running any more (status {}); nothing was changed. To go back to an earlier version, deploy it with PackageVersionId", status.code())]
    Ended {
        /// The order.
        order: OrderId,
        /// How it ended.
        status: Status,
    },
    /// Only deploys can be rolled back.
    #[error("only a running deploy of a new version can be aborted and rolled back, and change order {order} is {}: use AbortChangeOrder to stop it", kind.noun())]
    NotADeploy {
        /// The order.
        order: OrderId,
        /// What it is.
        kind: OrderKind,
    },
    /// No gate is closed at this pipeline.
    #[error("pipeline {0} is not waiting for confirmation")]
    NotWaiting(PartId),
    /// Whoever started a release cannot approve it.
    #[error(
        "the user {user} started change order {order}, and nobody approves a change of their own: another user has to"
    )]
    OwnOrder {
        /// The order.
        order: OrderId,
        /// Who.
        user: String,
    },
    /// The rule names others.
    #[error("the user {user} may not approve change order {order}: the rule `{rule}` asks for {whom}")]
    NotAnApprover {
        /// The order.
        order: OrderId,
        /// Who.
        user: String,
        /// The rule.
        rule: String,
        /// Who may.
        whom: String,
    },
    /// Nothing waits for approval.
    #[error(
        "change order {0} does not wait for approval; if it waits for the confirmation of a batch, use ContinuePipeline"
    )]
    NotAwaitingApproval(OrderId),
    /// The order has no such part.
    #[error("change order {order} has no pipeline or task {part}")]
    NoSuchPart {
        /// The order.
        order: OrderId,
        /// The part.
        part: PartId,
    },
    /// Nothing is to be retried.
    #[error("task {0} has not failed: there is nothing to retry")]
    NothingToRetry(PartId),
}

/// See the module.
///
/// # Errors
/// [`Illegal`] for commands that the order cannot obey; observations and outcomes are always legal.
pub fn step(order: &Order, input: Input<'_>, context: Context) -> Result<Transition, Illegal> {
    let mut draft = Draft::new(order, context);
    match input {
        Input::Command(command) => command::obey(&mut draft, command)?,
        // What is still on its way when an order ends says nothing any more.
        Input::Observed(_) | Input::Performed(_) | Input::NotPerformed(_) if order.status.is_terminal() => {}
        // Nothing is decided, and nothing times out, before somebody approves.
        Input::Observed(_) if order.awaits_approval() => {}
        // The watches have not come to the order's own Deployment yet.
        Input::Observed(Observation::Present(workload)) if workload.sameness(order.object) == Sameness::Before => {}
        Input::Observed(observation) => {
            draft.begin();
            draft.is_replaced = matches!(observation, Observation::Present(other) if other.sameness(order.object) == Sameness::Replaced);
            let observation = if draft.is_replaced { &Observation::Gone { pods: Vec::new() } } else { observation };
            match &order.job {
                Job::Create(create) => create::observed(&mut draft, create, observation),
                Job::Release(release) => release::observed(&mut draft, release, observation),
                Job::Restore(restore) => restore::observed(&mut draft, restore, observation),
                Job::Resize(resize) => resize::observed(&mut draft, resize, observation),
                Job::Delete(delete) => delete::observed(&mut draft, delete, observation),
                Job::Attach(attach) => attach::observed(&mut draft, attach),
            }
        }
        Input::Performed(performed) => outcome::performed(&mut draft, performed),
        Input::NotPerformed(error) => outcome::not_performed(&mut draft, error),
    }
    Ok(draft.done())
}
