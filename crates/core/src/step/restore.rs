//! Observations of a rollback: one patch back, wait until every pod is back, one patch to give the strategy back.

use super::{Draft, outcome, steer};
use crate::application::AppChange;
use crate::effect::{self, Effect};
use crate::observation::{Observation, Workload};
use crate::order::Failure;
use crate::order::job::{Job, Restore, RestorePhase};

pub(super) fn observed(draft: &mut Draft<'_>, restore: &Restore, observation: &Observation) {
    let workload = match observation {
        Observation::Present(workload) if !workload.deleting => workload,
        Observation::Present(_) | Observation::Gone { .. } => return without_workload(draft),
    };
    let back = workload.digest == restore.to.snapshot.template.digest();
    if back {
        draft.record(workload.new_pods());
    }
    if steer::is_pending(draft) {
        // Tried a few times and then gone on without: there is no need of a deadline.
        return;
    }
    if draft.order.pending.is_some() || workload.generation < restore.generation {
        return check_deadline(draft, restore, workload);
    }
    if restore.phase == RestorePhase::Returning && !steer::put_back(draft) {
        return;
    }
    match restore.phase {
        RestorePhase::Asking => {
            if steer::put_back(draft) {
                ask(draft, restore);
            }
        }
        RestorePhase::Returning if !back => draft.fail(Failure {
            code: "Drift".to_owned(),
            message: "the pod template of the Deployment was changed by someone else during the rollback; nothing more is touched"
                .to_owned(),
        }),
        RestorePhase::Returning if workload.is_complete() => {
            if steer::clean(draft) {
                finish(draft, restore);
            }
        }
        RestorePhase::Returning | RestorePhase::Finishing => {
            let (old, new) = (workload.old_ready(), workload.new_ready());
            let wanted = workload.replicas;
            let obstacle = draft.obstacle(workload).map_or_else(String::new, |why| format!("; {why}"));
            draft.say(format!(
                "going back to version {}: {new} of {wanted} instances are back and ready, {old} of the other version still serve{obstacle}",
                restore.to.number
            ));
            check_deadline(draft, restore, workload);
        }
        RestorePhase::Stopping if restore.steering.is_some() => {
            if steer::clean(draft) {
                outcome::stopped(draft);
            }
        }
        // Its only write was asked for when it was aborted; if that write was dropped, what is there stays.
        RestorePhase::Stopping => draft.abort("the rollback was aborted; the application serves what was back by then"),
    }
}

/// The rollback as the draft has it now.
pub(super) fn present<'d>(draft: &'d mut Draft<'_>) -> Option<&'d mut Restore> {
    match &mut draft.order.job {
        Job::Restore(restore) => Some(restore),
        Job::Create(_) | Job::Release(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
    }
}

fn ask(draft: &mut Draft<'_>, restore: &Restore) {
    draft.event("Restoring", format!("restoring version {} by one patch", restore.to.number));
    draft.say(format!("restoring version {}", restore.to.number));
    draft.want(Effect::Restore(Box::new(effect::Restore {
        snapshot: restore.to.snapshot.clone(),
        version: restore.to.number,
        expects: restore.expects.clone(),
    })));
}

fn finish(draft: &mut Draft<'_>, restore: &Restore) {
    if let Some(restore) = present(draft) {
        restore.phase = RestorePhase::Finishing;
    }
    draft.event("Finishing", "all instances are back; giving back what was borrowed");
    draft.want(Effect::Finish { snapshot: Box::new(restore.to.snapshot.clone()), version: restore.to.number });
}

/// The Deployment is gone: routes are not, and are put back before the order ends.
fn without_workload(draft: &mut Draft<'_>) {
    if !steer::is_there(draft) {
        return gone(draft);
    }
    if !steer::is_pending(draft) {
        draft.order.pending = None;
        if steer::clean(draft) {
            gone(draft);
        }
    }
}

pub(super) fn gone(draft: &mut Draft<'_>) {
    draft.app.push(AppChange::Released);
    draft.fail_gone("nothing is left to roll back");
}

fn check_deadline(draft: &mut Draft<'_>, restore: &Restore, workload: &Workload) {
    if !draft.timed_out(restore.since, restore.timeout_seconds) {
        return;
    }
    let why = draft.obstacle(workload);
    let why = why.unwrap_or_else(|| "not all instances of the old version came back".to_owned());
    let ready = workload.old_ready() + workload.new_ready();
    draft.fail(Failure {
        code: "RollbackFailed".to_owned(),
        message: format!(
            "the rollback to version {} did not complete within {} seconds: {why}. {ready} of {} instances serve; the Deployment keeps \
             trying, and what runs is left in place",
            restore.to.number, restore.timeout_seconds, workload.replicas
        ),
    });
}
