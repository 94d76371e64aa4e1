//! Work before the first wave: going back from an aborted release, scaling.

use super::present;
use crate::effect::{Effect, Restore};
use crate::observation::Workload;
use crate::order::job::{Prelude, Release, ReleasePhase};
use crate::step::Draft;

/// Does the next piece of work before the first wave. True when there is none left.
pub(super) fn done(draft: &mut Draft<'_>, release: &Release, workload: &Workload) -> bool {
    let Some(next) = release.first.first() else {
        return true;
    };
    let reached = match next {
        Prelude::GoBack => {
            let back = workload.digest == release.from.snapshot.template.digest() && !workload.is_held();
            if !back {
                draft.event("GoingBackFirst", "an aborted release is held: going back before the first batch");
                draft.say("going back from an aborted release first");
                draft.want(Effect::Restore(Box::new(Restore {
                    snapshot: release.from.snapshot.clone(),
                    version: release.from.number,
                    expects: Vec::new(),
                })));
            }
            back && workload.is_complete()
        }
        Prelude::Scale(replicas) => {
            let asked = workload.replicas == *replicas;
            if !asked {
                draft.event(
                    "Scaling",
                    format!("scaling from {} to {replicas} before the first batch", workload.replicas),
                );
                draft.say(format!("scaling to {replicas} instances first"));
                draft.want(Effect::Scale { replicas: *replicas });
            }
            // Under a hold the new pods never count as available: that all are ready is all there is to wait for.
            asked && if workload.is_held() { is_ready(workload) } else { workload.is_complete() }
        }
    };
    if reached {
        let now = draft.now();
        if let Some(release) = present(draft) {
            release.first.remove(0);
            // The batch's own time begins now.
            release.phase = ReleasePhase::Rolling { batch: 0, since: now };
        }
        draft.wake_at(now);
    }
    false
}

/// Every pod that the sets want is ready, as far as the controller has got.
fn is_ready(workload: &Workload) -> bool {
    let wanted = workload.old_wanted() + workload.new_wanted();
    workload.is_current() && wanted >= workload.replicas && workload.old_ready() + workload.new_ready() >= wanted
}
