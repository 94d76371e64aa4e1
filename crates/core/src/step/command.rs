//! Commands: continue, abort, abort and roll back, retry.

use super::release::{self, rollback_of};
use super::{Command, Draft, Illegal, outcome, restore, steer};
use crate::application::AppChange;
use crate::effect::{Effect, Hold};
use crate::governance::Approval;
use crate::ids::PartId;
use crate::order::job::{Ending, Job, Release, ReleasePhase, Restore, RestorePhase};
use crate::order::{Actor, Stage, Status};

pub(super) fn obey(draft: &mut Draft<'_>, command: &Command) -> Result<(), Illegal> {
    match command {
        Command::Continue { pipeline, confirm, actor } => go_on(draft, *pipeline, *confirm, actor),
        Command::Approve { approve, comment, actor } => decide(draft, *approve, comment, actor),
        Command::Abort { actor } => abort(draft, actor),
        Command::AbortAndRollback { actor } => abort_and_roll_back(draft, actor),
        Command::Retry { task, actor } => retry(draft, *task, actor),
    }
}

fn running(draft: &Draft<'_>) -> Result<(), Illegal> {
    let (order, status) = (draft.order.id, draft.order.status);
    if status.is_terminal() { Err(Illegal::Ended { order, status }) } else { Ok(()) }
}

/// Who may approve: not the starter, and only whom the rule names, if it names any.
fn check_approver(draft: &Draft<'_>, actor: &Actor) -> Result<(), Illegal> {
    let (order, starter) = (draft.order.id, &draft.order.actor.user);
    let Some(approval) = &draft.order.approval else { return Ok(()) };
    let user = actor.user.clone();
    if user == *starter || draft.order.actor.behind.as_ref() == Some(&user) {
        return Err(Illegal::OwnOrder { order, user });
    }
    if !approval.approvers.is_empty() && !approval.approvers.contains(&user) {
        let (rule, whom) = (approval.rule.clone(), approval.whom(starter));
        return Err(Illegal::NotAnApprover { order, user, rule, whom });
    }
    Ok(())
}

/// Lets a release begin, or ends it. An approval that is sent again is answered well.
fn decide(draft: &mut Draft<'_>, approve: bool, comment: &str, actor: &Actor) -> Result<(), Illegal> {
    running(draft)?;
    check_approver(draft, actor)?;
    let given_by = draft.order.approval.as_ref().and_then(|approval| approval.given_by.clone());
    if approve && given_by.as_ref() == Some(&actor.user) {
        return Ok(());
    }
    if !draft.order.awaits_approval() {
        return Err(Illegal::NotAwaitingApproval(draft.order.id));
    }
    let remark = if comment.is_empty() { String::new() } else { format!(": {comment}") };
    if !approve {
        draft.event("Rejected", format!("{} rejects the change{remark}", actor.user));
        draft.abort(&format!("rejected by {}{remark}; nothing was changed", actor.user));
        return Ok(());
    }
    draft.event("Approved", format!("{} approves the change{remark}", actor.user));
    draft.say(format!("approved by {}", actor.user));
    if let Some(approval) = &mut draft.order.approval {
        approval.given_by = Some(actor.user.clone());
    }
    let now = draft.now();
    if let Some(release) = release::present(draft) {
        // The first batch's time begins now.
        release.phase = ReleasePhase::Rolling { batch: 0, since: now };
    }
    draft.wake_at(now);
    Ok(())
}

/// Both the pipeline that is complete and the one that waits may be named. A repeated confirmation is answered well and releases nothing
/// more, because clients repeat what they got no answer for; also once its batch is complete, when the same pipeline, named for the first
/// time, would confirm the batch after it.
fn go_on(draft: &mut Draft<'_>, pipeline: PartId, confirm: bool, actor: &Actor) -> Result<(), Illegal> {
    let order = draft.order.id;
    let position = draft.order.pipelines.iter().position(|candidate| candidate.id == pipeline);
    let index = position.ok_or(Illegal::NoSuchPart { order, part: pipeline })?;
    running(draft)?;
    let Job::Release(release) = &draft.order.job else {
        return Err(Illegal::NotWaiting(pipeline));
    };
    match release.phase {
        ReleasePhase::Waiting { batch, .. } if index == batch as usize && release.confirmed == Some(pipeline) => Ok(()),
        ReleasePhase::Waiting { batch, .. } if index == batch as usize || index == batch as usize + 1 => {
            if confirm {
                if draft.order.approval.as_ref().is_some_and(Approval::asks_for_batches) {
                    check_approver(draft, actor)?;
                }
                draft.event("Confirmed", format!("{} confirms the next batch", actor.user));
                if let Some(release) = release::present(draft) {
                    release.confirmed = Some(pipeline);
                }
                release::open_gate(draft, batch);
            } else {
                draft.event("NotConfirmed", format!("{} does not release the next batch yet", actor.user));
                draft.say(format!("{} did not release this batch; it still waits for confirmation", actor.user));
            }
            Ok(())
        }
        ReleasePhase::Rolling { batch, .. }
            if confirm && batch > 0 && (index == batch as usize || index + 1 == batch as usize) =>
        {
            Ok(())
        }
        _ => Err(Illegal::NotWaiting(pipeline)),
    }
}

