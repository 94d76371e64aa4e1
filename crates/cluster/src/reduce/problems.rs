//! What keeps a pod from running, in the kubelet's or the scheduler's own words.
//!
//! A container's waiting reason says it best. Where the kubelet has not come to name it yet (a container that has just ended again), the way it
//! ended does.

use serde_json::Value;
use sternway_core::observation::{Problem, ProblemKind};

use super::{count, some_text, text};

/// A problem, and how often its container was restarted: with each restart there is another log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) problem: Problem,
    pub(crate) restarts: u32,
}

/// The first problem of a pod; containers count in their order, init containers first.
pub(crate) fn find(pod: &Value) -> Option<Found> {
    let (metadata, status) = (&pod["metadata"], &pod["status"]);
    if metadata["deletionTimestamp"].is_string() {
        return None;
    }
    if status["phase"] == "Failed" {
        return Some(of_pod(ProblemKind::PodFailed, failed(status)));
    }
    let containers = ["initContainerStatuses", "containerStatuses"];
    containers
        .iter()
        .filter_map(|list| status[list].as_array())
        .flatten()
        .find_map(of_container)
        .or_else(|| unschedulable(status))
}

fn of_container(container: &Value) -> Option<Found> {
    let restarts = count(&container["restartCount"]).unwrap_or(0);
    let state = &container["state"];
    let last = &container["lastState"]["terminated"];
    let (kind, reason, message) = if let Some(reason) = state["waiting"]["reason"].as_str() {
        let kind = kind_of(reason)?;
        let message = text(&state["waiting"]["message"]);
        let message = match kind {
            ProblemKind::CrashLoop => joined(message, how_it_ended(last)),
            ProblemKind::ImagePull | ProblemKind::Container | ProblemKind::Unschedulable | ProblemKind::PodFailed => {
                message
            }
        };
        (kind, reason.to_owned(), message)
    } else {
        let ended = &state["terminated"];
        let failed = ended["exitCode"].as_i64().is_some_and(|code| code != 0);
        if !failed || restarts == 0 {
            return None;
        }
        let reason = some_text(&ended["reason"]).unwrap_or_else(|| "Error".to_owned());
        (ProblemKind::CrashLoop, reason, how_it_ended(ended)?)
    };
    Some(Found {
        problem: Problem { kind, container: text(&container["name"]), reason, message, last_log: None },
        restarts,
    })
}

/// The class of a waiting reason; `None` for one that is only a stage on the way (`ContainerCreating`, `PodInitializing`).
fn kind_of(reason: &str) -> Option<ProblemKind> {
    match reason {
        "CrashLoopBackOff" => Some(ProblemKind::CrashLoop),
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => Some(ProblemKind::ImagePull),
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PreStartHookError"
        | "PostStartHookError" => Some(ProblemKind::Container),
        _ => None,
    }
}

/// `exit code 137 (OOMKilled): message`.
fn how_it_ended(terminated: &Value) -> Option<String> {
    let code = terminated["exitCode"].as_i64()?;
    let reason = match terminated["reason"].as_str() {
        // They say no more than the code does.
        None | Some("" | "Error" | "Completed") => String::new(),
        Some(reason) => format!(" ({reason})"),
    };
    let message =
        some_text(&terminated["message"]).map(|message| format!(": {}", message.trim_end())).unwrap_or_default();
    Some(format!("exit code {code}{reason}{message}"))
}

fn joined(message: String, end: Option<String>) -> String {
    match end {
        None => message,
        Some(end) if message.is_empty() => end,
        Some(end) => format!("{message}; {end}"),
    }
}

fn failed(status: &Value) -> (String, String) {
    let disruption = condition(status, "DisruptionTarget").filter(|it| it["status"] == "True");
    let from = |field: &str| some_text(&status[field]).or_else(|| some_text(&disruption?[field]));
    (from("reason").unwrap_or_else(|| "Failed".to_owned()), from("message").unwrap_or_default())
}

fn unschedulable(status: &Value) -> Option<Found> {
    let scheduled = condition(status, "PodScheduled")?;
    if scheduled["status"] != "False" || scheduled["reason"] != "Unschedulable" {
        return None;
    }
    let words = ("Unschedulable".to_owned(), text(&scheduled["message"]));
    Some(of_pod(ProblemKind::Unschedulable, words))
}

