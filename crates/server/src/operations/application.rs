//! Applications: made, changed, shown.

pub(crate) mod configure;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deploy;
pub(crate) mod describe;
pub(crate) mod edits;
pub(crate) mod hooks;
pub(crate) mod instances;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod nas;
mod package;
mod quantity;
pub(crate) mod rename;
pub(crate) mod rollback;
pub(crate) mod runtime;
pub(crate) mod show;
pub(crate) mod state;
mod steering;

use sternway_core::application::{Application, WorkloadRef};
use sternway_core::observation::{Observation, Pod};
use sternway_core::version::Version;

use crate::call::Call;
use crate::failure::Failure;

/// The version that runs, or the one that is to run first.
pub(crate) async fn present_version(call: &Call, app: &Application) -> Result<Option<Version>, Failure> {
    let number = app.current.unwrap_or(app.latest);
    Ok(call.store().version(app.id, number).await?)
}

/// The pods as the watches last saw them. What they have not seen yet, or cannot see, is no reason to hide the application.
async fn pods(call: &Call, workload: &WorkloadRef) -> Vec<Pod> {
    match call.clusters().observe(workload).await {
        Ok(Observation::Present(workload)) => workload.pods,
        Ok(Observation::Gone { pods }) => pods,
        Err(error) => {
            tracing::debug!(%error, "pods are not known");
            Vec::new()
        }
    }
}
