//! What clients may ask for. Each command is one load, one pure decision and one commit; the answer goes out after the commit, so
//! that whatever was answered with an id survives any crash.

use std::collections::BTreeMap;

use serde::Serialize;
use sternway_core::application::Application;
use sternway_core::effect::Fresh;
use sternway_core::ids::{AppId, OrderId, PartId, VersionNumber};
use sternway_core::observation::{Observation, Workload};
use sternway_core::order::birth::{
    self, Adoption, AttachRequest, Birth, CreateRequest, DeployRequest, DeployTarget, Refused, Request,
};
use sternway_core::order::job::{Job, OnFailure};
use sternway_core::order::steering::SteeringPlan;
use sternway_core::order::{Actor, Order, OrderKind};
use sternway_core::plan::Batches;
use sternway_core::ports::{Commit, CommitError, StoreWrite};
use sternway_core::precheck::{self, Finding};
use sternway_core::preview::{PreviewedWrite, preview};
use sternway_core::step::{Command, Context, Input, step};
use sternway_core::template::edit::Edit;
use sternway_core::version::Version;

use crate::{CommandError, Engine};

/// A creation; see [`CreateRequest`].
#[derive(Debug, Clone)]
pub struct Creation {
    /// What to create.
    pub request: CreateRequest,
    /// Free text for the order.
    pub description: String,
}

/// A release.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// What to bring.
    pub change: DeployChange,
    /// How.
    pub batches: Batches,
    /// Seconds that a batch may take.
    pub batch_timeout_seconds: u32,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// Another number of pods.
    pub replicas: Option<u32>,
    /// Which requests go to the gray batch.
    pub steering: Option<SteeringPlan>,
    /// EDAS parameters that mean nothing on a cluster, to be given back when asked for.
    pub attributes: BTreeMap<String, String>,
    /// Free text for the order.
    pub description: String,
}

/// What a release brings.
#[derive(Debug, Clone)]
pub enum DeployChange {
    /// CoDeploy: the present version, edited.
    Edits {
        /// The edits.
        edits: Vec<Edit>,
        /// Another `minReadySeconds`.
        min_ready_seconds: Option<u32>,
        /// EDAS's PackageVersion.
        package_version: String,
    },
    /// CoDeployHistroy: a historical version.
    History(VersionNumber),
    /// CoRestartApplication: new pods of the same version.
    Restart,
    /// UpdateK8sApplicationConfig: the present version, edited.
    Configure(Vec<Edit>),
}

/// What people say about an application. What is absent stays.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Another name for people; the Deployment keeps its own.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Who is responsible.
    pub owner: Option<String>,
    /// Anything else, by EDAS's names.
    pub attributes: BTreeMap<String, String>,
}

/// What begins an order.
pub(crate) enum Wish {
    Deploy(Deploy),
    Scale { replicas: u32, timeout_seconds: u32 },
    Stop { timeout_seconds: u32 },
    Start { replicas: Option<u32>, timeout_seconds: u32 },
    Delete { timeout_seconds: u32 },
    Attach(AttachRequest),
}

/// What a release would do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeployPreview {
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// Every write, in order.
    pub writes: Vec<PreviewedWrite>,
}

/// Attempts at a command whose application is changed by others at the same moment, before it is given up as a fault of the store.
const ATTEMPTS: u32 = 16;

impl Engine {
    /// Creates an application. Answers with the order as accepted.
    ///
    /// # Errors
    /// [`CommandError::NameTaken`], [`CommandError::Refused`], [`CommandError::Store`].
    pub async fn create(&self, creation: Creation, actor: Actor) -> Result<Order, CommandError> {
        let request = self.request(actor, creation.description);
        let Birth { order, app, versions, events } = birth::create(creation.request, &request)?;
        let mut writes = vec![StoreWrite::InsertApp(Box::new(app))];
        writes.extend(versions.into_iter().map(|version| StoreWrite::PutVersion(Box::new(version))));
        let id = order.id;
        let accepted = order.clone();
        writes.push(StoreWrite::InsertOrder(Box::new(order)));
        writes.push(StoreWrite::AppendEvents(id, events));
        self.ports.store.commit(Commit { lease: None, writes }).await.map_err(not_committed)?;
        self.wakers.new_order();
        Ok(accepted)
    }

