//! CoDeploy, CoDeployHistroy, CoRestartApplication and configuration changes: all bring a version to all pods.

use super::create::package_version_or_tag;
use super::{Birth, Refused, Request, accepted, order};
use crate::application::Application;
use crate::floor;
use crate::observation::Workload;
use crate::order::job::{Job, NumberedSnapshot, OnFailure, Prelude, Release, ReleasePhase, Restore, RestorePhase};
use crate::order::steering::{Steering, SteeringPlan};
use crate::order::{Order, OrderKind};
use crate::plan::{Batches, ONE_BATCH};
use crate::strategy::Strategy;
use crate::template;
use crate::template::edit::{self, Edit};
use crate::version::{Origin, Snapshot, Version};

/// What to bring.
#[derive(Debug, Clone)]
pub enum DeployTarget<'a> {
    /// The present version, edited.
    Edits {
        /// The edits.
        edits: &'a [Edit],
        /// Another `minReadySeconds`.
        min_ready_seconds: Option<u32>,
        /// EDAS's PackageVersion; the image's tag if empty.
        package_version: String,
    },
    /// A historical version, as it was.
    Version(&'a Version),
}

/// A release.
#[derive(Debug, Clone)]
pub struct DeployRequest<'a> {
    /// Deploy, DeployHistory, Restart or Configure.
    pub kind: OrderKind,
    /// What to bring.
    pub target: DeployTarget<'a>,
    /// How.
    pub batches: Batches,
    /// Seconds that a batch may take.
    pub batch_timeout_seconds: u32,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// Another number of pods, set before the first batch.
    pub replicas: Option<u32>,
    /// Which requests go to the gray batch.
    pub steering: Option<SteeringPlan>,
}

/// Begins a release. `base` is the version that runs by our record, `live` the workload as it is right now, and `tried` are the versions that
/// were tried since: those that an aborted release may have left.
///
/// If someone changed the workload without us, what is there becomes a version of its own first: going back is to what really
/// ran before.
///
/// # Errors
/// A [`Refused`] that says what to do.
pub fn deploy(
    app: &Application,
    base: &Version,
    tried: &[Version],
    live: &Workload,
    deploy: DeployRequest<'_>,
    request: &Request,
) -> Result<Birth, Refused> {
    check_workload(app, live)?;
    if deploy.steering.is_some() && deploy.batches.gray.is_none() {
        return Err(Refused::SteeringWithoutGray);
    }
    let mut app = app.clone();
    app.revision += 1;
    let mut versions = Vec::new();
    let from = before(&mut app, base, tried, live, request, &mut versions);
    // The record may know of a hold that was never written, or is no more.
    let held = live.is_held() || (app.held.is_some() && from.number == base.number);
    let (to, package_version) = target(&deploy, &from.snapshot)?;
    if held && to.template == from.snapshot.template {
        return Ok(go_back(app, live, from, &deploy, request));
    }
    let to = if to.template == from.snapshot.template { restarted(to, request)? } else { to };
    // Exactly: a template that has more than what is to be brought (a restart's mark, a limit) is another one.
    let resumes = held && live.digest == to.template.digest();
    let mut first = Vec::new();
    if live.is_held() && !resumes {
        first.push(Prelude::GoBack);
    }
    if let Some(replicas) = deploy.replicas.filter(|replicas| *replicas != live.replicas) {
        first.push(Prelude::Scale(replicas));
    }
    let replicas = deploy.replicas.unwrap_or(live.replicas);
    check_batches(deploy.batches, replicas, from.snapshot.strategy)?;
    check_room(live, replicas, from.snapshot.strategy)?;

    let number = app.latest.next();
    app.latest = number;
    app.replicas = replicas;
    let description = format!("Version: {number} | {} | Deploy to: all groups", to.template.content());
    // Whatever an aborted release left is replaced; only what appears between now and the first write is someone else's.
    let goes_back = first.contains(&Prelude::GoBack);
    let start = if goes_back { from.snapshot.template.digest() } else { live.digest.clone() };
    let release = Release {
        start,
        stored: resumes.then(|| live.digest.clone()),
        from,
        to: NumberedSnapshot { number, snapshot: to.clone() },
        batch_timeout_seconds: deploy.batch_timeout_seconds,
        on_failure: deploy.on_failure,
        first,
        replicas,
        asked: None,
        generation: 0,
        planned_on: live.generation,
        steering: deploy.steering.map(|plan| Box::new(Steering::new(plan, request.order))),
        confirmed: None,
        phase: ReleasePhase::Rolling { batch: 0, since: request.now },
    };
    let job = Job::Release(Box::new(release));
    let order =
        Order { object: live.identity(), ..order(request, &app, deploy.kind, description, deploy.batches, job) };
    versions.push(Version {
        app: app.id,
        number,
        package_version: package_version_or_tag(package_version, &to.template),
        snapshot: to,
        origin: match deploy.kind {
            OrderKind::Restart => Origin::Restarted,
            OrderKind::Configure => Origin::Reconfigured,
            _ => Origin::Deployed,
        },
        order: order.id,
        description: order.description.clone(),
        created_at: request.now,
        good: false,
    });
    Ok(Birth { events: vec![accepted(request, &order)], order, app, versions })
}

