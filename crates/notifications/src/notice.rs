//! Which events of orders are told of, and what is told: the same for the same event, whenever and however often it is asked.

use jiff::Timestamp;
use serde::Serialize;
use sternway_core::application::Application;
use sternway_core::order::{Order, Status};
use sternway_core::ports::{ClusterRecord, FeedEntry};

/// What the types of all notices about orders begin with.
pub(crate) const TYPE_PREFIX: &str = "io.sternway.order.";
const TEST_TYPE: &str = "io.sternway.test";

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The same for the same event: receivers recognise a repetition by it.
    pub(crate) id: String,
    /// The type without its beginning, such as `succeeded`.
    pub(crate) event: &'static str,
    /// CloudEvents' type.
    pub(crate) kind: String,
    /// CloudEvents' source: the application.
    pub(crate) source: String,
    /// CloudEvents' subject: the order.
    pub(crate) subject: String,
    /// When it happened.
    pub(crate) time: Timestamp,
    /// What kind of change, for a sentence: `deploy`.
    pub(crate) noun: &'static str,
    pub(crate) data: Data,
}

/// What is told, under the names that EDAS's API has for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Data {
    pub(crate) change_order_id: String,
    /// The event's number in the order's record, from 1; not all of them are told of.
    pub(crate) sequence: u64,
    pub(crate) app_id: String,
    pub(crate) app_name: String,
    pub(crate) namespace: String,
    pub(crate) cluster_id: String,
    pub(crate) cluster_name: String,
    pub(crate) logical_region_id: String,
    pub(crate) co_type_code: String,
    /// EDAS's number of the order's state after the event.
    pub(crate) status: i32,
    /// The number of the version that the order brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
    /// The batch that had begun, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<usize>,
    pub(crate) batches: usize,
    /// Why it failed, as a name for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What happened, for people.
    pub(crate) message: String,
    pub(crate) description: String,
    pub(crate) user_id: String,
    pub(crate) source: String,
    pub(crate) trace_id: String,
    /// The order that this one rolls back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rolls_back: Option<String>,
    /// The order that rolls this one back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rolled_back_by: Option<String>,
}

/// What an event is called outside; `None` for what is told to nobody. `status` is the order's state after it.
pub(crate) fn event_name(kind: &str, status: Status) -> Option<&'static str> {
    Some(match kind {
        "OrderAccepted" => "accepted",
        "ApprovalAsked" => "approval-asked",
        "Approved" => "approved",
        "Rejected" => "rejected",
        "OrderStarted" => "started",
        "BatchStarted" => "batch-started",
        "BatchComplete" => "batch-complete",
        "GateClosed" => "batch-waiting",
        "Confirmed" => "batch-confirmed",
        "Paused" => "paused",
        "Retried" => "retried",
        "AbortAsked" => "abort-asked",
        "AbortAndRollbackAsked" => "rollback-asked",
        "RolledBack" => "rollback-started",
        "OrderEnded" => match status {
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Aborted => "aborted",
            Status::SystemFailed => "system-failed",
            Status::Ready | Status::Running | Status::AwaitingConfirmation | Status::AwaitingInterval => return None,
        },
        _ => return None,
    })
}