    /// Takes an existing Deployment under management, without touching it: `app` says where it is. Answers with the application as stored.
    ///
    /// # Errors
    /// [`CommandError::NameTaken`], [`CommandError::Refused`], [`CommandError::Cluster`], [`CommandError::Store`].
    pub async fn adopt(&self, app: Application) -> Result<Application, CommandError> {
        let nothing = || Refused::NothingToAdopt(app.workload.name.clone());
        let Observation::Present(live) = self.ports.clusters.read(&app.workload).await? else {
            return Err(nothing().into());
        };
        let native = self.ports.clusters.native(&app.workload, false).await?;
        let deployment = native.deployment.ok_or_else(nothing)?;
        let now = self.ports.clock.now();
        let Adoption { app, versions } = birth::adopt(app, &live, &deployment, &native.replica_sets, now)?;
        let mut writes = vec![StoreWrite::InsertApp(Box::new(app.clone()))];
        writes.extend(versions.into_iter().map(|version| StoreWrite::PutVersion(Box::new(version))));
        self.ports.store.commit(Commit { lease: None, writes }).await.map_err(|error| match error {
            // The id that the Deployment says is an application's that we have: it is managed already.
            CommitError::Conflict(_) => CommandError::NameTaken,
            other => not_committed(other),
        })?;
        Ok(app)
    }

    /// Begins a release, after the checks that can be made before: what they find is in the order as warnings, and what blocks refuses it.
    ///
    /// # Errors
    /// Any [`CommandError`] but those about orders and parts.
    pub async fn deploy(&self, app: AppId, deploy: Deploy, actor: Actor) -> Result<OrderId, CommandError> {
        let description = deploy.description.clone();
        self.begin(app, Wish::Deploy(deploy), self.request(actor, description)).await
    }

    /// What [`Engine::deploy`] would do, without doing it: the findings, and every write up to the end if all goes well.
    ///
    /// # Errors
    /// As [`Engine::deploy`], but blocking findings are part of the answer.
    pub async fn preview_deploy(
        &self,
        app: AppId,
        deploy: Deploy,
        actor: Actor,
    ) -> Result<DeployPreview, CommandError> {
        let app = self.application(app).await?;
        let request = self.request(actor, deploy.description.clone());
        let (birth, mut findings) = self.plan_deploy(&app, &deploy, &request).await?;
        findings.extend(self.foresee(&app, birth.clone()).await?);
        let live = self.live(&app).await?;
        let native = self.ports.clusters.native(&app.workload, false).await?;
        let object = native.deployment.ok_or_else(|| Refused::WorkloadGone(app.name.clone()))?;
        let fresh = Fresh { object, workload: live };
        let writes = preview(&birth.order, fresh, request.now).map_err(CommandError::NoPreview)?;
        Ok(DeployPreview { findings, writes })
    }

