//! Observations of a creation.

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
    if let Some(attachment) = create.attachments.first() {
        draft.say(format!("creating the {} {}", attachment.kind.kind, attachment.name));
        return draft.want(Effect::Object(Box::new(attachment.clone())));
    }
    if !create.made {
        draft.say("creating the Deployment");
        return draft.want(Effect::Create { manifest: create.manifest.clone() });
    }
    if draft.is_replaced {
        return draft.fail_gone("what was created is gone");
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
    let obstacle = draft.obstacle(workload).map_or_else(String::new, |why| format!("; {why}"));
    draft.say(format!("{} of {} instances available{obstacle}", workload.available_replicas, workload.replicas));
    check_deadline(draft, create);
}

fn check_deadline(draft: &mut Draft<'_>, create: &Create) {
    if draft.timed_out(draft.order.created_at, create.timeout_seconds) {
        // What was said last names the cluster's refusal, should it make no pods.
        let said = draft.order.pipelines[draft.order.present_pipeline()].message.clone();
        let why = draft.why(&said);
        let message = format!("the application did not come up within {} seconds: {why}", create.timeout_seconds);
        draft.fail(Failure { code: "DeadlineExceeded".to_owned(), message });
    }
}
