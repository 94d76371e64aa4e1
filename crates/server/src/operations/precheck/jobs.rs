//! The checks. Each asks one question and answers with a reason that says what to do; what cannot be asked is interrupted, which fails nothing
//! unless the cluster itself is silent.

use std::time::Duration;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sternway_core::observation::Observation;
use sternway_core::ports::{AppFilter, ClusterError, ObjectKind, ObjectRef};
use sternway_core::precheck::check;
use sternway_wire::model::PrecheckJobResult;

use super::plan::Plan;
use crate::call::Call;

/// Clients wait 10 s, and want to be answered.
const PATIENCE: Duration = Duration::from_secs(7);

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Job {
    /// Does the cluster answer, and has it nodes that are ready?
    Cluster,
    /// Is the namespace there?
    Namespace,
    /// May we do what a release needs?
    Rights,
    /// Is the name free?
    Name,
    /// Does no other change order run?
    ChangeOrder,
    /// Would a release go forward, and could it come back?
    Release,
    /// Is there what the pods refer to?
    References,
    /// Would the cluster take such a pod?
    Admission,
}

impl Job {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster Health Check",
            Self::Namespace => "Namespace Check",
            Self::Rights => "Permission Check",
            Self::Name => "Application Name Check",
            Self::ChangeOrder => "Change Order Check",
            Self::Release => "Release Check",
            Self::References => "Reference Check",
            Self::Admission => "Pod Admission Check",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Finding {
    job: Job,
    pass: bool,
    interrupted: bool,
    reason: String,
}

impl Finding {
    pub(super) fn passed(job: Job) -> Self {
        Self { job, pass: true, interrupted: false, reason: String::new() }
    }

    pub(super) fn failed(job: Job, reason: impl Into<String>) -> Self {
        Self { job, pass: false, interrupted: false, reason: reason.into() }
    }

    pub(super) fn interrupted(job: Job, reason: &str) -> Self {
        Self { interrupted: true, ..Self::failed(job, format!("{} was interrupted: {reason}.", job.name())) }
    }

    /// It could not be asked, and that is no reason to hold anything up.
    fn passed_over(job: Job, reason: String) -> Self {
        Self { job, pass: true, interrupted: true, reason }
    }

