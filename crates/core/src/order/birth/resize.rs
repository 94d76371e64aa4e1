//! CoScaleIn, CoScaleOut, CoStart, CoStop and CoDeleteApp: changes of how many pods there are.

use super::{Birth, Refused, Request, accepted, order};
use crate::application::{AppState, Application};
use crate::observation::Workload;
use crate::order::job::{Delete, Job, Resize};
use crate::order::{Order, OrderKind};
use crate::plan::ONE_BATCH;

/// Begins a scaling to `replicas`. Scaling to zero is allowed and is not a stop.
///
/// # Errors
/// [`Refused::SameReplicas`], or [`Refused::HeldHalfWay`] for scaling a held release to zero, which would bring every pod
/// back on the new version.
pub fn scale(
    app: &Application,
    live: &Workload,
    replicas: u32,
    timeout_seconds: u32,
    request: &Request,
) -> Result<Birth, Refused> {
    if replicas == live.replicas {
        return Err(Refused::SameReplicas(replicas));
    }
    let kind = if replicas < live.replicas { OrderKind::ScaleIn } else { OrderKind::ScaleOut };
    resize(app, live, kind, replicas, timeout_seconds, request)
}

/// Begins a stop: zero pods, and the number to come back to is remembered.
///
/// # Errors
/// [`Refused::AlreadyStopped`], [`Refused::HeldHalfWay`].
pub fn stop(app: &Application, live: &Workload, timeout_seconds: u32, request: &Request) -> Result<Birth, Refused> {
    if live.replicas == 0 {
        return Err(Refused::AlreadyStopped);
    }
    resize(app, live, OrderKind::Stop, 0, timeout_seconds, request)
}

/// Begins a start, with `replicas` pods or as many as before the stop (one, if nobody knows).
///
/// # Errors
/// [`Refused::NotStopped`], [`Refused::StartNothing`].
pub fn start(
    app: &Application,
    live: &Workload,
    replicas: Option<u32>,
    timeout_seconds: u32,
    request: &Request,
) -> Result<Birth, Refused> {
    if live.replicas > 0 {
        return Err(Refused::NotStopped(live.replicas));
    }
    let replicas = replicas.or(app.instances_before_stop).unwrap_or(1);
    if replicas == 0 {
        return Err(Refused::StartNothing);
    }
    resize(app, live, OrderKind::Start, replicas, timeout_seconds, request)
}

fn resize(
    app: &Application,
    live: &Workload,
    kind: OrderKind,
    to: u32,
    timeout_seconds: u32,
    request: &Request,
) -> Result<Birth, Refused> {
    if app.is_of_others(live) {
        return Err(Refused::OfOthers(app.name.clone()));
    }
    if live.deleting {
        return Err(Refused::WorkloadDeleting(app.name.clone()));
    }
    if live.paused {
        return Err(Refused::Paused);
    }
    if let Some(held) = app.held
        && to == 0
    {
        let then = if kind == OrderKind::Stop { "stop" } else { "scale to zero" };
        return Err(Refused::HeldHalfWay { from: held.from, to: held.to, then });
    }
    let from = live.replicas;
    let job = Job::Resize(Resize { from, to, timeout_seconds, asked: false, generation: 0 });
    let mut app = app.clone();
    app.revision += 1;
    let description = format!("{from} instances to {to}");
    let order = Order { object: live.identity(), ..order(request, &app, kind, description, ONE_BATCH, job) };
    Ok(Birth { events: vec![accepted(request, &order)], order, app, versions: Vec::new() })
}

/// Begins a deletion. It needs no look at the cluster: what is gone already is deleted, and what an application whose creation never
/// succeeded did not make stays.
pub fn delete(app: &Application, timeout_seconds: u32, request: &Request) -> Birth {
    let mut app = app.clone();
    app.revision += 1;
    let job = Job::Delete(Delete { timeout_seconds, asked: false, only_own: app.state == AppState::Creating });
    let description = format!("Delete application {}", app.name);
    let order = order(request, &app, OrderKind::DeleteApp, description, ONE_BATCH, job);
    Birth { events: vec![accepted(request, &order)], order, app, versions: Vec::new() }
}
