//! Between two batches.

use jiff::SignedDuration;

use super::{present, waiting_status};
use crate::effect::Effect;
use crate::order::Status;
use crate::order::job::ReleasePhase;
use crate::plan::Gate;
use crate::step::Draft;

/// Batch `batch` is complete: finish, or close the gate before the next batch that has anything to do.
pub(super) fn complete(draft: &mut Draft<'_>, batch: u32, replicas: u32, new: u32) {
    let batches = draft.order.batches;
    let mut last = batch;
    // After a scaling in mid-release some batches may have nothing left to do.
    while last + 1 < batches.total() && batches.target(last + 1, replicas) <= new {
        last += 1;
    }
    let finishing = last + 1 >= batches.total();
    let done_until = if finishing { last } else { last + 1 };
    for index in batch..done_until {
        let pipeline = &mut draft.order.pipelines[index as usize];
        pipeline.status = Status::Succeeded;
        pipeline.started_at.get_or_insert(draft.context.now);
        if index > batch {
            "no instances are left for this batch".clone_into(&mut pipeline.message);
        } else {
            pipeline.message = format!("batch complete: {new} of {replicas} instances run the new version");
        }
    }
    draft.event(
        "BatchComplete",
        format!("batch {} complete: {new} of {replicas} instances run the new version", batch + 1),
    );
    if finishing {
        for index in batch..last {
            draft.order.pipelines[index as usize].status = Status::Succeeded;
        }
        return finish(draft);
    }
    match batches.gate_after(last) {
        Gate::Automatic { wait_seconds: 0 } => open(draft, last),
        Gate::Automatic { wait_seconds } => {
            let wait = SignedDuration::from_secs(i64::from(wait_seconds));
            let until = draft.now().checked_add(wait).unwrap_or(draft.context.now);
            close(draft, last, Some(until), &format!("the next batch begins in {wait_seconds} seconds"));
            draft.wake_at(until);
        }
        Gate::Manual => close(draft, last, None, "waiting for confirmation of this batch"),
    }
}

fn close(draft: &mut Draft<'_>, batch: u32, until: Option<jiff::Timestamp>, message: &str) {
    let status = waiting_status(until);
    let next = &mut draft.order.pipelines[batch as usize + 1];
    next.status = status;
    message.clone_into(&mut next.message);
    draft.order.status = status;
    if let Some(release) = present(draft) {
        release.phase = ReleasePhase::Waiting { batch, until };
    }
    draft.event("GateClosed", message);
}

/// Begins the batch after `batch`.
pub(in crate::step) fn open(draft: &mut Draft<'_>, batch: u32) {
    let since = draft.now();
    draft.order.status = Status::Running;
    draft.start_pipeline(batch as usize + 1);
    if let Some(release) = present(draft) {
        release.phase = ReleasePhase::Rolling { batch: batch + 1, since };
    }
    // Look again at once: the next wave is planned from what is observed.
    draft.wake_at(since);
}

/// Gives back what was borrowed.
pub(super) fn finish(draft: &mut Draft<'_>) {
    let now = draft.now();
    let Some(release) = present(draft) else {
        return;
    };
    if !matches!(release.phase, ReleasePhase::Finishing { .. }) {
        release.phase = ReleasePhase::Finishing { since: now };
    }
    let put_back = release.steering.as_ref().is_none_or(|steering| steering.is_put_back());
    let effect = Effect::Finish { snapshot: Box::new(release.to.snapshot.clone()), version: release.to.number };
    if !put_back {
        // Old pods may have been scaled away beside the gray batch: requests go back to all pods first.
        return draft.wake_at(now);
    }
    draft.say("all instances run the new version; giving back what was borrowed");
    draft.event("Finishing", "all instances run the new version; giving back what was borrowed");
    draft.want(effect);
}
