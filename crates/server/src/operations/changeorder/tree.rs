//! An order as the tree that clients walk: order, pipelines, stages, instances, tasks.
//!
//! ```text
//! order ─► pipeline (a batch) ─┬─► StageList:       stage ─► service stage, instances ─► instance stages
//!                              └─► StageDetailList: the same stages ─► tasks
//! ```
//!
//! Every pipeline has three stages: "Process Start", the change itself (named by what the order does), and "Process Complete". Waiting
//! shows at order and pipeline level only: the Jenkins plugin gives up on a stage that stands still for 300 s.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::json;
use sternway_core::health;
use sternway_core::ids::VersionNumber;
use sternway_core::order::job::{Job, ReleasePhase};
use sternway_core::order::{Instance, Order, OrderKind, Pipeline, Stage, Status};
use sternway_wire::codes::RetryType;
use sternway_wire::model::{
    ChangeOrderInfo, Instance as InstanceDto, InstanceStage, PipelineInfo, ServiceStage, StageDetail, StageInfo,
    StageResult, TaskInfo, TrafficControl,
};
use sternway_wire::time_text;

use super::{batch_type, status_code, type_text};
use crate::operations::whole;

const STAGES: [Stage; 3] = [Stage::Start, Stage::Change, Stage::Complete];
/// Public scripts wait for exactly this text in the last stage.
const SUCCESS: &str = "Success";

/// The whole tree. `version` is the one that the order brings, or that runs while it works.
pub(super) fn change_order_info(order: &Order, version: Option<VersionNumber>, offset: Offset) -> ChangeOrderInfo {
    let pipelines = (0..order.pipelines.len()).map(|index| {
        let shown = Shown { order, index, pipeline: &order.pipelines[index], version };
        shown.pipeline()
    });
    ChangeOrderInfo {
        batch_count: whole(order.batches.total()),
        batch_type: batch_type(order).to_owned(),
        change_order_description: order.description.clone(),
        change_order_id: order.id.to_string(),
        co_type: type_text(order.kind).to_owned(),
        create_time: time_text::local(order.created_at, offset),
        create_user_id: order.actor.user.clone(),
        desc: details(order),
        pipeline_info_list: pipelines.collect(),
        status: status_code(order, order.status),
        support_rollback: order.supports_rollback(),
        targets: vec![order.workload.name.clone()],
        traffic_control: traffic_control(order),
    }
}

/// Which requests go to the gray batch, by which objects, and where that stands; empty where nobody asked for it.
fn traffic_control(order: &Order) -> TrafficControl {
    let steering = match &order.job {
        Job::Release(release) => release.steering.as_deref(),
        Job::Restore(restore) => restore.steering.as_deref(),
        Job::Create(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => None,
    };
    let Some(steering) = steering else {
        return TrafficControl::default();
    };
    let split = steering.split();
    let names: Vec<&str> = steering.plan().routes.iter().map(|route| route.name.as_str()).collect();
    let routes =
        json!({"HTTPRoutes": names, "Service": split.service, "OldService": split.old, "NewService": split.new});
    let tips = match order.rolled_back_by {
        Some(rollback) if steering.is_there() => format!("change order {rollback} leads requests to all pods again"),
        Some(_) | None if order.status.is_terminal() && steering.round().is_none() => {
            "requests were never divided".to_owned()
        }
        Some(_) | None => steering.state(),
    };
    TrafficControl { routes: routes.to_string(), rules: steering.plan().given.clone(), tips }
}

/// What else is worth knowing: the order at the other end of a rollback, and warnings.
fn details(order: &Order) -> String {
    let back = order.rolls_back.map(|id| format!("Rolls back change order {id}."));
    let by = order.rolled_back_by.map(|id| format!("Rolled back by change order {id}."));
    let approval = order.approval.as_ref().filter(|_| order.awaits_approval()).map(|approval| {
        format!("Waits for the approval of {} (rule {}).", approval.whom(&order.actor.user), approval.rule)
    });
    let lines: Vec<String> = back.into_iter().chain(by).chain(approval).chain(order.warnings.clone()).collect();
    lines.join("<br>")
}

struct Shown<'a> {
    order: &'a Order,
    index: usize,
    pipeline: &'a Pipeline,
    version: Option<VersionNumber>,
}

