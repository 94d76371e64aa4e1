//! Observations of a release: batches, waves, gates, drift, scaling, failure.

mod ending;
mod first;
mod gate;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::ending::{fail, leave, overtaken, rollback_of, stop};
pub(super) use self::gate::open as open_gate;
use super::{Draft, steer};
use crate::application::AppChange;
use crate::effect::{Effect, Hold};
use crate::floor;
use crate::observation::{Observation, Workload};
use crate::order::job::{Job, Release, ReleasePhase};
use crate::order::{Failure, Status};
use crate::plan::{Position, Wave, next_wave};
use crate::strategy::Strategy;
use crate::template;

pub(super) fn observed(draft: &mut Draft<'_>, release: &Release, observation: &Observation) {
    if matches!(release.phase, ReleasePhase::Stopping { .. }) {
        return stop(draft);
    }
    let untouched = release.generation == 0 && release.stored.is_none();
    let workload = match observation {
        Observation::Present(workload) if !workload.deleting => workload,
        Observation::Present(_) | Observation::Gone { .. } if untouched && !draft.is_replaced && draft.is_newborn() => {
            return;
        }
        Observation::Present(_) | Observation::Gone { .. } => return ending::gone(draft),
    };
    if release.stored.as_ref() == Some(&workload.digest) {
        draft.record(workload.new_pods());
    }
    // Until the outcome of a write is known, and until the watches show it, nothing more is decided.
    let is_old = workload.generation < release.generation.max(release.planned_on);
    if steer::is_cleaning(draft) {
        return;
    }
    if draft.order.pending.is_some() || is_old {
        return check_deadline(draft, release, workload);
    }
    let is_marked = workload.marks.order.as_ref() == Some(&draft.order.id.to_string());
    if release.stored.is_none() && release.first.is_empty() && workload.is_held() && is_marked {
        return written(draft, release, workload);
    }
    if let Some(stored) = &release.stored
        && *stored != workload.digest
    {
        return ending::drifted(draft, release, workload);
    }
    if workload.replicas == 0 && release.stored.is_some() && workload.is_held() {
        return ending::scaled_to_zero(draft, release);
    }
    if !release.first.is_empty() && !first::done(draft, release, workload) {
        return check_deadline(draft, release, workload);
    }
    if workload.replicas != release.replicas {
        if !workload.is_current() {
            // The controller is about to scale both sides; what it makes of it is what counts.
            return check_deadline(draft, release, workload);
        }
        scaled(draft, workload);
    }
    if !matches!(release.phase, ReleasePhase::Finishing { .. } | ReleasePhase::Paused { .. })
        && release.stored.is_some()
        && let Some(failure) = draft.failed_instance()
    {
        return fail(draft, release, failure);
    }
    if !steer::follow(draft, release, workload) {
        return;
    }
    match &release.phase {
        ReleasePhase::Rolling { batch, .. } => roll(draft, release, workload, *batch),
        ReleasePhase::Waiting { batch, until } => {
            keep_held(draft, release, workload);
            match until {
                Some(until) if *until <= draft.now() => gate::open(draft, *batch),
                Some(until) => draft.wake_at(*until),
                None => {}
            }
        }
        ReleasePhase::Paused { .. } => {
            keep_held(draft, release, workload);
        }
        ReleasePhase::Finishing { .. } => finish(draft, release, workload),
        ReleasePhase::Stopping { .. } => stop(draft),
    }
}

/// The first write was done, though its answer was lost, and the effect was given up since.
fn written(draft: &mut Draft<'_>, release: &Release, workload: &Workload) {
    if !template::covers(workload.spec.template.json(), release.to.snapshot.template.json()) {
        return ending::overtaken(draft);
    }
    let now = draft.now();
    if let Some(release) = present(draft) {
        release.stored = Some(workload.digest.clone());
        release.generation = workload.generation;
        release.to.snapshot.template = workload.spec.template.clone();
        let snapshot = Box::new(release.to.snapshot.clone());
        let number = release.to.number;
        draft.versions.push(super::VersionChange::Stored(number, snapshot));
    }
    draft.wake_at(now);
}

