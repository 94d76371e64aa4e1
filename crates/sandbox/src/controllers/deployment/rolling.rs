//! Strategy RollingUpdate: the new ReplicaSet grows and the old ones shrink, within surge and unavailability.

use super::Rollout;
use super::arithmetic::{self, Resize};
use super::model;
use crate::status::Status;

/// One step of a rolling update.
pub(super) fn roll_out(rollout: &mut Rollout<'_, '_>) -> Result<(), Status> {
    rollout.number_revisions(true)?;
    if grow(rollout)? || shrink(rollout)? {
        return rollout.report_progress();
    }
    let status = rollout.deployment.object.get("status").cloned().unwrap_or_default();
    if rollout.deployment.is_complete(&status) {
        rollout.clean_up()?;
    }
    rollout.report_progress()
}

fn grow(rollout: &mut Rollout<'_, '_>) -> Result<bool, Status> {
    let Some(new) = rollout.new_set() else {
        return Ok(false);
    };
    let wanted = rollout.deployment.replicas;
    if new.replicas == wanted {
        return Ok(false);
    }
    let replicas = if new.replicas > wanted {
        wanted
    } else {
        arithmetic::grow_new(&rollout.deployment, new.replicas, model::total(&rollout.sets))
    };
    if replicas == new.replicas {
        return Ok(false);
    }
    let resize = Resize { name: new.name().to_owned(), replicas };
    rollout.resize(&resize)
}

fn shrink(rollout: &mut Rollout<'_, '_>) -> Result<bool, Status> {
    let Some(new) = rollout.new_set() else {
        return Ok(false);
    };
    let plan = arithmetic::shrink_old(&rollout.deployment, new, &rollout.old_sets());
    for resize in &plan {
        rollout.resize(resize)?;
    }
    Ok(!plan.is_empty())
}
