//! Why a rule of scaling was not set up.

use sternway_core::ports::{ClusterError, StoreError};

use crate::CommandError;

/// A rule that was not set up. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// No such rule.
    #[error("the scaling rule {0} does not exist")]
    NoRule(String),
    /// The name is in use.
    #[error("the application has a scaling rule named {0} already")]
    Exists(String),
    /// An application has one autoscaler.
    #[error(
        "the scaling rule {0} watches metrics already, and two would hold each other up: disable it, or put all metrics into one rule"
    )]
    OneAutoscaler(String),
    /// Someone else's autoscaler scales it.
    #[error(
        "the HorizontalPodAutoscaler {0}, which is not Sternway's, scales the application already: delete it first"
    )]
    ForeignAutoscaler(String),
    /// The name of the autoscaler is in use.
    #[error(
        "a HorizontalPodAutoscaler named {0} exists already and is not this rule's: take another name for the rule"
    )]
    NameTaken(String),
    /// The application is not there, or its Deployment is not.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The cluster could not be asked, or says no.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