impl Notice {
    /// What is told of an event. The application is gone after its deletion, and the cluster may be.
    pub(crate) fn of(
        entry: &FeedEntry,
        order: &Order,
        app: Option<&Application>,
        cluster: Option<&ClusterRecord>,
    ) -> Option<Self> {
        let event = event_name(&entry.event.kind, entry.status)?;
        let workload = &order.workload;
        let begun =
            order.pipelines.iter().filter(|pipeline| pipeline.started_at.is_some_and(|at| at <= entry.event.at));
        let batch = Some(begun.count()).filter(|count| *count > 0);
        let failed = matches!(event, "failed" | "paused");
        let reason = order.pipelines.iter().find_map(|pipeline| pipeline.error.as_ref()).filter(|_| failed);
        // An order gets its rollback in the commit of these, or never.
        let gone_back = matches!(event, "aborted" | "failed" | "rollback-asked" | "rollback-started");
        let text = |id: Option<sternway_core::ids::OrderId>| id.map(|id| id.to_string());
        Some(Self {
            id: format!("{}-{}", order.id, entry.sequence),
            event,
            kind: format!("{TYPE_PREFIX}{event}"),
            source: format!(
                "/clusters/{}/namespaces/{}/applications/{}",
                workload.cluster, workload.namespace, order.app
            ),
            subject: order.id.to_string(),
            time: entry.event.at,
            noun: order.kind.noun().split_once(' ').map_or("change", |(_, noun)| noun),
            data: Data {
                change_order_id: order.id.to_string(),
                sequence: entry.sequence,
                app_id: order.app.to_string(),
                app_name: app.map_or(&workload.name, |app| &app.name).clone(),
                namespace: workload.namespace.clone(),
                cluster_id: workload.cluster.to_string(),
                cluster_name: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
                logical_region_id: app.map(|app| app.logical_region.clone()).unwrap_or_default(),
                co_type_code: order.kind.code().to_owned(),
                status: entry.status.code(),
                version: order.brings().map(|version| version.0),
                batch,
                batches: order.pipelines.len(),
                reason: reason.map(|failure| failure.code.clone()),
                message: entry.event.text.clone(),
                description: order.description.clone(),
                user_id: order.actor.user.clone(),
                source: order.actor.source.clone(),
                trace_id: order.actor.trace_id.clone(),
                rolls_back: text(order.rolls_back),
                rolled_back_by: text(order.rolled_back_by).filter(|_| gone_back),
            },
        })
    }

    /// What tells that a webhook works.
    pub(crate) fn test(id: uuid::Uuid, webhook: &str, now: Timestamp) -> Self {
        let message = format!("This is a test of the webhook {webhook}. No change order is behind it.");
        Self {
            id: format!("test-{id}"),
            event: "test",
            kind: TEST_TYPE.to_owned(),
            source: "/webhooks".to_owned(),
            subject: webhook.to_owned(),
            time: now,
            noun: "test",
            data: Data { message, ..Data::default() },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A notice of that event.
    pub(crate) fn notice(event: &'static str) -> Notice {
        Notice {
            id: "47e2a63a-5a3e-4a3c-9a3c-000000000001-7".to_owned(),
            event,
            kind: format!("{TYPE_PREFIX}{event}"),
            source: "/clusters/c1/namespaces/shop/applications/a1".to_owned(),
            subject: "47e2a63a-5a3e-4a3c-9a3c-000000000001".to_owned(),
            time: "2026-11-26T04:00:00.5Z".parse().unwrap(),
            noun: "deploy",
            data: Data {
                change_order_id: "47e2a63a-5a3e-4a3c-9a3c-000000000001".to_owned(),
                sequence: 7,
                app_id: "a1".to_owned(),
                app_name: "web".to_owned(),
                namespace: "shop".to_owned(),
                cluster_id: "c1".to_owned(),
                cluster_name: "lab".to_owned(),
                logical_region_id: "cn-hangzhou".to_owned(),
                co_type_code: "CoDeploy".to_owned(),
                status: 2,
                version: Some(22),
                batch: Some(2),
                batches: 3,
                reason: None,
                message: "ended with status 2: all is <well>".to_owned(),
                description: "v22".to_owned(),
                user_id: "alice".to_owned(),
                source: "pop".to_owned(),
                trace_id: "0badc0de".to_owned(),
                rolls_back: None,
                rolled_back_by: None,
            },
        }
    }

    #[test]
    fn an_end_is_called_by_its_status_and_inner_steps_are_told_to_nobody() {
        assert_eq!(event_name("OrderEnded", Status::Aborted), Some("aborted"));
        assert_eq!(event_name("OrderEnded", Status::SystemFailed), Some("system-failed"));
        assert_eq!(event_name("GateClosed", Status::AwaitingConfirmation), Some("batch-waiting"));
        for inner in ["WaveAsked", "WavePinned", "HoldRenewed", "Finishing", "Failed", ""] {
            assert_eq!(event_name(inner, Status::Running), None, "{inner}");
        }
    }
}
