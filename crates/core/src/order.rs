//! The change order: one change of one application, from its request to its end, and the record of it.
//!
//! An order is one aggregate: the record that clients read ([`Pipeline`]s with their instances), the state that decisions
//! continue from ([`Job`]), and the effects that are decided but not yet known to be done ([`Pending`]). It is stored whole, and
//! replaced whole by the next revision.

pub mod birth;
pub mod job;
pub mod steering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::job::Job;
use crate::application::WorkloadRef;
use crate::effect::Effect;
use crate::governance::Approval;
use crate::ids::{AppId, OrderId, PartId, VersionNumber};
use crate::observation::{Identity, Problem};
use crate::plan::Batches;

/// What an order changes; the names are EDAS's CoTypeCodes without `Co`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderKind {
    /// `CoCreateApp`
    CreateApp,
    /// `CoDeploy`
    Deploy,
    /// `CoDeployHistroy` (EDAS's spelling): a historical version is deployed.
    DeployHistory,
    /// `CoRollback`
    Rollback,
    /// `CoScaleIn`
    ScaleIn,
    /// `CoScaleOut`
    ScaleOut,
    /// `CoRestartApplication`
    Restart,
    /// `CoStart`
    Start,
    /// `CoStop`
    Stop,
    /// `CoDeleteApp`
    DeleteApp,
    /// `CoRescaleApplicationVertically`: the configuration (limits and requests) changes.
    Configure,
    /// `CoBindSlb`: a load balancer in front of the application is set up or changed.
    BindSlb,
    /// `CoUnbindSlb`: a load balancer in front of the application is taken away.
    UnbindSlb,
    /// `CoSetService`: a Service of the application is made or changed. EDAS publishes no code for it.
    SetService,
    /// `CoDeleteService`: a Service of the application is deleted. EDAS publishes no code for it.
    DeleteService,
}

impl OrderKind {
    /// EDAS's CoTypeCode.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CreateApp => "CoCreateApp",
            Self::Deploy => "CoDeploy",
            Self::DeployHistory => "CoDeployHistroy",
            Self::Rollback => "CoRollback",
            Self::ScaleIn => "CoScaleIn",
            Self::ScaleOut => "CoScaleOut",
            Self::Restart => "CoRestartApplication",
            Self::Start => "CoStart",
            Self::Stop => "CoStop",
            Self::DeleteApp => "CoDeleteApp",
            Self::Configure => "CoRescaleApplicationVertically",
            Self::BindSlb => "CoBindSlb",
            Self::UnbindSlb => "CoUnbindSlb",
            Self::SetService => "CoSetService",
            Self::DeleteService => "CoDeleteService",
        }
    }

    /// What it is, for a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::CreateApp => "a creation",
            Self::Deploy | Self::DeployHistory => "a deploy",
            Self::Rollback => "a rollback",
            Self::ScaleIn | Self::ScaleOut => "a scaling",
            Self::Restart => "a restart",
            Self::Start => "a start",
            Self::Stop => "a stop",
            Self::DeleteApp => "a deletion",
            Self::Configure => "a change of configuration",
            Self::BindSlb => "a binding of a load balancer",
            Self::UnbindSlb => "an unbinding of a load balancer",
            Self::SetService => "a change of a Service",
            Self::DeleteService => "a deletion of a Service",
        }
    }

    /// Whether the order can be aborted and rolled back: only deploys can.
    pub const fn is_deploy(self) -> bool {
        matches!(self, Self::Deploy | Self::DeployHistory)
    }
}

/// The state of an order, a pipeline, a stage, an instance or a task; the numbers are EDAS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// 0: not started.
    Ready,
    /// 1
    Running,
    /// 2
    Succeeded,
    /// 3
    Failed,
    /// 6: terminated by someone.
    Aborted,
    /// 8: waiting for a person to confirm the next batch.
    AwaitingConfirmation,
    /// 9: waiting out the interval before the next batch.
    AwaitingInterval,
    /// 10: ended by a fault of the system itself.
    SystemFailed,
}

impl Status {
    /// EDAS's number.
    pub const fn code(self) -> i32 {
        match self {
            Self::Ready => 0,
            Self::Running => 1,
            Self::Succeeded => 2,
            Self::Failed => 3,
            Self::Aborted => 6,
            Self::AwaitingConfirmation => 8,
            Self::AwaitingInterval => 9,
            Self::SystemFailed => 10,
        }
    }

    /// The state of EDAS's number.
    pub const fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            0 => Self::Ready,
            1 => Self::Running,
            2 => Self::Succeeded,
            3 => Self::Failed,
            6 => Self::Aborted,
            8 => Self::AwaitingConfirmation,
            9 => Self::AwaitingInterval,
            10 => Self::SystemFailed,
            _ => return None,
        })
    }

    /// Nothing follows.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Aborted | Self::SystemFailed => true,
            Self::Ready | Self::Running | Self::AwaitingConfirmation | Self::AwaitingInterval => false,
        }
    }
}

/// Who asked for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user's id; `sternway` for what the engine does by itself.
    pub user: String,
    /// The user who acts as `user`, where that is a role that was taken on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
    /// EDAS's Source: `console`, `pop`, or what the client calls itself.
    pub source: String,
    /// The TraceId of the request.
    pub trace_id: String,
}

impl Actor {
    /// Who does what follows from this one's request, without having asked for it.
    pub(crate) fn replaced(&self, user: &str, source: &str) -> Self {
        Self { user: user.to_owned(), behind: None, source: source.to_owned(), trace_id: self.trace_id.clone() }
    }
}

