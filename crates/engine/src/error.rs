//! Why a command was not accepted.

use sternway_core::governance::Frozen;
use sternway_core::ids::{AppId, ClusterId, OrderId, PartId};
use sternway_core::order::birth::Refused;
use sternway_core::ports::{ClusterError, StoreError};
use sternway_core::precheck::Finding;
use sternway_core::preview::NoPreview;
use sternway_core::step::Illegal;

/// A command that was not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such application.
    #[error("application {0} does not exist")]
    NoApp(AppId),
    /// No such order.
    #[error("change order {0} does not exist")]
    NoOrder(OrderId),
    /// No such pipeline or task.
    #[error("pipeline or task {0} does not exist")]
    NoPart(PartId),
    /// No such cluster.
    #[error("cluster {0} does not exist")]
    NoCluster(ClusterId),
    /// The application has no version to change: its creation was never recorded.
    #[error("application {0} has no version yet")]
    NoVersion(AppId),
    /// One order per application.
    #[error(
        "change order {0} of this application is not finished: wait for it, or abort it with AbortChangeOrder or AbortAndRollbackChangeOrder"
    )]
    Busy(OrderId),
    /// The name is in use.
    #[error("an application of this name exists already in this namespace of the cluster: choose another name")]
    NameTaken,
    /// The request cannot become an order.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A check before the release found that it could not go forward, or not come back.
    #[error("{}", .0.text)]
    Blocked(Finding),
    /// No release may begin now.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// A dry run came to no end.
    #[error(transparent)]
    NoPreview(NoPreview),
    /// The order cannot obey.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The cluster could not be asked, or says no.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
