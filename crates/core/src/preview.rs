//! What an order would write, patch by patch, if everything goes well: for a dry run.
//!
//! The order runs through the same [`step`] and the same [`compile`] as in earnest, on a cluster that does at once what the
//! native controllers do in the end, with every gate confirmed. So a preview cannot say anything else than what would be done.

mod ideal;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::ideal::IdealCluster;
use crate::effect::{Fresh, Refusal, Write, Writer, compile};
use crate::health::DEFAULT_PATIENCE;
use crate::ids::{Fence, OrderId};
use crate::order::{Actor, Order, Status};
use crate::ports::Performed;
use crate::step::{Command, Context, Input, step};

/// One write of a preview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PreviewedWrite {
    /// The batch it belongs to, counted from 1.
    pub batch: u32,
    /// What it is for: `wave`, `finish`, `restore`, `scale`, `replace`.
    pub purpose: String,
    /// The merge patch.
    pub patch: Value,
    /// Pods of other versions when it has taken effect.
    pub old: u32,
    /// Pods of the version being brought when it has taken effect.
    pub new: u32,
}

/// A preview that came to no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPreview {
    /// A write would be refused.
    #[error("a write would be refused: {0}")]
    Refused(#[from] Refusal),
    /// It would wait for something that does not come by itself.
    #[error("the change would stop here: {0}")]
    Stuck(String),
}

/// No order needs more steps than this: a wave of one pod each for the largest Deployments that are sensible.
const MOST_STEPS: u32 = 100_000;

/// The writes of `order`, which must be new, on the workload as it was read.
///
/// # Errors
/// [`NoPreview`] where the order would not get to its end.
pub fn preview(order: &Order, fresh: Fresh, now: Timestamp) -> Result<Vec<PreviewedWrite>, NoPreview> {
    let writer = Writer { app: order.app, order: order.id, fence: Fence(0), object: None };
    let mut cluster = IdealCluster::new(fresh);
    let mut order = order.clone();
    let mut writes = Vec::new();
    let mut context = Context { now, fresh_id: order.id, patience: DEFAULT_PATIENCE };
    for _ in 0..MOST_STEPS {
        if order.status.is_terminal() {
            break;
        }
        let batch = order.present_pipeline() as u32 + 1;
        let transition = if let Some(pending) = order.pending.clone() {
            if let Write::Patch(patch) = compile(&pending.effect, &order.workload, Some(&cluster.fresh), writer)? {
                cluster.patch(&patch);
                let (old, new) = (cluster.fresh.workload.old_wanted(), cluster.fresh.workload.new_wanted());
                writes.push(PreviewedWrite { batch, purpose: pending.effect.purpose().to_owned(), patch, old, new });
            }
            let performed = Performed {
                object: None,
                generation: cluster.fresh.workload.generation,
                replicas: cluster.fresh.workload.replicas,
                stored: Some(cluster.fresh.workload.spec.clone()),
            };
            step(&order, Input::Performed(&performed), context)
        } else if matches!(order.status, Status::AwaitingConfirmation | Status::AwaitingInterval) {
            step(&order, Input::Command(&confirmation(&order)), context)
        } else {
            let observation = cluster.observation(context.now);
            step(&order, Input::Observed(&observation), context)
        };
        let transition = transition.map_err(|illegal| NoPreview::Stuck(illegal.to_string()))?;
        let stands = transition.next.revision == order.revision;
        match transition.wake {
            // Nothing happens but time.
            Some(wake) if stands && wake > context.now => context.now = wake,
            _ if stands => return Err(NoPreview::Stuck(present_message(&order))),
            _ => {}
        }
        order = transition.next;
    }
    match order.status {
        Status::Succeeded => Ok(writes),
        _ => Err(NoPreview::Stuck(present_message(&order))),
    }
}

fn confirmation(order: &Order) -> Command {
    let actor =
        Actor { user: "preview".to_owned(), source: "preview".to_owned(), trace_id: OrderId::to_string(&order.id) };
    Command::Continue { pipeline: order.pipelines[order.present_pipeline()].id, confirm: true, actor }
}

fn present_message(order: &Order) -> String {
    order.pipelines[order.present_pipeline()].message.clone()
}
