//! A change of an object beside the workload: one write, and it is done.

use super::Draft;
use crate::effect::{Effect, ObjectChange};
use crate::order::Failure;
use crate::order::job::Attach;

pub(super) fn observed(draft: &mut Draft<'_>, attach: &Attach) {
    let change = &attach.change;
    if draft.order.pending.is_none() {
        let what = if change.patch.is_some() { "setting" } else { "deleting" };
        draft.say(format!("{what} the {} {}", change.kind.kind, change.name));
        return draft.want(Effect::Object(Box::new(change.clone())));
    }
    if draft.timed_out(draft.order.created_at, attach.timeout_seconds) {
        let why = draft.why("the cluster did not accept it");
        let message = format!("not done within {} seconds: {why}", attach.timeout_seconds);
        draft.fail(Failure { code: "DeadlineExceeded".to_owned(), message });
    }
}

/// What is said of a change that is made.
pub(super) fn done(change: &ObjectChange) -> String {
    let how = if change.patch.is_some() { "as asked" } else { "deleted" };
    format!("Apply success. <br>{} {} is {how}", change.kind.kind, change.name)
}