fn of_pod(kind: ProblemKind, (reason, message): (String, String)) -> Found {
    Found { problem: Problem { kind, container: String::new(), reason, message, last_log: None }, restarts: 0 }
}

/// A condition of `status.conditions` by its type.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waiting(reason: &str, message: &str) -> Value {
        json!({"containerStatuses": [{
            "name": "app", "restartCount": 2, "state": {"waiting": {"reason": reason, "message": message}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        }]})
    }

    fn ended(code: i32, restarts: u32) -> Value {
        json!({"containerStatuses": [{
            "name": "app", "restartCount": restarts,
            "state": {"terminated": {"exitCode": code, "reason": "OOMKilled"}},
        }]})
    }

    #[test]
    fn problems_are_told_in_the_words_of_kubernetes() {
        use ProblemKind::{Container, CrashLoop, ImagePull, PodFailed, Unschedulable};
        let back_off = "back-off 10s restarting failed container=app pod=web-1_shop(5f)";
        let no_node = "0/3 nodes are available: 3 Insufficient cpu.";
        let table = [
            (
                waiting("CrashLoopBackOff", back_off),
                (CrashLoop, "app", "CrashLoopBackOff", format!("{back_off}; exit code 1")),
            ),
            (waiting("ErrImagePull", "not found"), (ImagePull, "app", "ErrImagePull", "not found".into())),
            (
                waiting("ImagePullBackOff", "Back-off pulling image \"app:v9\""),
                (ImagePull, "app", "ImagePullBackOff", "Back-off pulling image \"app:v9\"".into()),
            ),
            (waiting("InvalidImageName", "A"), (ImagePull, "app", "InvalidImageName", "A".into())),
            (waiting("ErrImageNeverPull", "A"), (ImagePull, "app", "ErrImageNeverPull", "A".into())),
            (
                waiting("CreateContainerConfigError", "configmap \"a\" not found"),
                (Container, "app", "CreateContainerConfigError", "configmap \"a\" not found".into()),
            ),
            (waiting("CreateContainerError", "A"), (Container, "app", "CreateContainerError", "A".into())),
            (waiting("RunContainerError", "A"), (Container, "app", "RunContainerError", "A".into())),
            (ended(137, 1), (CrashLoop, "app", "OOMKilled", "exit code 137 (OOMKilled)".into())),
            (
                json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": no_node}]}),
                (Unschedulable, "", "Unschedulable", no_node.into()),
            ),
            (
                json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
                (PodFailed, "", "Evicted", "The node was low on resource: memory.".into()),
            ),
            (
                json!({"phase": "Failed", "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "message": "gone"}]}),
                (PodFailed, "", "DeletionByTaintManager", "gone".into()),
            ),
            (json!({"phase": "Failed"}), (PodFailed, "", "Failed", String::new())),
        ];
        for (status, (kind, container, reason, message)) in table {
            let found = find(&json!({"status": status})).map(|found| found.problem);
            let expected =
                Problem { kind, container: container.to_owned(), reason: reason.to_owned(), message, last_log: None };
            assert_eq!(found, Some(expected), "{status}");
        }
    }

    #[test]
    fn what_is_on_its_way_or_going_is_no_problem() {
        let calm = [
            json!({"status": waiting("ContainerCreating", "")}),
            json!({"status": waiting("PodInitializing", "")}),
            json!({"status": ended(1, 0)}),
            json!({"status": ended(0, 3)}),
            json!({"status": {"containerStatuses": [{"name": "app", "restartCount": 4, "state": {"running": {}}}]}}),
            json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}}),
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": waiting("CrashLoopBackOff", "")}),
            json!({}),
        ];
        for pod in calm {
            assert_eq!(find(&pod), None, "{pod}");
        }
    }

    #[test]
    fn init_containers_come_first() {
        let mut status = waiting("ErrImagePull", "of the main container");
        status["initContainerStatuses"] = json!([
            {"name": "fetch", "restartCount": 0, "state": {"terminated": {"exitCode": 0}}},
            {"name": "migrate", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
        ]);
        let found = find(&json!({"status": status})).unwrap();
        assert_eq!((found.problem.container.as_str(), found.restarts), ("migrate", 3));
    }
}