    async fn plan_deploy(
        &self,
        app: &Application,
        deploy: &Deploy,
        request: &Request,
    ) -> Result<(Birth, Vec<Finding>), CommandError> {
        let history = match deploy.change {
            DeployChange::History(number) => Some(self.version(app.id, number).await?),
            DeployChange::Edits { .. } | DeployChange::Restart | DeployChange::Configure(_) => None,
        };
        let base = self.version(app.id, app.current.unwrap_or(app.latest)).await?;
        let tried = app.latest.0.saturating_sub(base.number.0);
        let tried = if tried == 0 { Vec::new() } else { self.ports.store.versions(app.id, tried).await? };
        let live = self.live(app).await?;
        let (kind, target) = match (&deploy.change, &history) {
            (DeployChange::Edits { edits, min_ready_seconds, package_version }, _) => (
                OrderKind::Deploy,
                DeployTarget::Edits {
                    edits,
                    min_ready_seconds: *min_ready_seconds,
                    package_version: package_version.clone(),
                },
            ),
            (DeployChange::History(_), Some(version)) => (OrderKind::DeployHistory, DeployTarget::Version(version)),
            (DeployChange::History(number), None) => return Err(Refused::UnknownVersion(number.to_string()).into()),
            (DeployChange::Restart, _) => (OrderKind::Restart, edits_alone(&[], &base)),
            (DeployChange::Configure(edits), _) => (OrderKind::Configure, edits_alone(edits, &base)),
        };
        let deploy = DeployRequest {
            kind,
            target,
            batches: deploy.batches,
            batch_timeout_seconds: deploy.batch_timeout_seconds,
            on_failure: deploy.on_failure,
            replicas: deploy.replicas,
            steering: deploy.steering.clone(),
        };
        let steering = deploy.steering.clone();
        let birth = birth::deploy(app, &base, &tried, &live, deploy, request)?;
        let around = self.ports.clusters.surroundings(&app.workload).await?;
        let mut findings = match &birth.order.job {
            Job::Release(release) => precheck::check(&live, &around, &release.from.snapshot),
            Job::Create(_) | Job::Restore(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => Vec::new(),
        };
        match (steering, &birth.order.job) {
            (Some(plan), Job::Release(_)) => {
                let missing = self.ports.clusters.missing_steering_rights(&app.workload).await?;
                findings.extend(precheck::steering(&plan, &missing));
            }
            (Some(_), _) => findings.push(precheck::steering_without_batches()),
            (None, _) => {}
        }
        Ok((birth, findings))
    }

    /// Begins a scaling.
    ///
    /// # Errors
    /// Any [`CommandError`] but those about orders and parts.
    pub async fn scale(
        &self,
        app: AppId,
        replicas: u32,
        timeout_seconds: u32,
        actor: Actor,
    ) -> Result<OrderId, CommandError> {
        self.begin(app, Wish::Scale { replicas, timeout_seconds }, self.request(actor, String::new())).await
    }

    /// Begins a stop.
    ///
    /// # Errors
    /// Any [`CommandError`] but those about orders and parts.
    pub async fn stop(&self, app: AppId, timeout_seconds: u32, actor: Actor) -> Result<OrderId, CommandError> {
        self.begin(app, Wish::Stop { timeout_seconds }, self.request(actor, String::new())).await
    }

    /// Begins a start.
    ///
    /// # Errors
    /// Any [`CommandError`] but those about orders and parts.
    pub async fn start(
        &self,
        app: AppId,
        replicas: Option<u32>,
        timeout_seconds: u32,
        actor: Actor,
    ) -> Result<OrderId, CommandError> {
        self.begin(app, Wish::Start { replicas, timeout_seconds }, self.request(actor, String::new())).await
    }

    /// Begins a deletion.
    ///
    /// # Errors
    /// [`CommandError::NoApp`], [`CommandError::Busy`], [`CommandError::Store`].
    pub async fn delete(&self, app: AppId, timeout_seconds: u32, actor: Actor) -> Result<OrderId, CommandError> {
        self.begin(app, Wish::Delete { timeout_seconds }, self.request(actor, String::new())).await
    }

    /// Begins a change of an object beside the workload.
    ///
    /// # Errors
    /// [`CommandError::NoApp`], [`CommandError::Busy`], [`CommandError::Store`].
    pub async fn attach(&self, app: AppId, attach: AttachRequest, actor: Actor) -> Result<OrderId, CommandError> {
        self.begin(app, Wish::Attach(attach), self.request(actor, String::new())).await
    }

    /// Changes what is remembered of an application without a change order.
    ///
    /// # Errors
    /// [`CommandError::NoApp`], [`CommandError::NameTaken`], [`CommandError::Store`].
    pub async fn describe(&self, app: AppId, about: &About) -> Result<(), CommandError> {
        for _ in 0..ATTEMPTS {
            let mut next = self.application(app).await?;
            next.revision += 1;
            if let Some(name) = &about.name {
                next.name.clone_from(name);
            }
            if let Some(description) = &about.description {
                next.description.clone_from(description);
            }
            if let Some(owner) = &about.owner {
                next.owner.clone_from(owner);
            }
            next.attributes.extend(about.attributes.clone());
            let commit = Commit { lease: None, writes: vec![StoreWrite::UpdateApp(Box::new(next))] };
            match self.ports.store.commit(commit).await {
                Err(CommitError::Conflict(_)) => {}
                other => return other.map_err(not_committed),
            }
        }
        Err(not_committed(CommitError::Conflict(format!("application {app}"))))
    }

    /// Confirms the next batch: EDAS's ContinuePipeline. Where the release as a whole waits for approval, this is that.
    ///
    /// # Errors
    /// [`CommandError::NoPart`], [`CommandError::Illegal`], [`CommandError::Frozen`], [`CommandError::Store`].
    pub async fn confirm(&self, pipeline: PartId, confirm: bool, actor: Actor) -> Result<OrderId, CommandError> {
        let order = self.ports.store.order_of_part(pipeline).await?.ok_or(CommandError::NoPart(pipeline))?;
        if confirm && order.awaits_approval() {
            return self.approve(order.id, true, String::new(), actor).await;
        }
        let order = order.id;
        self.command(order, &Command::Continue { pipeline, confirm, actor }).await
    }

    /// Tries a failed task again: EDAS's RetryChangeOrderTask.
    ///
    /// # Errors
    /// [`CommandError::NoPart`], [`CommandError::Illegal`], [`CommandError::Store`].
    pub async fn retry(&self, task: PartId, actor: Actor) -> Result<OrderId, CommandError> {
        let order = self.order_of(task).await?;
        self.command(order, &Command::Retry { task, actor }).await
    }

    /// Gives a command to an order. Answers with the order that results: itself, or its rollback.
    ///
    /// Idempotent: two AbortAndRollback for one order, at the same moment or days apart, answer with the same rollback.
    ///
    /// # Errors
    /// [`CommandError::NoOrder`], [`CommandError::Illegal`], [`CommandError::Store`].
    pub async fn command(&self, id: OrderId, command: &Command) -> Result<OrderId, CommandError> {
        let fresh_id = self.fresh_order_id();
        // Every conflict means that another writer got on; the loop ends because orders end.
        loop {
            let order = self.ports.store.order(id).await?.ok_or(CommandError::NoOrder(id))?;
            let context = Context { now: self.ports.clock.now(), fresh_id, patience: self.settings.patience };
            let transition = step(&order, Input::Command(command), context)?;
            let reply = transition.reply;
            match self.commit_step(&order, transition, None).await {
                Ok(_) => {
                    self.wakers.order(id);
                    self.wakers.new_order();
                    return Ok(reply);
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
    }

    pub(crate) async fn begin(&self, id: AppId, wish: Wish, request: Request) -> Result<OrderId, CommandError> {
        for _ in 0..ATTEMPTS {
            let app = self.application(id).await?;
            if let Some(active) = self.ports.store.active_order_of(id).await? {
                return Err(CommandError::Busy(active.id));
            }
            let mut birth = self.decide(&app, &wish, &request).await?;
            self.govern(&app, &mut birth).await?;
            let Birth { order, app, versions, events } = birth;
            let id = order.id;
            let mut writes = vec![StoreWrite::UpdateApp(Box::new(app))];
            writes.extend(versions.into_iter().map(|version| StoreWrite::PutVersion(Box::new(version))));
            writes.push(StoreWrite::InsertOrder(Box::new(order)));
            writes.push(StoreWrite::AppendEvents(id, events));
            match self.ports.store.commit(Commit { lease: None, writes }).await {
                Ok(()) => {
                    self.wakers.new_order();
                    return Ok(id);
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
        Err(not_committed(CommitError::Conflict(format!("application {id}"))))
    }

    /// A wish and the present state become an order.
    async fn decide(&self, app: &Application, wish: &Wish, request: &Request) -> Result<Birth, CommandError> {
        Ok(match wish {
            Wish::Deploy(deploy) => {
                let (mut birth, findings) = self.plan_deploy(app, deploy, request).await?;
                if let Some(blocking) = findings.iter().find(|finding| finding.blocking) {
                    return Err(CommandError::Blocked(blocking.clone()));
                }
                birth.order.warnings = findings.into_iter().map(|finding| finding.text).collect();
                birth.app.attributes.extend(deploy.attributes.clone());
                birth
            }
            Wish::Scale { replicas, timeout_seconds } => {
                birth::scale(app, &self.live(app).await?, *replicas, *timeout_seconds, request)?
            }
            Wish::Stop { timeout_seconds } => birth::stop(app, &self.live(app).await?, *timeout_seconds, request)?,
            Wish::Start { replicas, timeout_seconds } => {
                birth::start(app, &self.live(app).await?, *replicas, *timeout_seconds, request)?
            }
            Wish::Delete { timeout_seconds } => birth::delete(app, *timeout_seconds, request),
            Wish::Attach(attach) => birth::attach(app, attach, request),
        })
    }

    pub(crate) async fn application(&self, id: AppId) -> Result<Application, CommandError> {
        self.ports.store.app(id).await?.ok_or(CommandError::NoApp(id))
    }

    async fn version(&self, app: AppId, number: VersionNumber) -> Result<Version, CommandError> {
        let version = self.ports.store.version(app, number).await?;
        version.ok_or_else(|| CommandError::Refused(Refused::UnknownVersion(number.to_string())))
    }

    async fn order_of(&self, part: PartId) -> Result<OrderId, CommandError> {
        Ok(self.ports.store.order_of_part(part).await?.ok_or(CommandError::NoPart(part))?.id)
    }

    pub(crate) async fn live(&self, app: &Application) -> Result<Workload, CommandError> {
        match self.ports.clusters.read(&app.workload).await? {
            Observation::Present(workload) => Ok(*workload),
            Observation::Gone { .. } => Err(Refused::WorkloadGone(app.name.clone()).into()),
        }
    }

    fn request(&self, actor: Actor, description: String) -> Request {
        Request { order: self.fresh_order_id(), actor, description, now: self.ports.clock.now() }
    }
}

fn edits_alone<'a>(edits: &'a [Edit], base: &Version) -> DeployTarget<'a> {
    DeployTarget::Edits { edits, min_ready_seconds: None, package_version: base.package_version.clone() }
}

fn not_committed(error: CommitError) -> CommandError {
    match error {
        CommitError::OrderActive(order) => CommandError::Busy(order),
        CommitError::NameTaken => CommandError::NameTaken,
        CommitError::Store(error) => CommandError::Store(error),
        CommitError::Conflict(_) | CommitError::LeaseLost => CommandError::Store(sternway_core::ports::StoreError {
            doing: "commit a command".to_owned(),
            source: Box::new(error),
        }),
    }
}