/// The release as the draft has it now.
pub(super) fn present<'d>(draft: &'d mut Draft<'_>) -> Option<&'d mut Release> {
    match &mut draft.order.job {
        Job::Release(release) => Some(release),
        Job::Create(_) | Job::Restore(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
    }
}

/// Someone changed the number of wanted pods: the Deployment controller has scaled both sides in proportion; what it made is pinned.
fn scaled(draft: &mut Draft<'_>, workload: &Workload) {
    let replicas = workload.replicas;
    if let Some(release) = present(draft) {
        let before = std::mem::replace(&mut release.replicas, replicas);
        release.asked = None;
        draft.event("Scaled", format!("scaled from {before} to {replicas} by someone else in mid-release"));
    }
    draft.app.push(AppChange::Replicas(replicas));
}

/// Whether this workload is replaced natively in one go: its own strategy is Recreate, or it has no pods to be careful with.
fn is_native(release: &Release, workload: &Workload) -> bool {
    (release.from.snapshot.strategy == Strategy::Recreate || workload.replicas == 0) && !workload.is_held()
}

fn roll(draft: &mut Draft<'_>, release: &Release, workload: &Workload, batch: u32) {
    if is_native(release, workload) {
        return replace_natively(draft, release, workload);
    }
    let replicas = workload.replicas;
    let Some(bounds) = release.from.snapshot.strategy.bounds(replicas) else {
        return replace_natively(draft, release, workload);
    };
    let floor = floor::floor(release.from.snapshot.strategy, replicas, workload.disruption_floor);
    let target = draft.order.batches.target(batch, replicas);
    let Some(stored) = &release.stored else {
        if is_overdue(draft, release) {
            return check_deadline(draft, release, workload);
        }
        let old = workload.old_wanted() + workload.new_wanted();
        let at = Position { replicas, old, new: 0, floor, surge: bounds.surge, target };
        return match next_wave(at) {
            Some(wave) => hold(draft, release, Some(wave)),
            None => stuck(draft, release, workload, floor),
        };
    };
    debug_assert_eq!(*stored, workload.digest, "drift was looked for");
    if !keep_held(draft, release, workload) {
        return;
    }
    let (old, new) = (workload.old_wanted(), workload.new_wanted());
    let reached = release.asked.is_none_or(|asked| old <= asked.old && new >= asked.new);
    let healthy = settled(draft, release, workload);
    let text = format!(
        "{healthy} of {new} new instances ready, {old} old ones left; this batch ends at {target} of {replicas}{}",
        refusal(workload)
    );
    draft.say(text);
    // More new ones than wanted are a look from before the controller has followed a scaling: what is planned on them is never reached.
    if !reached || !workload.is_current() || healthy < new || new > replicas {
        return check_deadline(draft, release, workload);
    }
    match next_wave(Position { replicas, old, new, floor, surge: bounds.surge, target }) {
        Some(wave) => hold(draft, release, Some(wave)),
        None if old <= replicas.saturating_sub(target) && new >= target => {
            if batch > 0 || steer::divide(draft, release, workload) {
                gate::complete(draft, batch, replicas, new);
            }
        }
        None => stuck(draft, release, workload, floor),
    }
}

/// New pods that have been ready for as long as the version demands.
fn settled(draft: &mut Draft<'_>, release: &Release, workload: &Workload) -> u32 {
    let now = draft.now();
    let long_enough = SignedDuration::from_secs(i64::from(release.to.snapshot.min_ready_seconds));
    let mut settled = 0;
    for pod in workload.new_pods().filter(|pod| pod.ready) {
        let at = pod.ready_since.and_then(|since| since.checked_add(long_enough).ok()).unwrap_or(now);
        if at <= now {
            settled += 1;
        } else {
            draft.wake_at(at);
        }
    }
    settled
}

/// Makes sure that the hold is in place and fits the number of pods. False if a write had to be asked for.
fn keep_held(draft: &mut Draft<'_>, release: &Release, workload: &Workload) -> bool {
    if release.stored.is_none() || is_native(release, workload) || draft.order.pending.is_some() {
        return true;
    }
    let rescaled = workload.replicas != release.replicas;
    if workload.is_held() && !rescaled {
        return true;
    }
    if !workload.is_held() {
        draft.event("HoldRenewed", "the hold is not there any more: it is put back where the pods are now");
    }
    hold(draft, release, None);
    false
}

fn hold(draft: &mut Draft<'_>, release: &Release, wave: Option<Wave>) {
    let (template, expects) = match &release.stored {
        Some(stored) => (None, stored.clone()),
        None => (Some(release.to.snapshot.template.clone()), release.start.clone()),
    };
    if let Some(present) = present(draft) {
        present.asked = wave;
    }
    match wave {
        Some(Wave { old, new }) => draft.event("WaveAsked", format!("asking for {old} old and {new} new instances")),
        None => draft.event("WavePinned", "pinning the instances that are there"),
    }
    draft.want(Effect::Hold(Box::new(Hold {
        template,
        expects,
        wave,
        return_to: release.from.snapshot.clone(),
        version: release.to.number,
    })));
}

fn stuck(draft: &mut Draft<'_>, release: &Release, workload: &Workload, floor: u32) {
    draft.say(format!(
        "waiting: {} of {} instances are ready, and no more may go below the floor of {floor} (maxSurge, maxUnavailable or a \
         PodDisruptionBudget)",
        workload.old_ready() + workload.new_ready(),
        workload.replicas,
    ));
    check_deadline(draft, release, workload);
}

fn replace_natively(draft: &mut Draft<'_>, release: &Release, workload: &Workload) {
    match &release.stored {
        None => {
            draft.event("Replacing", "replacing all instances natively");
            draft.want(Effect::Replace {
                snapshot: Box::new(release.to.snapshot.clone()),
                version: release.to.number,
                expects: release.start.clone(),
            });
        }
        Some(_) => finish(draft, release, workload),
    }
}

/// All pods run the new version and nothing is borrowed any more: the Deployment controller has the last word.
fn finish(draft: &mut Draft<'_>, release: &Release, workload: &Workload) {
    if workload.is_complete() {
        if !steer::clean(draft) {
            return;
        }
        draft.app.push(AppChange::Runs(release.to.number));
        draft.app.push(AppChange::Replicas(workload.replicas));
        draft.versions.push(super::VersionChange::Good(release.to.number));
        return draft.succeed(&ready_message(release.to.number));
    }
    if workload.is_held() {
        // It could not be given back when that was first asked for.
        return gate::finish(draft);
    }
    draft.say(format!(
        "{} of {} instances available{}",
        workload.available_replicas,
        workload.replicas,
        refusal(workload)
    ));
    check_deadline(draft, release, workload);
}

/// Why the cluster makes no pods, to be said after how far the release has come.
fn refusal(workload: &Workload) -> String {
    workload.pods_refused.as_ref().map_or_else(String::new, |why| format!("; {why}"))
}

/// The task message of a success, in EDAS's shape.
pub(super) fn ready_message(version: crate::ids::VersionNumber) -> String {
    format!("Apply success. <br>application is ready at desired state, version: {version}")
}

/// Since when the present batch takes time; `None` while a gate or a person is waited for.
fn running_since(release: &Release) -> Option<Timestamp> {
    match &release.phase {
        ReleasePhase::Rolling { since, .. } | ReleasePhase::Finishing { since } => Some(*since),
        ReleasePhase::Waiting { .. } | ReleasePhase::Paused { .. } | ReleasePhase::Stopping { .. } => None,
    }
}

fn check_deadline(draft: &mut Draft<'_>, release: &Release, workload: &Workload) {
    if is_overdue(draft, release) {
        let ready = workload.old_ready() + workload.new_ready();
        overdue(draft, release, &format!(" ({ready} of {} instances ready)", workload.replicas));
    }
}

/// Whether the present batch has taken too long.
pub(super) fn is_overdue(draft: &mut Draft<'_>, release: &Release) -> bool {
    running_since(release).is_some_and(|since| draft.timed_out(since, release.batch_timeout_seconds))
}

/// Fails the release because the present batch has taken too long, with what is known of why.
pub(super) fn overdue(draft: &mut Draft<'_>, release: &Release, counts: &str) {
    let message = draft.order.pipelines[draft.order.present_pipeline()].message.clone();
    let why = draft.why(&message);
    let message = format!("the batch did not complete within {} seconds{counts}: {why}", release.batch_timeout_seconds);
    fail(draft, release, Failure { code: "DeadlineExceeded".to_owned(), message });
}

/// The status of an order that waits at a gate.
pub(super) const fn waiting_status(until: Option<Timestamp>) -> Status {
    match until {
        Some(_) => Status::AwaitingInterval,
        None => Status::AwaitingConfirmation,
    }
}
