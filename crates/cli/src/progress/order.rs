//! A change order in words: its batches, pods and messages.

use sternway_wire::codes::{RetryType, Status};
use sternway_wire::model::{ChangeOrderInfo, Instance, PipelineInfo, TaskInfo};

use crate::output::{self, Table, details, outcome_mark};

/// The message of a task that went well, by which some clients recognise the end.
const NO_NEWS: &str = "Success";

/// The order in a few lines, for a glance.
pub(crate) fn in_brief(info: &ChangeOrderInfo) -> Vec<String> {
    let head = format!("{} {}: {}", mark(info.status), info.co_type, output::status(info.status));
    let batches = info.pipeline_info_list.iter().map(|pipeline| {
        let pods = pods_in_words(pipeline);
        let pods = if pods.is_empty() { String::new() } else { format!("  ({pods})") };
        format!(
            "  {} {}: {}{pods}",
            mark(pipeline.pipeline_status),
            pipeline.pipeline_name,
            output::status(pipeline.pipeline_status)
        )
    });
    std::iter::once(head).chain(batches).collect()
}

/// What happened between two looks at an order, one line each.
pub(crate) fn news(before: Option<&ChangeOrderInfo>, after: &ChangeOrderInfo) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, pipeline) in after.pipeline_info_list.iter().enumerate() {
        let earlier = before.and_then(|before| before.pipeline_info_list.get(index));
        let status = pipeline.pipeline_status;
        let was = earlier.map_or(Status::Ready.code(), |earlier| earlier.pipeline_status);
        if status != was {
            lines.push(format!("{} {}: {}", mark(status), pipeline.pipeline_name, output::status(status)));
        }
        let known: Vec<&str> = earlier.map(messages).unwrap_or_default();
        for message in messages(pipeline) {
            if !known.contains(&message) {
                lines.push(format!("    {}", plain(message)));
            }
        }
    }
    if before.is_none_or(|before| before.status != after.status) {
        let hint = match Status::from_code(after.status) {
            Some(Status::AwaitingConfirmation) => {
                format!(". Go on with: sternway order continue {}", after.change_order_id)
            }
            _ => String::new(),
        };
        lines.push(format!("{} {}: {}{hint}", mark(after.status), after.co_type, output::status(after.status)));
    }
    let known = before.map(details_of).unwrap_or_default();
    lines.extend(
        details_of(after).into_iter().filter(|detail| !known.contains(detail)).map(|detail| format!("  {detail}")),
    );
    if waiting_for_retry(after).is_some() && before.and_then(waiting_for_retry).is_none() {
        let id = &after.change_order_id;
        lines.push(format!("? It waits for a person. Try again with: sternway order retry {id}, or go back with: sternway order rollback {id}"));
    }
    lines
}

/// Everything about the order that a person may want to know.
pub(crate) fn in_full(info: &ChangeOrderInfo) -> String {
    let mut text = details(&[
        ("Change order", info.change_order_id.clone()),
        ("Change", info.co_type.clone()),
        ("Status", format!("{} {}", mark(info.status), output::status(info.status))),
        ("Description", info.change_order_description.clone()),
        ("Details", details_of(info).join("\n")),
        ("Batches", format!("{}, {}", info.batch_count, info.batch_type.to_lowercase())),
        ("Created", info.create_time.clone()),
        ("By", info.create_user_id.clone()),
        ("Can be rolled back", if info.support_rollback { "yes" } else { "no" }.to_owned()),
    ]);
    for pipeline in &info.pipeline_info_list {
        let status = pipeline.pipeline_status;
        text.push_str(&format!("\n{} {}: {}\n", mark(status), pipeline.pipeline_name, output::status(status)));
        for message in messages(pipeline) {
            text.push_str(&format!("  {}\n", plain(message)));
        }
        let pods = instances(pipeline);
        if !pods.is_empty() {
            let mut table = Table::new(["POD", "STATUS", "PHASE", "IP"], "");
            for pod in pods {
                table.row([
                    pod.pod_name.clone(),
                    output::status(pod.status),
                    pod.pod_status.clone(),
                    plain(&pod.instance_ip),
                ]);
            }
            text.extend(table.text().lines().map(|line| format!("  {line}\n")));
        }
    }
    text
}

/// The failed task that waits for a person to have it tried again, if there is one.
pub(crate) fn waiting_for_retry(info: &ChangeOrderInfo) -> Option<&TaskInfo> {
    let tasks = info
        .pipeline_info_list
        .iter()
        .flat_map(|pipeline| &pipeline.stage_detail_list)
        .flat_map(|stage| &stage.task_list);
    let is_over = Status::from_code(info.status).is_some_and(Status::is_terminal);
    tasks.filter(|_| !is_over).find(|task| task.retry_type == RetryType::Manual.code())
}

/// What there is to know beside the batches: warnings, and which order this one rolls back or was rolled back by.
fn details_of(info: &ChangeOrderInfo) -> Vec<String> {
    let tips = plain(&info.traffic_control.tips);
    let requests = (!tips.is_empty()).then(|| format!("Requests for the gray batch: {tips}."));
    info.desc.split("<br>").map(plain).filter(|line| !line.is_empty()).chain(requests).collect()
}