impl Shown<'_> {
    fn pipeline(&self) -> PipelineInfo {
        PipelineInfo {
            pipeline_id: self.pipeline.id.to_string(),
            pipeline_name: self.pipeline.name.clone(),
            pipeline_status: status_code(self.order, self.pipeline.status),
            stage_detail_list: STAGES.iter().map(|stage| self.stage_detail(*stage)).collect(),
            stage_list: STAGES.iter().map(|stage| self.stage(*stage)).collect(),
            start_time: milliseconds(self.pipeline.started_at),
            update_time: milliseconds(self.pipeline.updated_at),
        }
    }

    fn stage(&self, stage: Stage) -> StageInfo {
        let status = self.order.stage_status(self.index, stage);
        let stage_id = self.order.stage_id(self.index, stage).to_string();
        let stage_name = stage_name(self.order.kind, stage).to_owned();
        let instances = match stage {
            Stage::Change => self.pipeline.instances.as_slice(),
            Stage::Start | Stage::Complete => &[],
        };
        StageInfo {
            stage_result_dto: StageResult {
                instance_dto_list: instances.iter().map(|instance| self.instance(instance)).collect(),
                service_stage: ServiceStage {
                    message: self.stage_message(stage, status),
                    stage_id: stage_id.clone(),
                    stage_name: stage_name.clone(),
                    status: status.code(),
                },
            },
            stage_id,
            stage_name,
            status: status.code(),
        }
    }

    fn stage_message(&self, stage: Stage, status: Status) -> String {
        match (status, stage) {
            (Status::Succeeded, _) => SUCCESS.to_owned(),
            (Status::Ready, _) => String::new(),
            (_, Stage::Change) => self.task_message(stage, status),
            (_, Stage::Start | Stage::Complete) => self.pipeline.message.clone(),
        }
    }

    fn instance(&self, instance: &Instance) -> InstanceDto {
        let failed = instance.problem.is_some().then(|| health::describe(instance));
        let stage_message = match (&failed, instance.status) {
            (Some(failure), _) => failure.message.clone(),
            (None, Status::Succeeded) => SUCCESS.to_owned(),
            (None, _) => String::new(),
        };
        let stage_id = self.order.id.part(&format!("pipeline/{}/instance/{}", self.index, instance.pod));
        let pod_status = failed.map_or_else(|| instance.phase.clone(), |failure| failure.code);
        InstanceDto {
            instance_ip: instance.ip.clone().unwrap_or_default(),
            instance_name: instance.pod.clone(),
            instance_stage_dto_list: vec![InstanceStage {
                finish_time: milliseconds(instance.ready_at),
                stage_id: stage_id.to_string(),
                stage_message,
                stage_name: "Pod Ready".to_owned(),
                start_time: milliseconds(Some(instance.started_at)),
                status: instance.status.code(),
            }],
            pod_name: instance.pod.clone(),
            pod_status,
            status: instance.status.code(),
        }
    }

    fn stage_detail(&self, stage: Stage) -> StageDetail {
        let status = self.order.stage_status(self.index, stage);
        StageDetail {
            stage_id: self.order.stage_id(self.index, stage).to_string(),
            stage_name: stage_name(self.order.kind, stage).to_owned(),
            stage_status: status.code(),
            task_list: vec![self.task(stage, status)],
        }
    }

    fn task(&self, stage: Stage, status: Status) -> TaskInfo {
        let error = self.pipeline.error.as_ref();
        let error = error.filter(|_| stage == Stage::Change);
        // The stage goes on, because the order does; its task has failed, and can be tried again.
        let (status, retry) = match stage {
            Stage::Change if self.is_paused() => (Status::Failed, RetryType::Manual),
            Stage::Start | Stage::Change | Stage::Complete => (status, RetryType::None),
        };
        TaskInfo {
            retry_type: retry.code(),
            show_manual_ignorance: false,
            task_error_code: error.map(|error| error.code.clone()).unwrap_or_default(),
            task_error_ignorance: 0,
            task_error_message: error.map(|error| error.message.clone()).unwrap_or_default(),
            task_id: self.order.task_id(self.index, stage).to_string(),
            task_message: self.task_message(stage, status),
            task_name: task_name(self.order.kind, stage).to_owned(),
            task_status: status.code().to_string(),
        }
    }

    fn task_message(&self, stage: Stage, status: Status) -> String {
        if stage != Stage::Change {
            return match status {
                Status::Succeeded => SUCCESS.to_owned(),
                _ => String::new(),
            };
        }
        if let Some(error) = &self.pipeline.error {
            return format!("Apply failed. <br>{}: {}", error.code, error.message);
        }
        match status {
            Status::Ready => String::new(),
            Status::Succeeded => self.success(),
            Status::Aborted => lines(["Aborted.", &self.pipeline.message]),
            Status::Running
            | Status::Failed
            | Status::SystemFailed
            | Status::AwaitingConfirmation
            | Status::AwaitingInterval => lines([&self.pipeline.message, self.trouble()]),
        }
    }

    fn success(&self) -> String {
        let version = self.version.map(|version| version.to_string());
        match (self.order.kind, version) {
            (OrderKind::DeleteApp, _) => "Delete success. <br>application is gone".to_owned(),
            (OrderKind::BindSlb | OrderKind::UnbindSlb | OrderKind::SetService | OrderKind::DeleteService, _) => {
                self.pipeline.message.clone()
            }
            (_, Some(version)) => {
                format!("Apply success. <br>application is ready at desired state, version: {version}")
            }
            (_, None) => "Apply success. <br>application is ready at desired state".to_owned(),
        }
    }

    /// Why the write that is due is not done yet; only the present pipeline has one.
    fn trouble(&self) -> &str {
        let pending = self.order.pending.as_ref().filter(|_| self.is_present());
        pending
            .and_then(|pending| pending.trouble.as_deref())
            .filter(|trouble| !self.pipeline.message.contains(trouble))
            .unwrap_or_default()
    }

    fn is_present(&self) -> bool {
        self.order.present_pipeline() == self.index
    }

    /// The batch has failed and the order waits for a person: to retry it, or to abort.
    fn is_paused(&self) -> bool {
        match &self.order.job {
            Job::Release(release) => {
                let paused = matches!(release.phase, ReleasePhase::Paused { batch } if batch as usize == self.index);
                paused && !self.order.status.is_terminal()
            }
            Job::Create(_) | Job::Restore(_) | Job::Resize(_) | Job::Delete(_) | Job::Attach(_) => false,
        }
    }
}

