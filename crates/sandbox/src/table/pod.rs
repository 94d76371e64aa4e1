//! The row of a Pod, whose status column condenses its containers' states into a word.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, since};
use crate::object::{self, integer, items, text};

/// Name, ready, status, restarts, age, IP, node, nominated node, readiness gates.
pub(crate) fn pod(object: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summary(object);
    let total = items(object, "/spec/containers").len();
    let or_none = |text: &str| json!(if text.is_empty() { "<none>" } else { text });
    let restarts = match (summary.restarts, summary.last_restart) {
        (count, Some(last)) if count > 0 => {
            format!("{count} ({} ago)", since(Some(last), now).as_str().unwrap_or_default())
        }
        (count, _) => count.to_string(),
    };
    let gates = items(object, "/spec/readinessGates");
    let passed = gates.iter().filter(|gate| condition(object, text(gate, "/conditionType")) == "True").count();
    let gates = if gates.is_empty() { "<none>".to_owned() } else { format!("{passed}/{}", gates.len()) };
    vec![
        json!(object::name(object)),
        json!(format!("{}/{total}", summary.ready)),
        json!(summary.word),
        json!(restarts),
        age(object, now),
        or_none(text(object, "/status/podIP")),
        or_none(text(object, "/spec/nodeName")),
        or_none(text(object, "/status/nominatedNodeName")),
        json!(gates),
    ]
}

#[derive(Default)]
struct Summary {
    word: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

fn summary(pod: &Value) -> Summary {
    let phase = text(pod, "/status/phase");
    let reason = text(pod, "/status/reason");
    let mut summary = Summary { word: if reason.is_empty() { phase } else { reason }.to_owned(), ..Summary::default() };
    if items(pod, "/status/conditions").iter().any(|one| text(one, "/reason") == "SchedulingGated") {
        summary.word = "SchedulingGated".to_owned();
    }
    if let Some(word) = initializing(pod, &mut summary) {
        summary.word = format!("Init:{word}");
    } else {
        running(pod, &mut summary);
    }
    if object::is_deleting(pod) {
        if reason == "NodeLost" {
            summary.word = "Unknown".to_owned();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            summary.word = "Terminating".to_owned();
        }
    }
    summary
}

/// What the init containers are at, while they are not all done.
fn initializing(pod: &Value, summary: &mut Summary) -> Option<String> {
    let total = items(pod, "/spec/initContainers").len();
    for (index, status) in items(pod, "/status/initContainerStatuses").iter().enumerate() {
        count_restarts(status, summary);
        if integer(status, "/state/terminated/exitCode") == Some(0) {
            continue;
        }
        if status.pointer("/state/terminated").is_some() {
            return Some(terminated_word(status));
        }
        return Some(match text(status, "/state/waiting/reason") {
            "" | "PodInitializing" => format!("{index}/{total}"),
            reason => reason.to_owned(),
        });
    }
    None
}

fn running(pod: &Value, summary: &mut Summary) {
    summary.restarts = 0;
    let mut any_running = false;
    // From the last to the first, so that the first container has the last word.
    for status in items(pod, "/status/containerStatuses").iter().rev() {
        count_restarts(status, summary);
        let waiting = text(status, "/state/waiting/reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.word);
        } else if status.pointer("/state/terminated").is_some() {
            summary.word = terminated_word(status);
        } else if status.get("ready") == Some(&Value::Bool(true)) && status.pointer("/state/running").is_some() {
            any_running = true;
            summary.ready += 1;
        }
    }
    if summary.word == "Completed" && any_running {
        let ready = condition(pod, "Ready") == "True";
        summary.word = if ready { "Running" } else { "NotReady" }.to_owned();
    }
}

fn terminated_word(status: &Value) -> String {
    match (text(status, "/state/terminated/reason"), integer(status, "/state/terminated/signal")) {
        ("", Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        ("", _) => format!("ExitCode:{}", integer(status, "/state/terminated/exitCode").unwrap_or(0)),
        (reason, _) => reason.to_owned(),
    }
}

fn count_restarts(status: &Value, summary: &mut Summary) {
    summary.restarts += integer(status, "/restartCount").unwrap_or(0);
    let ended = object::timestamp(status, "/lastState/terminated/finishedAt");
    summary.last_restart = summary.last_restart.max(ended);
}

fn condition<'a>(pod: &'a Value, kind: &str) -> &'a str {
    let found = items(pod, "/status/conditions").iter().find(|one| text(one, "/type") == kind);
    found.map_or("", |one| text(one, "/status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(status: Value, deleting: bool) -> String {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{}, {}]}, "status": status});
        if deleting {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        let cells = pod_cells(&pod);
        format!("{} {} {}", cells[1], cells[2], cells[3]).replace('"', "")
    }

    fn pod_cells(object: &Value) -> Vec<Value> {
        pod(object, "2026-01-01T00:01:00Z".parse().unwrap())
    }

    #[test]
    fn words() {
        let running = json!({"ready": true, "state": {"running": {}}});
        let looping = json!({"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"finishedAt": "2026-01-01T00:00:30Z"}}});
        let done = json!({"state": {"terminated": {"reason": "Completed"}}});
        let killed = json!({"state": {"terminated": {"signal": 9}}});
        let cases = [
            (json!({"phase": "Pending"}), false, "0/2 Pending 0"),
            (json!({"phase": "Running", "containerStatuses": [running, running]}), false, "2/2 Running 0"),
            (json!({"phase": "Running", "containerStatuses": [running, running]}), true, "2/2 Terminating 0"),
            (
                json!({"phase": "Running", "containerStatuses": [running, looping]}),
                false,
                "1/2 CrashLoopBackOff 3 (30s ago)",
            ),
            (json!({"phase": "Running", "containerStatuses": [running, done]}), false, "1/2 NotReady 0"),
            (json!({"phase": "Failed", "containerStatuses": [killed]}), true, "0/2 Signal:9 0"),
            (json!({"phase": "Failed", "reason": "Evicted"}), false, "0/2 Evicted 0"),
        ];
        for (status, deleting, expected) in cases {
            assert_eq!(word(status, deleting), expected);
        }
    }

    #[test]
    fn init_containers() {
        let mut pod = json!({"spec": {"containers": [{}], "initContainers": [{}, {}]},
            "status": {"phase": "Pending", "initContainerStatuses": [{"state": {"terminated": {"exitCode": 0}}},
                {"state": {"waiting": {"reason": "PodInitializing"}}}]}});
        assert_eq!(pod_cells(&pod)[2], "Init:1/2");
        pod["status"]["initContainerStatuses"][1]["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
        assert_eq!(pod_cells(&pod)[2], "Init:ImagePullBackOff");
    }
}
