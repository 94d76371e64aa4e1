//! Pods.

use jiff::Timestamp;
use serde_json::Value;
use sternway_core::observation::Pod;

use super::problems::{self, condition};
use super::{controller, count, some_text, text};
use crate::index::Uid;

/// What is kept of a pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// The uid of the ReplicaSet that owns it.
    pub(crate) owner: Uid,
    /// The pod; the log of its problem is not in it yet.
    pub(crate) pod: Pod,
    /// Restarts of the container that its problem is about.
    pub(crate) problem_restarts: u32,
}

impl Member {
    /// Reduces the object; `None` if no ReplicaSet owns it.
    pub(crate) fn reduce(object: &Value) -> Option<Self> {
        let (owner, set) = controller(object, "ReplicaSet")?;
        let (metadata, status) = (&object["metadata"], &object["status"]);
        let deleting = metadata["deletionTimestamp"].is_string();
        let ready = condition(status, "Ready").filter(|condition| condition["status"] == "True");
        let (problem, problem_restarts) = match problems::find(object) {
            Some(found) => (Some(found.problem), found.restarts),
            None => (None, 0),
        };
        let pod = Pod {
            name: text(&metadata["name"]),
            ip: some_text(&status["podIP"]),
            node: some_text(&object["spec"]["nodeName"]),
            set: Some(set),
            phase: if deleting {
                "Terminating".to_owned()
            } else {
                some_text(&status["phase"]).unwrap_or_else(|| "Pending".to_owned())
            },
            ready: ready.is_some() && !deleting,
            ready_since: ready.and_then(|condition| time(&condition["lastTransitionTime"])),
            deleting,
            restarts: restarts(status),
            problem,
            created_at: time(&metadata["creationTimestamp"]).unwrap_or(Timestamp::UNIX_EPOCH),
        };
        Some(Self { owner, pod, problem_restarts })
    }
}

fn restarts(status: &Value) -> u32 {
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .filter_map(|list| status[list].as_array())
        .flatten()
        .filter_map(|container| count(&container["restartCount"]))
        .sum()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {
                "name": "web-1", "creationTimestamp": "2026-01-02T03:04:05Z",
                "ownerReferences": [
                    {"kind": "Other", "name": "x", "uid": "x"},
                    {"kind": "ReplicaSet", "name": "web", "uid": "set-1", "controller": true},
                ],
            },
            "spec": {"nodeName": "node-a"},
            "status": {
                "phase": "Running", "podIP": "10.0.0.7",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:05:00Z"}],
                "initContainerStatuses": [{"name": "i", "restartCount": 1}],
                "containerStatuses": [{"name": "a", "restartCount": 2}, {"name": "b", "restartCount": 0}],
            },
        })
    }

    #[test]
    fn a_ready_pod() {
        let member = Member::reduce(&object()).unwrap();
        assert_eq!(member.owner, "set-1");
        let expected = Pod {
            name: "web-1".to_owned(),
            ip: Some("10.0.0.7".to_owned()),
            node: Some("node-a".to_owned()),
            set: Some("web".to_owned()),
            phase: "Running".to_owned(),
            ready: true,
            ready_since: Some("2026-01-02T03:05:00Z".parse().unwrap()),
            deleting: false,
            restarts: 3,
            problem: None,
            created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        assert_eq!(member.pod, expected);
    }

    #[test]
    fn one_that_is_going_is_not_ready() {
        let mut object = object();
        object["metadata"]["deletionTimestamp"] = json!("2026-01-02T04:00:00Z");
        let pod = Member::reduce(&object).unwrap().pod;
        assert_eq!((pod.phase.as_str(), pod.ready, pod.deleting), ("Terminating", false, true));
    }

    #[test]
    fn one_that_has_not_come_up() {
        let mut object = object();
        object["status"] =
            json!({"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-02T03:05:00Z"}]});
        object["spec"] = json!({});
        let pod = Member::reduce(&object).unwrap().pod;
        assert_eq!((pod.phase.as_str(), pod.ready, pod.ready_since), ("Pending", false, None));
        assert_eq!((pod.ip, pod.node), (None, None));
    }

    #[test]
    fn pods_of_others_are_not_kept() {
        let mut object = object();
        object["metadata"]["ownerReferences"] = json!([{"kind": "Job", "name": "j", "uid": "j", "controller": true}]);
        assert_eq!(Member::reduce(&object), None);
    }
}
