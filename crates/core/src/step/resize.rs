//! Observations of a scaling, a start or a stop.

use super::Draft;
use crate::application::AppChange;
use crate::effect::Effect;
use crate::observation::{Observation, Workload};
use crate::order::job::Resize;
use crate::order::{Failure, OrderKind};

pub(super) fn observed(draft: &mut Draft<'_>, resize: &Resize, observation: &Observation) {
    let Observation::Present(workload) = observation else {
        if !resize.asked && !draft.is_replaced && draft.order.pending.is_none() && draft.is_newborn() {
            return;
        }
        return draft.fail_gone("nothing is left to scale");
    };
    if draft.order.pending.is_some() || workload.generation < resize.generation {
        return check_deadline(draft, resize, workload);
    }
    if !resize.asked {
        draft.say(format!("scaling from {} to {} instances", workload.replicas, resize.to));
        return draft.want(Effect::Scale { replicas: resize.to });
    }
    draft.record(workload.new_pods());
    if workload.replicas != resize.to {
        draft.app.push(AppChange::Replicas(workload.replicas));
        return draft.fail(Failure {
            code: "Overtaken".to_owned(),
            message: format!(
                "scaled to {} by someone else meanwhile (a HorizontalPodAutoscaler scales back what is asked for by hand)",
                workload.replicas
            ),
        });
    }
    if is_reached(workload) {
        match draft.order.kind {
            OrderKind::Stop => draft.app.push(AppChange::Stopped { before: resize.from }),
            OrderKind::Start => draft.app.extend([AppChange::Started, AppChange::Replicas(resize.to)]),
            _ => draft.app.push(AppChange::Replicas(resize.to)),
        }
        return draft.succeed(&format!("Apply success. <br>application has {} instances", resize.to));
    }
    if let Some(failure) = draft.failed_instance() {
        return draft.fail(failure);
    }
    let obstacle = draft.obstacle(workload).map_or_else(String::new, |why| format!("; {why}"));
    draft.say(format!("{} of {} instances ready{obstacle}", workload.old_ready() + workload.new_ready(), resize.to));
    check_deadline(draft, resize, workload);
}

/// Every pod that the sets want is ready and no other is left. Under a hold the sets want more or fewer than `spec.replicas`.
fn is_reached(workload: &Workload) -> bool {
    let wanted = workload.old_wanted() + workload.new_wanted();
    let settled = workload.is_held() || wanted == workload.replicas;
    let ready = workload.old_ready() + workload.new_ready();
    workload.is_current() && settled && ready == wanted && workload.pods.len() as u32 == wanted
}

fn check_deadline(draft: &mut Draft<'_>, resize: &Resize, workload: &Workload) {
    if draft.timed_out(draft.order.created_at, resize.timeout_seconds) {
        let why = draft.obstacle(workload).unwrap_or_else(|| "not all instances are as wanted".to_owned());
        let message = format!("not at {} instances within {} seconds: {why}", resize.to, resize.timeout_seconds);
        draft.fail(Failure { code: "DeadlineExceeded".to_owned(), message });
    }
}
