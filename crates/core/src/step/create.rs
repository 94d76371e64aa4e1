//! Observations of a creation.

use jiff::SignedDuration;

use super::{Draft, VersionChange, release};
use crate::application::AppChange;
use crate::effect::Effect;
use crate::observation::Observation;
use crate::order::Failure;
use crate::order::job::Create;

pub(super) fn observed(draft: &mut Draft<'_>, create: &Create, observation: &Observation) {
    if draft.order.pending.is_some() {
        return check_deadline(draft, create);
    }
    if !create.made {
        draft.say("creating the Deployment");
        return draft.want(Effect::Create { manifest: create.manifest.clone() });
    }
    let Observation::Present(workload) = observation else {
        // The watches may not have shown it yet.
        draft.say("waiting for the Deployment to appear");
        return check_deadline(draft, create);
    };
    draft.record(workload.new_pods());
    if workload.is_complete() {
        draft.app.push(AppChange::Runs(create.version));
        draft.app.push(AppChange::Replicas(workload.replicas));
        draft.versions.push(VersionChange::Good(create.version));
        return draft.succeed(&release::ready_message(create.version));
    }
    if let Some(failure) = draft.failed_instance() {
        return draft.fail(failure);
    }
    draft.say(format!("{} of {} instances available", workload.available_replicas, workload.replicas));
    check_deadline(draft, create);
}

fn check_deadline(draft: &mut Draft<'_>, create: &Create) {
    let since = draft.order.created_at;
    let deadline = since.checked_add(SignedDuration::from_secs(i64::from(create.timeout_seconds)));
    let Ok(deadline) = deadline else { return };
    if draft.now() < deadline {
        return draft.wake_at(deadline);
    }
    let trouble = draft.order.pending.as_ref().and_then(|pending| pending.trouble.clone());
    let why = trouble.or_else(|| draft.why_not_ready().map(|failure| failure.message));
    let why = why.unwrap_or_else(|| "not all instances became available".to_owned());
    draft.fail(Failure {
        code: "DeadlineExceeded".to_owned(),
        message: format!("the application did not come up within {} seconds: {why}", create.timeout_seconds),
    });
}
