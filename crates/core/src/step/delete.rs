//! Observations of a deletion.

use super::Draft;
use crate::application::AppChange;
use crate::effect::Effect;
use crate::observation::Observation;
use crate::order::Failure;
use crate::order::job::Delete;

pub(super) fn observed(draft: &mut Draft<'_>, delete: &Delete, observation: &Observation) {
    if draft.order.pending.is_none() && !delete.asked {
        draft.say("deleting the Deployment");
        return draft.want(if delete.only_own { Effect::DeleteOwn } else { Effect::Delete });
    }
    let (is_gone, left) = match observation {
        Observation::Gone { pods } => (true, pods.len()),
        Observation::Present(workload) if delete.only_own && !workload.is_marked_for(draft.order.app) => (true, 0),
        Observation::Present(workload) => (false, workload.pods.len()),
    };
    if delete.asked && is_gone && left == 0 {
        draft.app.push(AppChange::Deleted);
        return draft.succeed("Apply success. <br>application is deleted");
    }
    draft.say(format!("{left} instances are still there"));
    if draft.timed_out(draft.order.created_at, delete.timeout_seconds) {
        let why = draft.why(&format!("{left} instances are still there"));
        let message = format!("not deleted within {} seconds: {why}", delete.timeout_seconds);
        draft.fail(Failure { code: "DeadlineExceeded".to_owned(), message });
    }
}
