//! RollbackApplication: a historical version, in batches. What it begins is the order that DeployK8sApplication begins with PackageVersionId.

use std::collections::BTreeMap;
use std::sync::Arc;

use sternway_core::ids::VersionNumber;
use sternway_core::order::job::OnFailure;
use sternway_core::plan::{Batches, Gate};
use sternway_core::version::Version;
use sternway_engine::{Deploy, DeployChange};
use sternway_wire::error::BusinessError;
use sternway_wire::model::ChangeOrderStarted;

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::version::MOST_VERSIONS;

const MOST_BATCHES: i64 = 5;
const LONGEST_WAIT_MINUTES: i64 = 5;

/// RollbackApplication
pub(crate) async fn roll_back(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let parameters = &call.parameters;
    let wanted = parameters.required("HistoryVersion", "a PackageVersion or an Id of ListHistoryDeployVersion")?;
    let count = parameters.integer("Batch", 1..=MOST_BATCHES)?.and_then(|count| u32::try_from(count).ok());
    let minutes = parameters.integer("BatchWaitTime", 0..=LONGEST_WAIT_MINUTES)?;
    let wait_seconds = minutes.and_then(|minutes| u32::try_from(minutes * 60).ok()).unwrap_or(0);
    let versions = call.store().versions(app.id, MOST_VERSIONS).await?;
    let number = find(&versions, wanted).ok_or_else(|| BusinessError::version_not_found(wanted))?;
    let deploy = Deploy {
        change: DeployChange::History(number),
        batches: Batches { gray: None, count: count.unwrap_or(1), gate: Gate::Automatic { wait_seconds } },
        batch_timeout_seconds: call.shared.config.change_timeout_seconds,
        on_failure: OnFailure::default(),
        replicas: None,
        steering: None,
        attributes: BTreeMap::new(),
        description: String::new(),
    };
    let order = call.command(call.engine().deploy(app.id, deploy, call.actor())).await?;
    Ok(ChangeOrderStarted { change_order_id: order.to_string() })
}

/// The newest version of that PackageVersion, which is what EDAS documents; else the one whose Id it is. `versions` are newest first.
fn find(versions: &[Version], wanted: &str) -> Option<VersionNumber> {
    let by_name = versions.iter().find(|version| version.package_version == wanted);
    let by_id = || versions.iter().find(|version| version.number.to_string() == wanted);
    by_name.or_else(by_id).map(|version| version.number)
}
