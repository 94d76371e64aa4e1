//! CoCreateApp: a new application with a new Deployment.

use serde_json::{Value, json};

use super::{Birth, Refused, Request, accepted, order};
use crate::application::Application;
use crate::effect::ObjectChange;
use crate::ids::VersionNumber;
use crate::order::OrderKind;
use crate::order::job::{Create, Job};
use crate::plan::ONE_BATCH;
use crate::strategy::DEFAULT_STRATEGY;
use crate::template::PodTemplate;
use crate::template::edit::{self, Edit};
use crate::template::package::Package;
use crate::version::{Origin, Snapshot, Version};

/// The label that selects an application's pods; its value is the AppId, so that two applications never share pods.
pub const APP_ID_LABEL: &str = "sternway.io/app-id";
/// Kubernetes's own label for the name.
const APP_NAME_LABEL: &str = "app.kubernetes.io/name";
/// What Kubernetes fills in.
const DEFAULT_PROGRESS_DEADLINE_SECONDS: u32 = 600;

/// A creation.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// The application as it is to be; `current`, `latest` and the like are set here.
    pub app: Application,
    /// The first version, as edits of an empty template.
    pub edits: Vec<Edit>,
    /// Pods wanted.
    pub replicas: u32,
    /// Objects to be made before the workload.
    pub attachments: Vec<ObjectChange>,
    /// EDAS's PackageVersion; the image's tag if empty.
    pub package_version: String,
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
}

/// Begins a creation.
///
/// # Errors
/// [`Refused::Edit`] if the edits make no template.
pub fn create(creation: CreateRequest, request: &Request) -> Result<Birth, Refused> {
    let CreateRequest { mut app, edits, replicas, attachments, package_version, timeout_seconds } = creation;
    let labels = json!({ APP_ID_LABEL: app.id.to_string(), APP_NAME_LABEL: app.workload.name });
    let blank = PodTemplate::new(json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": app.workload.name}]},
    }));
    let template = edit::apply(&blank, &edits)?;
    let number = app.latest.next();
    app.latest = number;
    app.replicas = replicas;
    let snapshot = Snapshot {
        template,
        strategy: DEFAULT_STRATEGY,
        min_ready_seconds: 0,
        progress_deadline_seconds: DEFAULT_PROGRESS_DEADLINE_SECONDS,
    };
    let manifest = manifest(&app, &labels, replicas, &snapshot, number);
    let job = Job::Create(Create { manifest, version: number, replicas, timeout_seconds, attachments, made: false });
    let description = format!("Create application {} | Version: {number} | {}", app.name, snapshot.template.content());
    let order = order(request, &app, OrderKind::CreateApp, description, ONE_BATCH, job);
    let version = Version {
        app: app.id,
        number,
        package_version: package_version_or_tag(package_version, &snapshot.template),
        snapshot,
        origin: Origin::Created,
        order: order.id,
        description: order.description.clone(),
        created_at: request.now,
        good: false,
    };
    Ok(Birth { events: vec![accepted(request, &order)], order, app, versions: vec![version] })
}

fn manifest(app: &Application, labels: &Value, replicas: u32, snapshot: &Snapshot, version: VersionNumber) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": app.workload.name,
            "namespace": app.workload.namespace,
            "labels": labels,
            "annotations": {crate::effect::marks::VERSION: version.to_string()},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {APP_ID_LABEL: app.id.to_string()}},
            "strategy": snapshot.strategy.to_json(),
            "progressDeadlineSeconds": snapshot.progress_deadline_seconds,
            "template": snapshot.template.json(),
        },
    })
}

/// The package version for people: as given, else the digest of the package, or the tag or digest of the image.
pub(super) fn package_version_or_tag(given: String, template: &PodTemplate) -> String {
    if !given.is_empty() {
        return given;
    }
    if let Some(package) = Package::of(template) {
        return package.short_digest().to_owned();
    }
    let image = template.image();
    let name = image.rsplit('/').next().unwrap_or(image);
    name.rsplit_once('@').or_else(|| name.rsplit_once(':')).map_or("latest", |(_, tag)| tag).to_owned()
}