fn mark(status: i32) -> &'static str {
    outcome_mark(Status::from_code(status))
}

/// The pods of a batch, each once: several stages may show the same.
fn instances(pipeline: &PipelineInfo) -> Vec<&Instance> {
    let mut found: Vec<&Instance> = Vec::new();
    for stage in &pipeline.stage_list {
        for instance in &stage.stage_result_dto.instance_dto_list {
            if !found.iter().any(|known| known.pod_name == instance.pod_name) {
                found.push(instance);
            }
        }
    }
    found
}

fn pods_in_words(pipeline: &PipelineInfo) -> String {
    let pods = instances(pipeline);
    if pods.is_empty() {
        return String::new();
    }
    let ready = pods.iter().filter(|pod| pod.status == Status::Succeeded.code()).count();
    format!("{ready} of {} pods ready", pods.len())
}

/// What the tasks of a batch say, errors included, each once. A task that says no more than that it succeeded says nothing.
fn messages(pipeline: &PipelineInfo) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for task in pipeline.stage_detail_list.iter().flat_map(|stage| &stage.task_list) {
        for message in [&task.task_message, &task.task_error_message] {
            let is_known = found.iter().any(|known| known.contains(message.as_str()));
            if !is_known && !message.is_empty() && message != NO_NEWS {
                found.push(message);
            }
        }
    }
    found
}

/// A message without the line breaks of HTML, on one line.
fn plain(message: &str) -> String {
    message.replace("<br>", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use sternway_wire::model::{StageDetail, StageInfo, StageResult};

    use super::*;

    fn pipeline(status: Status, message: &str) -> PipelineInfo {
        let pod = Instance {
            pod_name: "shop-1".into(),
            status: 2,
            instance_ip: "10.0.0.1<br>".into(),
            ..Instance::default()
        };
        let result = StageResult { instance_dto_list: vec![pod.clone(), pod], ..StageResult::default() };
        let task = TaskInfo { task_message: message.into(), ..TaskInfo::default() };
        PipelineInfo {
            pipeline_name: "Batch 1 Change".into(),
            pipeline_status: status.code(),
            stage_list: vec![StageInfo { stage_result_dto: result, ..StageInfo::default() }],
            stage_detail_list: vec![StageDetail { task_list: vec![task], ..StageDetail::default() }],
            ..PipelineInfo::default()
        }
    }

    fn order(status: Status, pipeline: PipelineInfo) -> ChangeOrderInfo {
        ChangeOrderInfo {
            change_order_id: "o".into(),
            co_type: "Application Deployment".into(),
            status: status.code(),
            pipeline_info_list: vec![pipeline],
            ..ChangeOrderInfo::default()
        }
    }

    #[test]
    fn news_are_what_changed_and_nothing_else() {
        let running = order(Status::Running, pipeline(Status::Running, NO_NEWS));
        assert_eq!(news(None, &running), ["▶ Batch 1 Change: in progress", "▶ Application Deployment: in progress"]);
        assert!(news(Some(&running), &running).is_empty());
        let message = "Apply success. <br>application is ready at desired state, version: 22";
        let waiting = order(Status::AwaitingConfirmation, pipeline(Status::AwaitingConfirmation, message));
        assert_eq!(
            news(Some(&running), &waiting),
            [
                "? Batch 1 Change: waiting for confirmation",
                "    Apply success. application is ready at desired state, version: 22",
                "? Application Deployment: waiting for confirmation. Go on with: sternway order continue o",
            ]
        );
    }

    #[test]
    fn a_failure_that_waits_for_a_person_is_news_once() {
        let running = order(Status::Running, pipeline(Status::Running, ""));
        let mut paused = running.clone();
        paused.pipeline_info_list[0].stage_detail_list[0].task_list[0].retry_type = RetryType::Manual.code();
        assert_eq!(news(Some(&running), &paused).len(), 1);
        assert!(news(Some(&paused), &paused).is_empty());
        paused.status = Status::Aborted.code();
        assert!(waiting_for_retry(&paused).is_none(), "nothing waits in an order that is over");
    }

    #[test]
    fn details_are_news_when_they_come() {
        let running = order(Status::Running, pipeline(Status::Running, ""));
        let rolled_back = ChangeOrderInfo { desc: "Rolled back by o2.<br>slow".into(), ..running.clone() };
        assert_eq!(news(Some(&running), &rolled_back), ["  Rolled back by o2.", "  slow"]);
        assert!(news(Some(&rolled_back), &rolled_back).is_empty());
    }

    #[test]
    fn a_pod_that_two_stages_show_counts_once() {
        let brief = in_brief(&order(Status::Running, pipeline(Status::Running, "")));
        assert_eq!(brief[1], "  ▶ Batch 1 Change: in progress  (1 of 1 pods ready)");
    }

    #[test]
    fn the_full_text_has_pods_and_messages_in_plain_words() {
        let text = in_full(&order(Status::Succeeded, pipeline(Status::Succeeded, "done.<br>all of it")));
        assert!(text.contains("  done. all of it\n"), "{text}");
        assert!(text.contains("  shop-1  successful"), "{text}");
        assert!(!text.contains("<br>"));
    }
}
