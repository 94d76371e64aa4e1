//! How orders begin: a request and the present state become an order with its plan, or a refusal that says what to do.
//!
//! Nothing is written here. Whether the application has another active order is not asked either: the store's
//! constraint is the only judge of that.

mod adopt;
mod attach;
mod create;
mod deploy;
mod resize;

use jiff::Timestamp;

pub use self::adopt::{Adoption, adopt};
pub use self::attach::{AttachRequest, attach};
pub use self::create::{APP_ID_LABEL, CreateRequest, create};
pub use self::deploy::{DeployRequest, DeployTarget, deploy};
pub use self::resize::{delete, scale, start, stop};
use super::{Actor, Event, Job, Order, OrderKind, Pipeline, Status};
use crate::application::Application;
use crate::ids::{OrderId, VersionNumber};
use crate::plan::Batches;
use crate::template::edit::EditError;
use crate::version::Version;

/// Who asks, when, and under which new id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The id of the order, never used before.
    pub order: OrderId,
    /// Who asks.
    pub actor: Actor,
    /// Free text; made from the change if empty.
    pub description: String,
    /// Now.
    pub now: Timestamp,
}

/// A new order, with what has to be stored in the same commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Birth {
    /// The order.
    pub order: Order,
    /// The application's next revision (the first, for a creation).
    pub app: Application,
    /// New versions.
    pub versions: Vec<Version>,
    /// The first lines of the record.
    pub events: Vec<Event>,
}

/// A request that cannot become an order. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing to deploy onto.
    #[error(
        "the Deployment of application {0} does not exist on its cluster any more: delete the application and create it again"
    )]
    WorkloadGone(String),
    /// The application was never made: its name is taken on the cluster.
    #[error(
        "the Deployment of this name was there before application {0} and belongs to someone else: delete the application, which leaves that Deployment alone, and create it under another name, or take the Deployment over with Adopt"
    )]
    OfOthers(String),
    /// Nothing to take over.
    #[error("there is no Deployment {0} in this namespace of the cluster: nothing to adopt")]
    NothingToAdopt(String),
    /// Being deleted.
    #[error("the Deployment of application {0} is being deleted")]
    WorkloadDeleting(String),
    /// Paused by hand.
    #[error("the Deployment is paused, and nothing written to it would happen: run `kubectl rollout resume` first")]
    Paused,
    /// Batches that would be empty.
    #[error("{batches} batches are more than the {pods} pods there are: ask for at most {}", (*pods).max(1))]
    TooManyBatches {
        /// Asked for.
        batches: u32,
        /// Wanted pods.
        pods: u32,
    },
    /// Requests for a batch that there is not.
    #[error(
        "TrafficControlStrategy leads requests to the gray batch, and UpdateStrategy has none: give it the type GrayBatchUpdate with grayUpdate, or leave TrafficControlStrategy out"
    )]
    SteeringWithoutGray,
    /// No batch.
    #[error("the number of batches must be at least 1")]
    NoBatches,
    /// A gray batch that leaves nothing for the others, or has no pods.
    #[error(
        "a gray batch of {gray} pods needs an application of more than {gray} pods, with a pod for each of the {batches} batches after it, and there are {pods}: ask for fewer"
    )]
    GrayTooLarge {
        /// Asked for.
        gray: u32,
        /// Batches after it.
        batches: u32,
        /// Wanted pods.
        pods: u32,
    },
    /// Recreate has no batches.
    #[error(
        "the Deployment's own strategy is Recreate, which replaces all pods at once: deploy in one batch, or change the strategy to RollingUpdate"
    )]
    RecreateInBatches,
    /// Nothing may move.
    #[error(
        "no pod may be replaced: a PodDisruptionBudget demands {floor} of {pods} pods and the Deployment allows no surge. Relax the budget, or allow maxSurge"
    )]
    Deadlock {
        /// What the budget demands.
        floor: u32,
        /// Wanted pods.
        pods: u32,
    },
    /// Not a version of this application.
    #[error("the application has no version {0}: take one from ListHistoryDeployVersion")]
    UnknownVersion(String),
    /// An aborted release is held.
    #[error(
        "an aborted release is held half way (version {from} to {to}): deploy a version or roll back first, then {then}"
    )]
    HeldHalfWay {
        /// The version to go back to.
        from: VersionNumber,
        /// The version that was being released.
        to: VersionNumber,
        /// What was asked for.
        then: &'static str,
    },
    /// The same number.
    #[error("the application has {0} instances already")]
    SameReplicas(u32),
    /// Not stopped.
    #[error("the application is not stopped: it has {0} instances")]
    NotStopped(u32),
    /// Stopped already.
    #[error("the application is stopped already")]
    AlreadyStopped,
    /// A start to nothing.
    #[error("the number of instances to start must be at least 1")]
    StartNothing,
    /// The template cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
}

fn order(
    request: &Request,
    app: &Application,
    kind: OrderKind,
    description: String,
    batches: Batches,
    job: Job,
) -> Order {
    let pipelines = (0..batches.total()).map(|index| pipeline(request.order, index)).collect();
    Order {
        id: request.order,
        app: app.id,
        workload: app.workload.clone(),
        object: None,
        kind,
        actor: request.actor.clone(),
        description: if request.description.is_empty() { description } else { request.description.clone() },
        created_at: request.now,
        finished_at: None,
        status: Status::Ready,
        batches,
        pipelines,
        job,
        pending: None,
        rolls_back: None,
        rolled_back_by: None,
        approval: None,
        warnings: Vec::new(),
        revision: 0,
    }
}

/// A pipeline that has not begun.
pub(crate) fn pipeline(order: OrderId, index: u32) -> Pipeline {
    Pipeline {
        id: order.part(&format!("pipeline/{index}")),
        name: format!("Batch {} Change", index + 1),
        status: Status::Ready,
        started_at: None,
        updated_at: None,
        message: String::new(),
        error: None,
        instances: Vec::new(),
    }
}

fn accepted(request: &Request, order: &Order) -> Event {
    let Actor { user, source, .. } = &request.actor;
    Event {
        at: request.now,
        kind: "OrderAccepted".to_owned(),
        text: format!("{} accepted from {user} by {source}: {}", order.kind.code(), order.description),
    }
}
