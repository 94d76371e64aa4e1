//! How a release ends other than well: failed, overtaken by someone else, or with nothing left to release on.

use super::present;
use crate::application::{AppChange, Held};
use crate::ids::OrderId;
use crate::observation::Workload;
use crate::order::birth::pipeline;
use crate::order::job::{Ending, Job, OnFailure, Release, ReleasePhase, Restore, RestorePhase};
use crate::order::{Actor, Failure, Order, OrderKind, Status};
use crate::plan::ONE_BATCH;
use crate::step::{Draft, steer};

/// The release has failed: what follows is what the deploy asked for.
pub(in crate::step) fn fail(draft: &mut Draft<'_>, release: &Release, failure: Failure) {
    let untouched = release.stored.is_none() && draft.order.pending.is_none() && release.generation == 0;
    match release.on_failure {
        OnFailure::Rollback if !untouched => {
            draft.event("Failed", format!("{}; rolling back", failure.message));
            draft.fail(failure);
            let actor = draft.order.actor.replaced("sternway", "automatic rollback");
            roll_back(draft, release, actor);
        }
        OnFailure::Pause if !untouched => pause(draft, failure),
        OnFailure::Rollback | OnFailure::Pause | OnFailure::Keep => {
            if !untouched {
                draft.app.push(AppChange::Held(held(release)));
            }
            leave(draft, Ending::Failed(failure));
        }
    }
}

/// Ends the release; where requests go to its gray batch, when they are put back.
pub(in crate::step) fn leave(draft: &mut Draft<'_>, end: Ending) {
    if !steer::is_there(draft) {
        return finally(draft, &end);
    }
    draft.order.pending = None;
    draft.order.status = Status::Running;
    for pipeline in &mut draft.order.pipelines {
        if matches!(pipeline.status, Status::AwaitingConfirmation | Status::AwaitingInterval) {
            pipeline.status = Status::Ready;
        }
    }
    if let Some(release) = present(draft) {
        release.phase = ReleasePhase::Stopping { end };
    }
    stop(draft);
}

/// Goes on with the end of a release: puts requests back, and then ends it.
pub(in crate::step) fn stop(draft: &mut Draft<'_>) {
    if draft.order.pending.is_some() || !steer::clean(draft) {
        return;
    }
    if let Some(ReleasePhase::Stopping { end }) = present(draft).map(|release| release.phase.clone()) {
        finally(draft, &end);
    }
}

fn finally(draft: &mut Draft<'_>, end: &Ending) {
    match end {
        Ending::Aborted(message) => draft.abort(message),
        Ending::Failed(failure) => draft.fail(failure.clone()),
    }
}

fn pause(draft: &mut Draft<'_>, failure: Failure) {
    draft.event("Paused", format!("{}; waiting for a person: retry, abort, or abort and roll back", failure.message));
    draft.order.pending = None;
    draft.order.status = Status::Running;
    let Some(release) = present(draft) else {
        return;
    };
    let batch = match release.phase {
        ReleasePhase::Rolling { batch, .. } | ReleasePhase::Waiting { batch, .. } | ReleasePhase::Paused { batch } => {
            batch
        }
        ReleasePhase::Finishing { .. } | ReleasePhase::Stopping { .. } => draft.order.batches.total() - 1,
    };
    if let Some(release) = present(draft) {
        release.phase = ReleasePhase::Paused { batch };
    }
    for pipeline in draft.order.pipelines.iter_mut().skip(batch as usize + 1) {
        // A gate that was closed is closed again after the batch is well.
        pipeline.status = Status::Ready;
    }
    let pipeline = &mut draft.order.pipelines[batch as usize];
    pipeline.status = Status::Running;
    pipeline.message = format!("paused: {}", failure.message);
    pipeline.error = Some(failure);
}

/// The hold that a release leaves.
pub(in crate::step) fn held(release: &Release) -> Held {
    Held { from: release.from.number, to: release.to.number }
}

/// The rollback of this release is born. The release itself must have ended in the same step.
pub(super) fn roll_back(draft: &mut Draft<'_>, release: &Release, actor: Actor) {
    let id = draft.context.fresh_id;
    draft.app.push(AppChange::Held(held(release)));
    draft.born = Some(rollback_of(&draft.order, release, id, actor, draft.context.now));
    draft.order.rolled_back_by = Some(id);
    draft.event("RolledBack", format!("change order {id} goes back to version {}", release.from.number));
}

/// The order that goes back from `release` to the version before it.
pub(in crate::step) fn rollback_of(
    order: &Order,
    release: &Release,
    id: OrderId,
    actor: Actor,
    now: jiff::Timestamp,
) -> Order {
    let from_digest = release.from.snapshot.template.digest();
    Order {
        id,
        app: order.app,
        workload: order.workload.clone(),
        object: order.object,
        kind: OrderKind::Rollback,
        actor,
        description: format!(
            "Roll back change order {}: version {} to {}",
            order.id, release.to.number, release.from.number
        ),
        created_at: now,
        finished_at: None,
        status: Status::Ready,
        batches: ONE_BATCH,
        pipelines: vec![pipeline(id, 0)],
        job: Job::Restore(Box::new(Restore {
            from: release.to.number,
            to: release.from.clone(),
            // Before the first answer the stored form is not known: then whatever is there may be ours.
            expects: release.stored.iter().flat_map(|stored| [stored.clone(), from_digest.clone()]).collect(),
            timeout_seconds: release.batch_timeout_seconds,
            since: now,
            steering: release.steering.as_ref().and_then(|steering| steering.carried()).map(Box::new),
            phase: RestorePhase::Asking,
            generation: 0,
        })),
        pending: None,
        rolls_back: Some(order.id),
        rolled_back_by: None,
        approval: None,
        warnings: Vec::new(),
        revision: 0,
    }
}

pub(super) fn gone(draft: &mut Draft<'_>) {
    draft.app.push(AppChange::Released);
    leave(draft, Ending::Failed(draft.gone("nothing is left to release on")));
}

/// Someone else changed the template. The old version's means a rollback by an outsider, which is finished for them; anything else is
/// theirs, and nothing more is touched.
pub(super) fn drifted(draft: &mut Draft<'_>, release: &Release, workload: &Workload) {
    if workload.digest == release.from.snapshot.template.digest() {
        let actor = draft.order.actor.replaced("unknown", "cluster");
        draft.event(
            "RolledBackOutside",
            "someone put the old version's template back (kubectl rollout undo?): finishing the rollback",
        );
        draft.abort("rolled back by someone else on the cluster");
        return roll_back(draft, release, actor);
    }
    overtaken(draft);
}

/// The template is someone else's: nothing more is touched, and nothing is rolled back, for that would overwrite theirs.
pub(in crate::step) fn overtaken(draft: &mut Draft<'_>) {
    let Some(held) = present(draft).map(|release| held(release)) else { return };
    draft.app.push(AppChange::Held(held));
    let failure = Failure {
        code: "Drift".to_owned(),
        message: "the pod template of the Deployment was changed by someone else in mid-release; nothing more is touched. Deploy \
                  again to take over, or restore the old version by the line in the annotation sternway.io/restore"
            .to_owned(),
    };
    leave(draft, Ending::Failed(failure));
}

/// Zero pods under a hold: if they came back, all would be of the new version. The old template is restored at once.
pub(super) fn scaled_to_zero(draft: &mut Draft<'_>, release: &Release) {
    let actor = draft.order.actor.replaced("sternway", "automatic rollback");
    draft.abort(
        "scaled to zero in mid-release by someone else; the old version is restored, so that it is what comes back",
    );
    roll_back(draft, release, actor);
}