/// The version that ran before.
fn before(
    app: &mut Application,
    base: &Version,
    tried: &[Version],
    live: &Workload,
    request: &Request,
    versions: &mut Vec<Version>,
) -> NumberedSnapshot {
    // What we borrowed is not someone else's change; nor is what a release left that replaces all pods at once.
    let covers = |version: &Version| template::covers(live.spec.template.json(), version.snapshot.template.json());
    let left = live.spec.strategy == Strategy::Recreate && tried.iter().any(covers);
    if live.is_held() || live.marks.borrowed || live.spec == base.snapshot || left {
        return NumberedSnapshot { number: base.number, snapshot: base.snapshot.clone() };
    }
    // A release was aborted when all pods ran its version and everything was given back already.
    if let Some(version) = tried.iter().find(|version| version.snapshot == live.spec) {
        app.current = Some(version.number);
        return NumberedSnapshot { number: version.number, snapshot: version.snapshot.clone() };
    }
    found(app, live, request, versions)
}

/// The version before a held release is deployed: that is going back, by one patch.
fn go_back(
    mut app: Application,
    live: &Workload,
    from: NumberedSnapshot,
    deploy: &DeployRequest<'_>,
    request: &Request,
) -> Birth {
    let description =
        format!("Version: {} | {} | Go back from an aborted release", from.number, from.snapshot.template.content());
    app.current = Some(from.number);
    let restore = Restore {
        from: app.held.map_or(app.latest, |held| held.to),
        to: from,
        expects: Vec::new(),
        timeout_seconds: deploy.batch_timeout_seconds,
        since: request.now,
        steering: None,
        phase: RestorePhase::Asking,
        generation: 0,
    };
    let job = Job::Restore(Box::new(restore));
    let order = Order { object: live.identity(), ..order(request, &app, deploy.kind, description, ONE_BATCH, job) };
    Birth { events: vec![accepted(request, &order)], order, app, versions: Vec::new() }
}

/// The same content again: people mean new pods (an image tag may have moved).
fn restarted(to: Snapshot, request: &Request) -> Result<Snapshot, Refused> {
    let template = edit::apply(&to.template, &[Edit::RestartMark(request.now)])?;
    Ok(Snapshot { template, ..to })
}

fn check_workload(app: &Application, live: &Workload) -> Result<(), Refused> {
    if app.is_of_others(live) {
        return Err(Refused::OfOthers(app.name.clone()));
    }
    if live.deleting {
        return Err(Refused::WorkloadDeleting(app.name.clone()));
    }
    if live.paused {
        return Err(Refused::Paused);
    }
    Ok(())
}

/// Records what someone else left on the workload as a version.
fn found(app: &mut Application, live: &Workload, request: &Request, versions: &mut Vec<Version>) -> NumberedSnapshot {
    let number = app.latest.next();
    app.latest = number;
    app.current = Some(number);
    versions.push(Version {
        app: app.id,
        number,
        snapshot: live.spec.clone(),
        origin: Origin::Found,
        order: request.order,
        package_version: package_version_or_tag(String::new(), &live.spec.template),
        description: "found on the cluster: changed without Sternway".to_owned(),
        created_at: request.now,
        good: false,
    });
    NumberedSnapshot { number, snapshot: live.spec.clone() }
}

fn target(deploy: &DeployRequest<'_>, from: &Snapshot) -> Result<(Snapshot, String), Refused> {
    match &deploy.target {
        DeployTarget::Version(version) => Ok((version.snapshot.clone(), version.package_version.clone())),
        DeployTarget::Edits { edits, min_ready_seconds, package_version } => {
            let template = edit::apply(&from.template, edits)?;
            let min_ready_seconds = min_ready_seconds.unwrap_or(from.min_ready_seconds);
            Ok((Snapshot { template, min_ready_seconds, ..from.clone() }, package_version.clone()))
        }
    }
}

fn check_batches(batches: Batches, pods: u32, strategy: Strategy) -> Result<(), Refused> {
    if batches.count == 0 {
        return Err(Refused::NoBatches);
    }
    if batches.total() > 1 && strategy == Strategy::Recreate {
        return Err(Refused::RecreateInBatches);
    }
    match batches.gray {
        Some(gray) if gray == 0 || pods < gray.saturating_add(batches.count) => {
            Err(Refused::GrayTooLarge { gray, batches: batches.count, pods })
        }
        None if batches.count > 1 && batches.count > pods => {
            Err(Refused::TooManyBatches { batches: batches.count, pods })
        }
        _ => Ok(()),
    }
}

fn check_room(live: &Workload, pods: u32, strategy: Strategy) -> Result<(), Refused> {
    let floor = floor::floor(strategy, pods, live.disruption_floor);
    match strategy.bounds(pods) {
        Some(bounds) if pods > 0 && bounds.surge == 0 && floor >= pods => Err(Refused::Deadlock { floor, pods }),
        _ => Ok(()),
    }
}