fn abort(draft: &mut Draft<'_>, actor: &Actor) -> Result<(), Illegal> {
    let stopping = match &draft.order.job {
        Job::Restore(restore) => restore.phase == RestorePhase::Stopping,
        Job::Release(release) => matches!(release.phase, ReleasePhase::Stopping { .. }),
        Job::Create(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => false,
    };
    if stopping || draft.order.status == Status::Aborted {
        // Sent again: the answer is the same.
        return Ok(());
    }
    running(draft)?;
    draft.event("AbortAsked", format!("{} aborts", actor.user));
    match draft.order.job.clone() {
        Job::Release(release) => {
            if is_touched(draft, &release) {
                draft.app.push(AppChange::Held(crate::application::Held {
                    from: release.from.number,
                    to: release.to.number,
                }));
            }
            let message = format!(
                "aborted by {}; the application stays as it is: deploy again, or deploy an earlier version",
                actor.user
            );
            release::leave(draft, Ending::Aborted(message));
        }
        Job::Restore(restore) => stop(draft, &restore, actor),
        Job::Create(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => {
            draft.abort(&format!("aborted by {}; what was done so far stays", actor.user));
        }
    }
    Ok(())
}

/// Something was written, or may have been.
fn is_touched(draft: &Draft<'_>, release: &Release) -> bool {
    release.stored.is_some() || release.generation > 0 || draft.order.pending.is_some()
}

/// Aborting a rollback leaves a hold like any abort: what is there is pinned first.
fn stop(draft: &mut Draft<'_>, restore: &Restore, actor: &Actor) {
    let is_untouched = draft.order.pending.is_none() || steer::is_pending(draft);
    if restore.phase == RestorePhase::Asking && is_untouched && steer::is_there(draft) {
        draft.order.pending = None;
        if let Some(present) = restore::present(draft) {
            present.phase = RestorePhase::Stopping;
        }
        if steer::clean(draft) {
            outcome::stopped(draft);
        }
        return;
    }
    match restore.phase {
        RestorePhase::Stopping => {}
        RestorePhase::Asking if draft.order.pending.is_none() => {
            draft.abort(&format!("aborted by {} before anything was restored", actor.user));
        }
        RestorePhase::Asking | RestorePhase::Returning | RestorePhase::Finishing => {
            draft.order.pending = None;
            if let Some(present) = restore::present(draft) {
                present.phase = RestorePhase::Stopping;
            }
            draft.say(format!("aborted by {}: pinning the instances that are there", actor.user));
            draft.want(Effect::Hold(Box::new(Hold {
                template: None,
                expects: restore.to.snapshot.template.digest(),
                wave: None,
                return_to: restore.to.snapshot.clone(),
                version: restore.to.number,
            })));
        }
    }
}

fn abort_and_roll_back(draft: &mut Draft<'_>, actor: &Actor) -> Result<(), Illegal> {
    if let Some(rollback) = draft.order.rolled_back_by {
        draft.reply = rollback;
        return Ok(());
    }
    let (order, kind) = (draft.order.id, draft.order.kind);
    if !kind.is_deploy() {
        return Err(Illegal::NotADeploy { order, kind });
    }
    running(draft)?;
    let Job::Release(release) = draft.order.job.clone() else {
        return Err(Illegal::NotADeploy { order, kind });
    };
    let id = draft.context.fresh_id;
    draft.event("AbortAndRollbackAsked", format!("{} aborts and rolls back by change order {id}", actor.user));
    draft.abort(&format!("aborted by {} and rolled back by change order {id}", actor.user));
    draft.app.push(AppChange::Held(crate::application::Held { from: release.from.number, to: release.to.number }));
    draft.born = Some(rollback_of(&draft.order, &release, id, actor.clone(), draft.context.now));
    draft.order.rolled_back_by = Some(id);
    draft.reply = id;
    Ok(())
}

fn retry(draft: &mut Draft<'_>, task: PartId, actor: &Actor) -> Result<(), Illegal> {
    let order = draft.order.id;
    let pipelines = 0..draft.order.pipelines.len();
    let stages = [Stage::Start, Stage::Change, Stage::Complete];
    let index =
        pipelines.into_iter().find(|index| stages.iter().any(|stage| draft.order.task_id(*index, *stage) == task));
    let index = index.ok_or(Illegal::NoSuchPart { order, part: task })?;
    running(draft)?;
    let now = draft.now();
    let paused = match release::present(draft) {
        Some(release) => match release.phase {
            ReleasePhase::Paused { batch } if batch as usize == index => {
                release.phase = ReleasePhase::Rolling { batch, since: now };
                release.asked = None;
                true
            }
            ReleasePhase::Paused { .. }
            | ReleasePhase::Rolling { .. }
            | ReleasePhase::Waiting { .. }
            | ReleasePhase::Finishing { .. }
            | ReleasePhase::Stopping { .. } => false,
        },
        None => false,
    };
    if !paused {
        return Err(Illegal::NothingToRetry(task));
    }
    let pipeline = &mut draft.order.pipelines[index];
    pipeline.error = None;
    "trying again".clone_into(&mut pipeline.message);
    for instance in &mut pipeline.instances {
        // Patience begins anew.
        instance.problem = None;
    }
    draft.event("Retried", format!("{} tries the batch again", actor.user));
    draft.wake_at(now);
    Ok(())
}
