//! What became of the pending effect.

use super::{Draft, VersionChange, attach, release, restore, steer};
use crate::application::{AppChange, Held};
use crate::effect::{Effect, Refusal};
use crate::order::Failure;
use crate::order::job::{Job, RestorePhase};
use crate::ports::{ClusterError, Performed};

/// The pending effect is done.
pub(super) fn performed(draft: &mut Draft<'_>, performed: &Performed) {
    let is_steering = steer::is_pending(draft);
    let Some(pending) = draft.order.pending.take() else {
        return;
    };
    draft.begin();
    draft.order.object = draft.order.object.or(performed.object);
    if is_steering {
        return steer::performed(draft);
    }
    let now = draft.now();
    let is_steered = steer::is_there(draft);
    let mut versions = Vec::new();
    match &mut draft.order.job {
        Job::Create(create) if !create.attachments.is_empty() => drop(create.attachments.remove(0)),
        Job::Create(create) => {
            create.made = true;
            if let Some(stored) = &performed.stored {
                versions.push(VersionChange::Stored(create.version, Box::new(stored.clone())));
            }
        }
        Job::Release(release) => {
            release.generation = performed.generation;
            if let Some(stored) = &performed.stored
                && let Effect::Hold(_) | Effect::Replace { .. } = pending.effect
                && release.stored.is_none()
            {
                release.stored = Some(stored.template.digest());
                release.to.snapshot.template = stored.template.clone();
                versions.push(VersionChange::Stored(release.to.number, Box::new(release.to.snapshot.clone())));
            }
            if let Effect::Hold(_) = pending.effect {
                release.replicas = performed.replicas;
            }
        }
        Job::Restore(restore) => {
            restore.generation = performed.generation;
            match restore.phase {
                RestorePhase::Asking => {
                    restore.phase = RestorePhase::Returning;
                    // The pods' time begins when they are told, not when the order was given: a server may have been away.
                    restore.since = now;
                    if let Some(steering) = &mut restore.steering {
                        steering.try_again();
                    }
                }
                RestorePhase::Returning => {}
                RestorePhase::Finishing => return restored(draft),
                // The next observation ends it, when requests are put back.
                RestorePhase::Stopping if is_steered => {}
                RestorePhase::Stopping => return stopped(draft),
            }
        }
        Job::Resize(resize) => {
            resize.asked = true;
            resize.generation = performed.generation;
        }
        Job::Delete(delete) => delete.asked = true,
        Job::Attach(attach) => {
            let message = attach::done(&attach.change);
            return draft.succeed(&message);
        }
    }
    draft.versions.extend(versions);
    draft.wake_at(now);
}

fn restored(draft: &mut Draft<'_>) {
    let Some(restore) = restore::present(draft) else {
        return;
    };
    let version = restore.to.number;
    draft.app.push(AppChange::Runs(version));
    draft.succeed(&release::ready_message(version));
}

/// Ends a rollback that was aborted.
pub(super) fn stopped(draft: &mut Draft<'_>) {
    let Some(restore) = restore::present(draft) else {
        return;
    };
    let held = Held { from: restore.to.number, to: restore.from };
    draft.app.push(AppChange::Held(held));
    draft.abort("the rollback was aborted; the application serves a mix of both versions");
}