    pub(super) fn shown(&self) -> PrecheckJobResult {
        PrecheckJobResult {
            interrupted: self.interrupted,
            name: self.job.name().to_owned(),
            pass: self.pass,
            reason: self.reason.clone(),
        }
    }
}

/// Runs all jobs side by side.
pub(super) async fn run(call: &Call, plan: &Plan, jobs: &[Job]) -> Vec<Finding> {
    join_all(jobs.iter().map(|job| async move {
        match tokio::time::timeout(PATIENCE, ask(call, plan, *job)).await {
            Ok(Ok(finding)) => finding,
            Ok(Err(error)) => Finding::interrupted(*job, &error),
            Err(_) => Finding::interrupted(*job, "the cluster did not answer in time"),
        }
    }))
    .await
}

/// What could not be found out, in words.
type Trouble = String;

async fn ask(call: &Call, plan: &Plan, job: Job) -> Result<Finding, Trouble> {
    let cluster = plan.cluster.id;
    match job {
        Job::Cluster => Ok(match call.clusters().info(cluster).await {
            Ok(info) if info.nodes_ready == 0 && info.nodes > 0 => {
                Finding::failed(job, format!("None of the cluster's {} nodes is ready.", info.nodes))
            }
            Ok(_) => Finding::passed(job),
            Err(error) => Finding::failed(job, format!("The cluster cannot be asked: {error}.")),
        }),
        Job::Namespace => Ok(match call.clusters().namespaces(cluster).await {
            Ok(names) if names.contains(&plan.namespace) => Finding::passed(job),
            Ok(_) => Finding::failed(
                job,
                format!(
                    "The namespace {} does not exist. Create it, or take one from ListK8sNamespaces.",
                    plan.namespace
                ),
            ),
            Err(error @ ClusterError::Forbidden(_)) => Finding::passed_over(job, error.to_string()),
            Err(error) => return Err(error.to_string()),
        }),
        Job::Rights => {
            let around = call.clusters().surroundings(&plan.workload()).await.map_err(words)?;
            let missing = around.missing_rights.join(", ");
            Ok(match missing.is_empty() {
                true => Finding::passed(job),
                false => Finding::failed(job, format!("The cluster's credentials lack {missing}. Grant them.")),
            })
        }
        Job::Name => {
            let filter =
                AppFilter { cluster: Some(cluster), namespace: Some(plan.namespace.clone()), ..AppFilter::default() };
            let apps = call.store().apps(filter).await.map_err(words)?;
            let workload = plan.workload();
            let taken = apps.iter().any(|app| app.name == plan.name || app.workload == workload);
            let foreign = matches!(call.clusters().read(&workload).await.map_err(words)?, Observation::Present(_));
            Ok(match (taken, foreign) {
                (false, false) => Finding::passed(job),
                (true, _) => Finding::failed(job, "An application of this name exists already. Take another name."),
                (false, true) => Finding::failed(
                    job,
                    format!("A Deployment named {} exists already. Take another name, or adopt it.", workload.name),
                ),
            })
        }
        Job::ChangeOrder => {
            let Some(app) = &plan.app else { return Ok(Finding::passed(job)) };
            Ok(match call.store().active_order_of(app.id).await.map_err(words)? {
                None => Finding::passed(job),
                Some(order) => Finding::failed(
                    job,
                    format!("The change order {} is not finished. Wait until it ends, or abort it.", order.id),
                ),
            })
        }
        Job::Release => release(call, plan).await,
        Job::References => references(call, plan).await,
        Job::Admission => admission(call, plan).await,
    }
}

fn words(error: impl std::fmt::Display) -> Trouble {
    error.to_string()
}

async fn release(call: &Call, plan: &Plan) -> Result<Finding, Trouble> {
    let job = Job::Release;
    let workload = plan.workload();
    let (Some(version), Observation::Present(live)) =
        (&plan.version, call.clusters().read(&workload).await.map_err(words)?)
    else {
        return Ok(Finding::failed(job, "The application's Deployment does not exist on its cluster."));
    };
    let around = call.clusters().surroundings(&workload).await.map_err(words)?;
    let findings = check(&live, &around, &version.snapshot);
    let mut reasons: Vec<String> =
        findings.into_iter().filter(|finding| finding.blocking).map(|finding| finding.text).collect();
    let more = plan.replicas.unwrap_or(live.replicas).saturating_sub(live.replicas);
    reasons.extend(around.quotas.iter().filter(|quota| quota.room < more).map(|quota| {
        format!(
            "ResourceQuota {} has room for {} more pods ({}), and {more} more are wanted: raise it, or ask for fewer",
            quota.name, quota.room, quota.resource
        )
    }));
    Ok(match reasons.is_empty() {
        true => Finding::passed(job),
        false => Finding::failed(job, format!("{}.", reasons.join(". "))),
    })
}

async fn references(call: &Call, plan: &Plan) -> Result<Finding, Trouble> {
    let mut missing = Vec::new();
    for (kind, name) in referred(&plan.template) {
        let label = format!("{} {name}", kind.kind);
        let object = ObjectRef::new(kind, &plan.namespace, name);
        match call.objects().get(plan.cluster.id, &object).await {
            Ok(Some(_)) => {}
            Ok(None) => missing.push(label),
            Err(error @ ClusterError::Forbidden(_)) => {
                return Ok(Finding::passed_over(Job::References, error.to_string()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(match missing.is_empty() {
        true => Finding::passed(Job::References),
        false => {
            let reason = format!(
                "The namespace {} has no {}. Create what is missing first.",
                plan.namespace,
                missing.join(", no ")
            );
            Finding::failed(Job::References, reason)
        }
    })
}

/// What pods of a template cannot start without.
fn referred(template: &Value) -> Vec<(ObjectKind, String)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    let mut need = |kind: ObjectKind, source: &Value, name: &str| {
        let name = source[name].as_str().unwrap_or_default();
        let wanted = !name.is_empty() && source["optional"] != true;
        let named = (kind, name.to_owned());
        if wanted && !found.contains(&named) {
            found.push(named);
        }
    };
    let spec = &template["spec"];
    for container in [list(&spec["initContainers"]), list(&spec["containers"])].concat() {
        for source in list(&container["envFrom"]) {
            need(ObjectKind::CONFIG_MAP, &source["configMapRef"], "name");
            need(ObjectKind::SECRET, &source["secretRef"], "name");
        }
        for variable in list(&container["env"]) {
            need(ObjectKind::CONFIG_MAP, &variable["valueFrom"]["configMapKeyRef"], "name");
            need(ObjectKind::SECRET, &variable["valueFrom"]["secretKeyRef"], "name");
        }
    }
    for volume in list(&spec["volumes"]) {
        need(ObjectKind::CONFIG_MAP, &volume["configMap"], "name");
        need(ObjectKind::SECRET, &volume["secret"], "secretName");
        need(ObjectKind::PERSISTENT_VOLUME_CLAIM, &volume["persistentVolumeClaim"], "claimName");
    }
    found
}

/// Has the cluster look at such a pod, with its quotas and policies, without making it.
async fn admission(call: &Call, plan: &Plan) -> Result<Finding, Trouble> {
    let job = Job::Admission;
    let name = format!("{}-precheck", plan.name.to_ascii_lowercase());
    let metadata = json!({
        "name": name,
        "namespace": plan.namespace,
        "labels": plan.template["metadata"]["labels"],
        "annotations": plan.template["metadata"]["annotations"],
    });
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": plan.template["spec"]});
    let object = ObjectRef::new(ObjectKind::POD, &plan.namespace, name);
    Ok(match call.objects().try_create(plan.cluster.id, &object, &pod).await {
        Ok(()) | Err(ClusterError::Conflict) => Finding::passed(job),
        // A refusal of a quota has the same status as a lack of rights, which is no fault of the pod's.
        Err(ClusterError::Forbidden(message)) if message.contains("cannot create resource") => {
            Finding::passed_over(job, format!("Whether the cluster would take such a pod cannot be asked: {message}."))
        }
        Err(error @ (ClusterError::Forbidden(_) | ClusterError::Rejected(_))) => {
            Finding::failed(job, format!("The cluster would not take such a pod: {error}."))
        }
        Err(error) => return Err(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_wherever_they_are() {
        let template = json!({"spec": {
            "initContainers": [{"envFrom": [{"configMapRef": {"name": "init"}}]}],
            "containers": [{
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "may", "key": "k", "optional": true}}},
                    {"name": "D", "value": "plain"},
                ],
                "envFrom": [{"secretRef": {"name": "s"}}],
            }],
            "volumes": [
                {"name": "v", "configMap": {"name": "c"}},
                {"name": "w", "secret": {"secretName": "t"}},
                {"name": "x", "persistentVolumeClaim": {"claimName": "p"}},
                {"name": "y", "emptyDir": {}},
            ],
        }});
        let found: Vec<String> =
            referred(&template).into_iter().map(|(kind, name)| format!("{} {name}", kind.kind)).collect();
        let expected = ["ConfigMap init", "ConfigMap c", "Secret s", "Secret t", "PersistentVolumeClaim p"];
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all
        };
        assert_eq!(sorted(found), sorted(expected.map(str::to_owned).to_vec()));
    }
}
