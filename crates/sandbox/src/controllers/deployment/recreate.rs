//! Strategy Recreate: no pod of the new version before the last one of the old is gone.

use super::Rollout;
use super::arithmetic::Resize;
use crate::object;
use crate::resources;
use crate::status::Status;

/// One step of a recreation.
pub(super) fn roll_out(rollout: &mut Rollout<'_, '_>) -> Result<(), Status> {
    rollout.number_revisions(false)?;
    let active: Vec<_> = rollout.old_sets().into_iter().filter(|set| set.replicas > 0).collect();
    if !active.is_empty() {
        for set in active {
            rollout.resize(&Resize { name: set.name().to_owned(), replicas: 0 })?;
        }
        return rollout.report_progress();
    }
    if old_pods_run(rollout) {
        return rollout.report_progress();
    }
    if rollout.new.is_none() {
        rollout.number_revisions(true)?;
    }
    if let Some(new) = rollout.new_set()
        && new.replicas != rollout.deployment.replicas
    {
        let resize = Resize { name: new.name().to_owned(), replicas: rollout.deployment.replicas };
        rollout.resize(&resize)?;
    }
    let status = rollout.deployment.object.get("status").cloned().unwrap_or_default();
    if rollout.deployment.is_complete(&status) {
        rollout.clean_up()?;
    }
    rollout.report_progress()
}

/// Whether a pod of an old ReplicaSet still runs, be it only to terminate.
fn old_pods_run(rollout: &Rollout<'_, '_>) -> bool {
    rollout.old_sets().iter().any(|set| {
        set.status("replicas") > 0
            || rollout.context.storage.dependents(set.uid()).any(|dependent| {
                object::kind(dependent) == resources::PODS.kind
                    && !matches!(object::text(dependent, "/status/phase"), "Failed" | "Succeeded")
            })
    })
}
