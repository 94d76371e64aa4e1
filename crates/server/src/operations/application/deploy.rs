//! DeployK8sApplication.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::ids::VersionNumber;
use sternway_core::order::job::OnFailure;
use sternway_core::plan::{Batches, Gate, ONE_BATCH};
use sternway_core::template::edit::Edit;
use sternway_core::template::package::Package;
use sternway_engine::{Deploy, DeployChange, DeployPreview};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::ChangeOrderStarted;
use sternway_wire::parameters::update_strategy::{Release, UpdateStrategy};
use sternway_wire::parameters::{Parameters, names, resources};

use super::create::attributes;
use super::{edits, nas, package, present_version, steering};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::version;

const LONGEST_DESCRIPTION: usize = 1024;
/// A day: what is not available after that never will be.
const LONGEST_READY_SECONDS: i64 = 86_400;
/// Our extension: what to do when the release fails.
const ON_FAILURE: &str = "OnFailure";

/// Our extension: say what would be written, and write nothing.
const DRY_RUN: &str = "DryRun";

/// EDAS's answer, and what a dry run adds to it.
#[derive(Debug, Serialize)]
pub(crate) struct DeployAnswer {
    #[serde(flatten)]
    started: ChangeOrderStarted,
    #[serde(rename = "DryRun", skip_serializing_if = "Option::is_none")]
    dry_run: Option<DeployPreview>,
}

/// DeployK8sApplication
pub(crate) async fn deploy(call: Arc<Call>) -> Result<DeployAnswer, Failure> {
    let app = call.app().await?;
    let parameters = &call.parameters;
    let batches = batches(parameters)?;
    let steering = steering::plan(&call, &app, batches).await?;
    let change = match parameters.optional("PackageVersionId")? {
        Some(id) => historical(&call, &app, version::parse(id)?).await?,
        None => edited(&call, &app).await?,
    };
    let deploy = Deploy {
        change,
        batches,
        batch_timeout_seconds: call.timeout_seconds("BatchTimeout")?,
        on_failure: on_failure(parameters)?,
        replicas: call.replicas(0)?,
        steering,
        attributes: attributes(parameters, "DeployK8sApplication")?,
        description: parameters.text("ChangeOrderDesc", LONGEST_DESCRIPTION)?.unwrap_or_default().to_owned(),
    };
    if parameters.boolean(DRY_RUN)?.unwrap_or(false) {
        let preview = call.command(call.engine().preview_deploy(app.id, deploy, call.actor())).await?;
        return Ok(DeployAnswer { started: ChangeOrderStarted::default(), dry_run: Some(preview) });
    }
    let order = call.command(call.engine().deploy(app.id, deploy, call.actor())).await?;
    let started = ChangeOrderStarted { change_order_id: order.to_string() };
    Ok(DeployAnswer { started, dry_run: None })
}

/// A version as it was; its package must still be there.
async fn historical(call: &Call, app: &Application, number: VersionNumber) -> Result<DeployChange, Failure> {
    let version = call.store().version(app.id, number).await?;
    if let Some(package) = version.and_then(|version| Package::of(&version.snapshot.template)) {
        package::require_kept(call, &package).await?;
    }
    Ok(DeployChange::History(number))
}

async fn edited(call: &Call, app: &Application) -> Result<DeployChange, Failure> {
    let parameters = &call.parameters;
    let version = present_version(call, app).await?;
    let present = version.as_ref().and_then(|version| Package::of(&version.snapshot.template));
    let mut edits = Vec::new();
    if present.is_none() {
        if parameters.optional("PackageUrl")?.is_some() {
            let reason = "This application runs images: give Image, or create an application of type FatJar or War.";
            return Err(BusinessError::unprocessable(reason).into());
        }
        match (names::image(parameters, "Image")?, names::image_tag(parameters)?) {
            (Some(image), _) => edits.push(Edit::Image(image.to_owned())),
            (None, Some(tag)) => edits.push(Edit::ImageTag(tag.to_owned())),
            (None, None) => {}
        }
    }
    let spec = version.as_ref().map_or(&Value::Null, |version| &version.snapshot.template.json()["spec"]);
    edits.extend(edits::common(parameters, "Args", app.id, &spec["affinity"])?);
    edits.extend(edits::resources(resources::of_deploy(parameters)?));
    edits.extend(nas::edit(call, app.workload.cluster, spec).await?);
    let ready = parameters.integer("BatchWaitTime", 0..=LONGEST_READY_SECONDS)?;
    let package_version = parameters.text("PackageVersion", LONGEST_DESCRIPTION)?;
    let mut package_version = package_version.unwrap_or_default().to_owned();
    if let Some(present) = present {
        let digest = present.digest.clone();
        let run = package::of_deploy(call, app.id, present).await?;
        // The same package has the same name; a new one without a name is called by its digest.
        if package_version.is_empty() && run.package.digest == digest {
            package_version = version.map(|version| version.package_version).unwrap_or_default();
        }
        edits.push(Edit::Package(Box::new(run)));
    }
    Ok(DeployChange::Edits {
        edits,
        min_ready_seconds: ready.and_then(|seconds| u32::try_from(seconds).ok()),
        package_version,
    })
}

fn batches(parameters: &Parameters) -> Result<Batches, GatewayError> {
    let Some(strategy) = UpdateStrategy::read(parameters)? else {
        return Ok(ONE_BATCH);
    };
    Ok(Batches {
        gray: strategy.gray,
        count: strategy.batch,
        gate: match strategy.release {
            Release::Manual => Gate::Manual,
            Release::Auto { wait_minutes } => Gate::Automatic { wait_seconds: wait_minutes.saturating_mul(60) },
        },
    })
}

fn on_failure(parameters: &Parameters) -> Result<OnFailure, GatewayError> {
    match parameters.optional(ON_FAILURE)? {
        None => Ok(OnFailure::default()),
        Some(word) if word.eq_ignore_ascii_case("rollback") => Ok(OnFailure::Rollback),
        Some(word) if word.eq_ignore_ascii_case("pause") => Ok(OnFailure::Pause),
        Some(word) if word.eq_ignore_ascii_case("keep") => Ok(OnFailure::Keep),
        Some(_) => {
            let problem = "Give rollback, pause or keep.";
            Err(GatewayError::invalid_parameter(ON_FAILURE, problem))
        }
    }
}