/// One batch of an order. Orders without batches have one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// EDAS's PipelineId.
    pub id: PartId,
    /// `Batch 1 Change`, ...
    pub name: String,
    /// Its state.
    pub status: Status,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Option<Timestamp>,
    /// What is going on, for a person.
    pub message: String,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Its pods: those of the version being brought that came in this batch.
    pub instances: Vec<Instance>,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A name for programs, such as `CrashLoopBackOff` or `DeadlineExceeded`.
    pub code: String,
    /// Which pod, which container, what the cluster said, the last lines of the log.
    pub message: String,
}

/// One pod in the record of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The pod's name.
    pub pod: String,
    /// Its address.
    pub ip: Option<String>,
    /// Its phase when last seen; `Gone` when it is no more.
    pub phase: String,
    /// Its state within the order.
    pub status: Status,
    /// When it was first seen.
    pub started_at: Timestamp,
    /// When it became ready.
    pub ready_at: Option<Timestamp>,
    /// What keeps it from running, and since when.
    pub problem: Option<(Problem, Timestamp)>,
}

/// An effect that is decided and not yet known to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The revision of the order that decided it: with the order's id, its key.
    pub revision: u64,
    /// What to do.
    pub effect: Effect,
    /// Why it is not done yet, if it was tried.
    pub trouble: Option<String>,
}

/// One thing that happened, for the order's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What, as a name for programs: `BatchStarted`, `WaveAsked`, ...
    pub kind: String,
    /// What, for a person.
    pub text: String,
}

/// A change order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// EDAS's ChangeOrderId.
    pub id: OrderId,
    /// The application.
    pub app: AppId,
    /// Its workload.
    pub workload: WorkloadRef,
    /// The Deployment that it works on, once one is known: another one of the same name is none of its business.
    #[serde(default)]
    pub object: Option<Identity>,
    /// What kind of change.
    pub kind: OrderKind,
    /// Who asked for it.
    pub actor: Actor,
    /// Free text from the client, or made from the change.
    pub description: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its state.
    pub status: Status,
    /// How it is cut into batches.
    pub batches: Batches,
    /// The batches.
    pub pipelines: Vec<Pipeline>,
    /// What remains to be done, and the data for it.
    pub job: Job,
    /// The one effect that is decided and not yet known to be done.
    pub pending: Option<Pending>,
    /// The order that this one rolls back.
    pub rolls_back: Option<OrderId>,
    /// The order that rolls this one back.
    pub rolled_back_by: Option<OrderId>,
    /// The approvals that it needs, if it needs any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Warnings found before it started.
    pub warnings: Vec<String>,
    /// Grows by one with each step that changes anything; 0 at birth.
    pub revision: u64,
}

impl Order {
    /// The version that this order brings, if it brings one.
    pub fn brings(&self) -> Option<VersionNumber> {
        match &self.job {
            Job::Create(create) => Some(create.version),
            Job::Release(release) => Some(release.to.number),
            Job::Restore(restore) => Some(restore.to.number),
            Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
        }
    }

    /// Whether nothing is done before another user approves.
    pub fn awaits_approval(&self) -> bool {
        !self.status.is_terminal() && self.approval.as_ref().is_some_and(Approval::is_awaited)
    }

    /// The pipeline that runs or waits, or the last one.
    pub fn present_pipeline(&self) -> usize {
        let unfinished = self.pipelines.iter().position(|pipeline| !pipeline.status.is_terminal());
        unfinished.unwrap_or(self.pipelines.len() - 1)
    }

    /// Ids of all parts by which clients may name this order: pipelines and tasks.
    pub fn parts(&self) -> impl Iterator<Item = PartId> {
        (0..self.pipelines.len()).flat_map(|index| {
            [
                self.pipelines[index].id,
                self.task_id(index, Stage::Start),
                self.task_id(index, Stage::Change),
                self.task_id(index, Stage::Complete),
            ]
        })
    }

    /// The id of a stage of a pipeline.
    pub fn stage_id(&self, pipeline: usize, stage: Stage) -> PartId {
        self.id.part(&format!("pipeline/{pipeline}/stage/{}", stage as u8))
    }

    /// The id of the task of a stage of a pipeline.
    pub fn task_id(&self, pipeline: usize, stage: Stage) -> PartId {
        self.id.part(&format!("pipeline/{pipeline}/stage/{}/task", stage as u8))
    }

    /// The state of a stage of a pipeline: the change itself is what takes time and what can fail.
    pub fn stage_status(&self, pipeline: usize, stage: Stage) -> Status {
        let pipeline = &self.pipelines[pipeline];
        // Waiting shows at order and pipeline level, never inside a stage: clients give up on a stage that stands still.
        match (stage, pipeline.status) {
            (_, Status::Ready | Status::AwaitingConfirmation | Status::AwaitingInterval) => Status::Ready,
            (Stage::Start, _) if pipeline.started_at.is_some() => Status::Succeeded,
            (Stage::Complete, Status::Running | Status::Failed) => Status::Ready,
            (Stage::Start | Stage::Change | Stage::Complete, status) => status,
        }
    }

    /// Whether AbortAndRollbackChangeOrder would be accepted now.
    pub fn supports_rollback(&self) -> bool {
        self.kind.is_deploy() && !self.status.is_terminal()
    }
}

/// The stages of a pipeline, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `Process Start`
    Start,
    /// The change itself.
    Change,
    /// `Process Complete`
    Complete,
}
