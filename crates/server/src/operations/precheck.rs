//! StartK8sAppPrecheck and GetK8sAppPrecheckResult: whether a change could go forward, found out before it is asked for.
//!
//! The checks run while the first request waits, side by side and each within a few seconds; what they found is kept under cluster, namespace and name
//! until they are started again. A result that was never written, because the server stopped in the middle, is shown as interrupted.

mod jobs;
mod plan;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Kept, Stored};
use sternway_wire::error::BusinessError;
use sternway_wire::model::{
    GetK8sAppPrecheckResult, PrecheckJobResult, PrecheckJobs, PrecheckResult, StartK8sAppPrecheck,
};
use sternway_wire::parameters::names;

use self::jobs::{Finding, Job};
use self::plan::Plan;
use crate::call::Call;
use crate::failure::Failure;

/// Checks are over long before: what says "checking" after that was interrupted.
const LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// The last run for one application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Run {
    started_at: Timestamp,
    jobs: Vec<Job>,
    /// Empty while they run.
    findings: Vec<Finding>,
}

impl Kept for Run {
    const KIND: &'static str = "precheck";
}

/// StartK8sAppPrecheck
pub(crate) async fn start(call: Arc<Call>) -> Result<StartK8sAppPrecheck, Failure> {
    let plan = Plan::read(&call).await?;
    let id = id(&plan.cluster.id.to_string(), &plan.namespace, &plan.name);
    let owner = plan.app.as_ref().map(|app| app.id.to_string()).unwrap_or_default();
    let jobs = plan.jobs();
    let run = Run { started_at: call.now(), jobs: jobs.clone(), findings: Vec::new() };
    write(&call, &id, &owner, &run).await?;
    let findings = jobs::run(&call, &plan, &jobs).await;
    write(&call, &id, &owner, &Run { findings, ..run }).await?;
    let jobs = jobs.iter().map(|job| job.name().to_owned()).collect();
    Ok(StartK8sAppPrecheck { data: PrecheckJobs { jobs } })
}

/// GetK8sAppPrecheckResult
pub(crate) async fn result(call: Arc<Call>) -> Result<GetK8sAppPrecheckResult, Failure> {
    let cluster = call.cluster().await?.id.to_string();
    let namespace = names::namespace(&call.parameters)?;
    let name = names::application_name(&call.parameters)?;
    let unknown = || {
        let message = format!(
            "A precheck of {name} in the namespace {namespace} of the cluster {cluster} does not exist. Start one with StartK8sAppPrecheck."
        );
        BusinessError::new(404, "Precheck.NotFound", message)
    };
    let id = id(&cluster, namespace, name);
    let run = Stored::<Run>::get(call.records(), &id).await?.ok_or_else(unknown)?.value;
    Ok(GetK8sAppPrecheckResult { data: shown(&run, call.now()) })
}

/// Upper case is no difference, as it is none for the Deployment.
fn id(cluster: &str, namespace: &str, name: &str) -> String {
    format!("{cluster}/{namespace}/{}", name.to_ascii_lowercase())
}

async fn write(call: &Call, id: &str, owner: &str, run: &Run) -> Result<(), Failure> {
    loop {
        let stored = Stored::get(call.records(), id).await?;
        let mut stored = stored.unwrap_or_else(|| Stored::new(id, owner, run.clone()));
        run.clone_into(&mut stored.value);
        owner.clone_into(&mut stored.owner);
        if stored.put(call.records()).await? {
            return Ok(());
        }
    }
}

fn shown(run: &Run, now: Timestamp) -> PrecheckResult {
    let over = !run.findings.is_empty();
    let abandoned = !over && now.duration_since(run.started_at) > LONGEST;
    let job_results: Vec<PrecheckJobResult> = match abandoned {
        false => run.findings.iter().map(Finding::shown).collect(),
        true => run
            .jobs
            .iter()
            .map(|job| Finding::interrupted(*job, "the server stopped meanwhile: start again").shown())
            .collect(),
    };
    let failed: Vec<&str> =
        job_results.iter().filter(|result| !result.pass).map(|result| result.reason.as_str()).collect();
    let status = match (over || abandoned, failed.is_empty()) {
        (false, _) => "checking",
        (true, true) => "pass",
        (true, false) => "failed",
    };
    PrecheckResult { reason: failed.join(" "), status: status.to_owned(), job_results }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_what_was_found() {
        let started_at: Timestamp = "2026-11-26T04:00:00Z".parse().unwrap();
        let run = |findings| Run { started_at, jobs: vec![Job::Cluster, Job::Namespace], findings };
        let soon = started_at + SignedDuration::from_secs(5);
        let late = started_at + SignedDuration::from_secs(61);
        let passed = Finding::passed(Job::Cluster);
        let failed = Finding::failed(Job::Namespace, "There is none.");
        let cases = [
            (run(vec![]), soon, "checking", ""),
            (run(vec![passed.clone()]), late, "pass", ""),
            (run(vec![passed, failed]), soon, "failed", "There is none."),
        ];
        for (run, now, status, reason) in cases {
            let shown = shown(&run, now);
            assert_eq!((shown.status.as_str(), shown.reason.as_str()), (status, reason));
        }
        let abandoned = shown(&run(vec![]), late);
        assert_eq!(abandoned.status, "failed");
        assert!(abandoned.job_results.iter().all(|result| result.interrupted && !result.pass), "{abandoned:?}");
    }
}
