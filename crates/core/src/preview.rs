//! What an order would write, patch by patch, if everything goes well: for a dry run.
//!
//! The order runs through the same [`step`] and the same [`compile`] as in earnest, on a cluster that does at once what the
//! native controllers do in the end, with every gate confirmed. So a preview cannot say anything else than what would be done.

mod ideal;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::ideal::IdealCluster;
use crate::effect::object::ObjectWrite;
use crate::effect::{Fresh, ObjectChange, Refusal, RouteChange, Write, Writer, apply_merge, compile, route};
use crate::health::DEFAULT_PATIENCE;
use crate::ids::{Fence, OrderId};
use crate::order::job::Job;
use crate::order::steering::SteeredRoute;
use crate::order::{Actor, Order, Status};
use crate::ports::Performed;
use crate::step::{Command, Context, Input, step};

/// One write of a preview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PreviewedWrite {
    /// The batch it belongs to, counted from 1.
    pub batch: u32,
    /// What it is for: `wave`, `finish`, `restore`, `scale`, `replace`, `object`, `route`.
    pub purpose: String,
    /// The merge patch of the Deployment; `object` and `route` say in it which other object is meant, and `null` in the place of a spec is its end.
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
    let mut routes = Routes::of(&order);
    let mut context = Context { now, fresh_id: order.id, patience: DEFAULT_PATIENCE };
    for _ in 0..MOST_STEPS {
        if order.status.is_terminal() {
            break;
        }
        let batch = order.present_pipeline() as u32 + 1;
        let transition = if let Some(pending) = order.pending.clone() {
            let patch = match compile(&pending.effect, &order.workload, Some(&cluster.fresh), writer)? {
                Write::Patch(patch) => {
                    cluster.patch(&patch);
                    Some(patch)
                }
                Write::Object(change) => Some(named(&change)),
                Write::Route(change) => routes.change(&change, &order, writer)?,
                Write::Create(_) | Write::Delete { .. } | Write::Nothing => None,
            };
            if let Some(patch) = patch {
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

/// The patch of another object, with its kind and name.
fn named(change: &ObjectChange) -> Value {
    let mut patch = change.patch.clone().unwrap_or_else(|| json!({"spec": null}));
    patch["kind"] = json!(change.kind.kind);
    patch["metadata"]["name"] = json!(change.name);
    patch
}

/// The routes of an order's steering, as they were when it was planned, and as its writes make them.
struct Routes(BTreeMap<String, Value>);

impl Routes {
    fn of(order: &Order) -> Self {
        let routes = match &order.job {
            Job::Release(release) => release.steering.as_ref().map(|steering| steering.plan().routes.clone()),
            Job::Create(_) | Job::Restore(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
        };
        let object = |route: SteeredRoute| (route.name, json!({"metadata": {}, "spec": {"rules": route.rules}}));
        Self(routes.into_iter().flatten().map(object).collect())
    }

    fn change(&mut self, change: &RouteChange, order: &Order, writer: Writer) -> Result<Option<Value>, Refusal> {
        let present = self.0.get_mut(&change.name);
        let write = route::compile(change, present.as_deref(), &order.workload, writer)?;
        let (ObjectWrite::Patch(mut patch), Some(present)) = (write, present) else {
            return Ok(None);
        };
        apply_merge(present, &patch);
        if let Some(metadata) = patch["metadata"].as_object_mut() {
            metadata.shift_remove("resourceVersion");
        }
        patch["kind"] = json!(change.kind.kind);
        patch["metadata"]["name"] = json!(change.name);
        Ok(Some(patch))
    }
}

fn confirmation(order: &Order) -> Command {
    let actor = Actor {
        user: "preview".to_owned(),
        behind: None,
        source: "preview".to_owned(),
        trace_id: OrderId::to_string(&order.id),
    };
    Command::Continue { pipeline: order.pipelines[order.present_pipeline()].id, confirm: true, actor }
}

fn present_message(order: &Order) -> String {
    order.pipelines[order.present_pipeline()].message.clone()
}
