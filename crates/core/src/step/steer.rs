//! Requests for the gray batch: when they are divided, and when they are put back. What is written is [`Steering`]'s.

use super::{Draft, outcome, release};
use crate::effect::{Effect, Refusal};
use crate::observation::{PodSet, Workload};
use crate::order::job::{Job, Release, ReleasePhase};
use crate::order::steering::{Hashes, Round, Steering};
use crate::order::{Failure, Order};
use crate::ports::ClusterError;

/// The steering of an order, if it has any.
pub(super) fn of(order: &Order) -> Option<&Steering> {
    match &order.job {
        Job::Release(release) => release.steering.as_deref(),
        Job::Restore(restore) => restore.steering.as_deref(),
        Job::Create(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
    }
}

fn present<'d>(draft: &'d mut Draft<'_>) -> Option<&'d mut Steering> {
    match &mut draft.order.job {
        Job::Release(release) => release.steering.as_deref_mut(),
        Job::Restore(restore) => restore.steering.as_deref_mut(),
        Job::Create(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
    }
}

/// Whether something of it is on the cluster, or may be.
pub(super) fn is_there(draft: &Draft<'_>) -> bool {
    of(&draft.order).is_some_and(Steering::is_there)
}

/// Whether the pending effect is a write of it.
pub(super) fn is_pending(draft: &Draft<'_>) -> bool {
    let pending = draft.order.pending.as_ref().map(|pending| &pending.effect);
    of(&draft.order).is_some() && matches!(pending, Some(Effect::Object(_) | Effect::Route(_)))
}

/// Whether the pending effect removes what is left at the end: no deadline counts any more.
pub(super) fn is_cleaning(draft: &Draft<'_>) -> bool {
    is_pending(draft) && of(&draft.order).and_then(Steering::round) == Some(Round::Cleaning)
}

/// What an observation of a release asks for before anything else. False if it has to be waited for.
pub(super) fn follow(draft: &mut Draft<'_>, release: &Release, workload: &Workload) -> bool {
    if release.steering.is_none() {
        return true;
    }
    match release.phase {
        // Asked for when the pods of the batch are ready.
        ReleasePhase::Rolling { batch: 0, .. } => return true,
        // Pods may go and come again while a person is waited for.
        ReleasePhase::Waiting { batch: 0, .. } if are_ready(draft, release, workload) => {
            return divide(draft, release, workload);
        }
        ReleasePhase::Rolling { .. }
        | ReleasePhase::Waiting { .. }
        | ReleasePhase::Paused { .. }
        | ReleasePhase::Finishing { .. }
        | ReleasePhase::Stopping { .. } => {}
    }
    if !put_back(draft) {
        return false;
    }
    let is_unsafe = of(&draft.order).is_some_and(|steering| steering.is_there() && !steering.is_safe());
    let goes_on = matches!(release.phase, ReleasePhase::Rolling { .. } | ReleasePhase::Finishing { .. });
    if is_unsafe && goes_on {
        let why = of(&draft.order).and_then(Steering::troubles).unwrap_or_default();
        let message =
            format!("the requests for the gray batch could not be put back, so no more old pods may go: {why}");
        release::fail(draft, release, Failure { code: "RoutingNotPutBack".to_owned(), message });
        return false;
    }
    true
}

/// Divides the requests between the old and the new pods. True when that is done, or there is nothing to divide.
pub(super) fn divide(draft: &mut Draft<'_>, release: &Release, workload: &Workload) -> bool {
    if release.steering.is_none() || !are_ready(draft, release, workload) {
        return true;
    }
    let Some(hashes) = hashes(draft, release, workload) else {
        let message = "the names of the ReplicaSets do not tell their pod-template-hash, by which requests are divided";
        release::fail(draft, release, Failure { code: "RoutingNotSet".to_owned(), message: message.to_owned() });
        return false;
    };
    let now = draft.now();
    let Some(steering) = present(draft) else { return true };
    let begins = steering.begin_setting(hashes);
    let effect = steering.effect();
    if let Some(at) = steering.not_before().filter(|at| *at > now) {
        draft.wake_at(at);
        return false;
    }
    if begins {
        draft.event("RoutingAsked", "the gray batch is ready: dividing the requests");
        draft.say("the gray batch is ready: dividing the requests");
    }
    effect.is_none_or(|effect| {
        draft.want(effect);
        false
    })
}

/// Leads requests to all pods, as before. True when that is done, as far as it can be.
pub(super) fn put_back(draft: &mut Draft<'_>) -> bool {
    match of(&draft.order).and_then(Steering::round) {
        None | Some(Round::Cleaning) => true,
        Some(Round::Setting | Round::Returning) => {
            advance(draft, Round::Returning, "leading requests to all pods, as before")
        }
    }
}

/// Removes what divided the requests. True when nothing of it is left, or no more can be done.
pub(super) fn clean(draft: &mut Draft<'_>) -> bool {
    match of(&draft.order).and_then(Steering::round) {
        None => true,
        Some(_) => put_back(draft) && advance(draft, Round::Cleaning, "removing what divided the requests"),
    }
}

fn advance(draft: &mut Draft<'_>, round: Round, words: &str) -> bool {
    let Some(steering) = present(draft) else { return true };
    let begins = steering.begin(round);
    let effect = steering.effect();
    if begins {
        draft.event("RoutingAsked", words);
    }
    effect.is_none_or(|effect| {
        draft.say(words);
        draft.want(effect);
        false
    })
}

/// The pending write, which was taken off, is done.
pub(super) fn performed(draft: &mut Draft<'_>) {
    let now = draft.now();
    let Some(steering) = present(draft) else { return };
    if steering.done(now) {
        let state = steering.state();
        draft.event("RoutingChanged", state);
    }
    go_on(draft);
}

/// The pending write was not done. A division that cannot be made fails the release; what puts back is tried a few times on a way back, and gone on without.
pub(super) fn not_performed(draft: &mut Draft<'_>, error: &ClusterError) {
    let is_bounded = match &draft.order.job {
        Job::Release(release) => matches!(release.phase, ReleasePhase::Stopping { .. }) || is_cleaning(draft),
        Job::Restore(_) | Job::Create(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => true,
    };
    let may_help = error.is_transient() || matches!(error, ClusterError::Refused(Refusal::Fenced { .. }));
    let Some(steering) = present(draft) else { return };
    match error {
        ClusterError::NotOurs => {}
        _ if may_help && (!is_bounded || steering.tried()) => outcome::keep(draft, error),
        _ if steering.round() == Some(Round::Setting) => {
            draft.order.pending = None;
            draft.wake_at(draft.now());
            let Job::Release(release) = draft.order.job.clone() else { return };
            // A batch that was confirmed meanwhile needs it no more.
            if matches!(release.phase, ReleasePhase::Rolling { batch: 0, .. } | ReleasePhase::Waiting { batch: 0, .. })
            {
                let message = format!("the requests for the gray batch cannot be divided: {error}");
                release::fail(draft, &release, Failure { code: "RoutingNotSet".to_owned(), message });
            }
        }
        _ => {
            let why = error.to_string();
            if matches!(error, ClusterError::Unreachable { .. }) {
                steering.give_up_round(&why);
            } else {
                steering.give_up(&why);
            }
            draft.order.pending = None;
            draft.event("RoutingGivenUp", format!("going on without a part of the way back of requests: {why}"));
            go_on(draft);
        }
    }
}

/// What puts back goes on at once, whatever the watches show; what divides looks again whether the pods are ready.
fn go_on(draft: &mut Draft<'_>) {
    if let Job::Release(release) = &draft.order.job
        && matches!(release.phase, ReleasePhase::Stopping { .. })
    {
        return release::stop(draft);
    }
    let Some(steering) = of(&draft.order) else { return };
    let next = if steering.round() == Some(Round::Setting) { None } else { steering.effect() };
    match next {
        Some(effect) => draft.want(effect),
        None => draft.wake_at(draft.now()),
    }
}

/// Whether both sides have pods that serve.
fn are_ready(draft: &Draft<'_>, release: &Release, workload: &Workload) -> bool {
    let (old, new) = (old_set(draft, release, workload), workload.new_set());
    let serves = |set: &PodSet| workload.ready_of(set) > 0;
    old.is_some_and(serves) && new.is_some_and(serves)
}

/// The set of the version that goes; if there is none, the largest of those that are not the new one.
fn old_set<'w>(draft: &Draft<'_>, release: &Release, workload: &'w Workload) -> Option<&'w PodSet> {
    let new = workload.new_set().map(|set| &set.name);
    let chosen = of(&draft.order).and_then(Steering::hashes).map(|hashes| hashes.old.as_str());
    let from = release.from.snapshot.template.digest();
    let others = workload.sets.iter().filter(|set| Some(&set.name) != new && set.wanted > 0);
    others.max_by_key(|set| {
        let is_chosen = chosen.is_some() && hash(set, &draft.order.workload.name) == chosen;
        (is_chosen, set.digest == from, set.wanted)
    })
}

fn hashes(draft: &Draft<'_>, release: &Release, workload: &Workload) -> Option<Hashes> {
    let of = |set: Option<&PodSet>| hash(set?, &draft.order.workload.name).map(str::to_owned);
    Some(Hashes { old: of(old_set(draft, release, workload))?, new: of(workload.new_set())? })
}

/// The Deployment controller names a set by its Deployment and the hash of its template, which is the label of its pods too.
fn hash<'s>(set: &'s PodSet, deployment: &str) -> Option<&'s str> {
    set.name.strip_prefix(deployment)?.strip_prefix('-')
}