/// Texts that are there, as lines.
fn lines<const N: usize>(texts: [&str; N]) -> String {
    let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    texts.join(" <br>")
}

/// Milliseconds in digits; nothing for what has not happened.
fn milliseconds(moment: Option<Timestamp>) -> String {
    moment.map(time_text::epoch_milliseconds).unwrap_or_default()
}

fn stage_name(kind: OrderKind, stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "Process Start",
        Stage::Complete => "Process Complete",
        Stage::Change => match kind {
            OrderKind::CreateApp => "Application Creation",
            OrderKind::Deploy | OrderKind::DeployHistory => "Application Update",
            OrderKind::Rollback => "Application Rollback",
            OrderKind::ScaleIn => "Scale In",
            OrderKind::ScaleOut => "Scale Out",
            OrderKind::Restart => "Application Restart",
            OrderKind::Start => "Application Start",
            OrderKind::Stop => "Application Stop",
            OrderKind::DeleteApp => "Application Deletion",
            OrderKind::Configure => "Configuration Update",
            OrderKind::BindSlb => "SLB Binding",
            OrderKind::UnbindSlb => "SLB Unbinding",
            OrderKind::SetService => "Service Update",
            OrderKind::DeleteService => "Service Deletion",
        },
    }
}

fn task_name(kind: OrderKind, stage: Stage) -> &'static str {
    match (stage, kind) {
        (Stage::Start, _) => "Accept Change",
        (Stage::Complete, _) => "Complete Change",
        (Stage::Change, OrderKind::DeleteApp) => "Delete Application",
        (Stage::Change, OrderKind::BindSlb | OrderKind::SetService) => "Apply Service",
        (Stage::Change, OrderKind::UnbindSlb | OrderKind::DeleteService) => "Delete Service",
        (Stage::Change, _) => "Apply Application",
    }
}