/// The pending effect was tried and not done. It is kept if trying again may help, dropped if the next observation decides anew, and ends
/// the order if neither helps.
pub(super) fn not_performed(draft: &mut Draft<'_>, error: &ClusterError) {
    if draft.order.pending.is_none() {
        return;
    }
    draft.begin();
    if steer::is_pending(draft) {
        return steer::not_performed(draft, error);
    }
    match error {
        ClusterError::NotOurs => {}
        // Conflict: the object moved on. Floor: pods moved on. Both are decided anew from what is observed next.
        ClusterError::Refused(Refusal::Floor(_)) => {
            draft.say(format!("waiting: {error}"));
            dropped(draft);
        }
        ClusterError::Conflict => {}
        ClusterError::Refused(Refusal::Drift) if has_written(draft) => dropped(draft),
        ClusterError::Refused(Refusal::Drift) if is_release(draft) => release::overtaken(draft),
        ClusterError::Refused(Refusal::Gone | Refusal::Replaced)
            if matches!(draft.order.job, Job::Restore(_)) && steer::is_there(draft) =>
        {
            // The watches will show the same, and then requests are put back before it ends.
            draft.order.pending = None;
        }
        ClusterError::Refused(refusal @ (Refusal::Gone | Refusal::Replaced))
            if matches!(draft.order.job, Job::Restore(_)) =>
        {
            draft.is_replaced = *refusal == Refusal::Replaced;
            restore::gone(draft);
        }
        ClusterError::Refused(Refusal::ScaledToZero | Refusal::Gone | Refusal::Replaced) if is_release(draft) => {
            // The watches will show the same, and then it is known what to make of it.
            dropped(draft);
        }
        // Fenced: whoever is ahead of us will take the order from us, or nobody is, and a person has to see it.
        ClusterError::Refused(Refusal::Paused | Refusal::Fenced { .. }) | ClusterError::Unreachable { .. } => {
            keep(draft, error);
        }
        ClusterError::Refused(_)
        | ClusterError::Forbidden(_)
        | ClusterError::Rejected(_)
        | ClusterError::Unknown(_) => {
            hopeless(draft, error);
        }
    }
}

fn is_release(draft: &Draft<'_>) -> bool {
    matches!(draft.order.job, Job::Release(_))
}

/// A release that has written something, so that the watches will show drift from it.
fn has_written(draft: &Draft<'_>) -> bool {
    matches!(&draft.order.job, Job::Release(release) if release.stored.is_some())
}

/// The next observation decides anew, unless it has been tried for too long. Whether a first write was done, only an observation tells.
fn dropped(draft: &mut Draft<'_>) {
    draft.order.pending = None;
    let Some(release) = release::present(draft) else { return };
    release.asked = None;
    let release = release.clone();
    if release.stored.is_some() && release::is_overdue(draft, &release) {
        release::overdue(draft, &release, "");
    }
}

/// The pending effect stays, with the reason why it is not done yet.
pub(super) fn keep(draft: &mut Draft<'_>, error: &ClusterError) {
    let text = error.to_string();
    draft.say(format!("trying again: {text}"));
    if let Some(pending) = &mut draft.order.pending {
        pending.trouble = Some(text);
    }
}

/// Trying again at once does not help. A rollback goes on trying until its deadline all the same: there is nothing better to do.
fn hopeless(draft: &mut Draft<'_>, error: &ClusterError) {
    let failure = Failure { code: code(error).to_owned(), message: error.to_string() };
    match draft.order.job.clone() {
        Job::Restore(restore) if restore.phase == RestorePhase::Stopping => {
            draft.abort(&format!("the rollback was aborted; what is there could not be pinned: {error}"));
        }
        Job::Restore(_) if !matches!(error, ClusterError::Unknown(_) | ClusterError::Refused(_)) => keep(draft, error),
        Job::Release(release) => {
            // The effect was not performed: what was written before it decides whether there is anything to go back from.
            draft.order.pending = None;
            release::fail(draft, &release, failure);
        }
        Job::Delete(_) if matches!(error, ClusterError::Unknown(_)) => {
            draft.app.push(AppChange::Deleted);
            draft.succeed("the cluster is not managed any more; the application is forgotten");
        }
        Job::Create(_) | Job::Restore(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => draft.fail(failure),
    }
}

fn code(error: &ClusterError) -> &'static str {
    match error {
        ClusterError::Unknown(_) => "ClusterUnknown",
        ClusterError::Refused(Refusal::Foreign | Refusal::NotTheApplications { .. }) => "NameTaken",
        ClusterError::Refused(Refusal::Drift) => "Drift",
        ClusterError::Refused(Refusal::Gone | Refusal::Replaced) => "WorkloadGone",
        ClusterError::Refused(_) => "Refused",
        ClusterError::Conflict => "Conflict",
        ClusterError::Unreachable { .. } => "ClusterUnreachable",
        ClusterError::NotOurs => "NotOurs",
        ClusterError::Forbidden(_) => "Forbidden",
        ClusterError::Rejected(_) => "Rejected",
    }
}
