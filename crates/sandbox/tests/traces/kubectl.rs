//! The requests that the recorded kubectl commands made, and what kubectl itself refused.

use serde_json::{Value, json};
use sternway_sandbox::object;

use crate::world::World;

const REVISION: &str = "deployment.kubernetes.io/revision";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// Runs a command; answers with its exit code, and what it printed where that depends on the cluster.
pub(crate) fn run(world: &mut World, command: &Value) -> (i64, Option<String>) {
    let arguments: Vec<&str> = command["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    match arguments.as_slice() {
        ["rollout", "pause", _] => patch(world, STRATEGIC, &json!({"spec": {"paused": true}})),
        ["rollout", "resume", _] => patch(world, STRATEGIC, &json!({"spec": {"paused": null}})),
        ["rollout", "undo", _] => undo(world, None),
        ["rollout", "undo", _, revision] => {
            undo(world, Some(revision.strip_prefix("--to-revision=").unwrap().parse().unwrap()))
        }
        ["rollout", "history", _] => (0, Some(history(world))),
        ["apply", "-f", "-"] => apply(world, &command["stdin"]),
        other => panic!("kubectl command not known: {other:?}"),
    }
}

fn patch(world: &mut World, kind: &str, body: &Value) -> (i64, Option<String>) {
    let path = world.path("deployments", "web");
    let (code, answer) = world.request_as("PATCH", &path, &[], kind, body);
    assert_eq!(code, 200, "{answer}");
    (0, None)
}

fn revisions(world: &mut World) -> Vec<(i64, Value)> {
    let path = world.path("replicasets", "");
    let list = world.get(&path);
    let mut sets: Vec<(i64, Value)> = object::items(&list, "/items")
        .iter()
        .filter(|set| object::controller_of(set).is_some())
        .map(|set| (object::annotation(set, REVISION).map_or(0, |one| one.parse().unwrap()), set.clone()))
        .collect();
    sets.sort_by_key(|(revision, _)| *revision);
    sets
}

fn history(world: &mut World) -> String {
    let lines: Vec<String> =
        revisions(world).into_iter().map(|(revision, _)| format!("{revision:<9} <none>")).collect();
    format!("deployment.apps/web \nREVISION  CHANGE-CAUSE\n{}", lines.join("\n"))
}

fn undo(world: &mut World, to: Option<i64>) -> (i64, Option<String>) {
    let path = world.path("deployments", "web");
    let deployment = world.get(&path);
    if deployment["spec"]["paused"] == true {
        return (1, None);
    }
    let revisions = revisions(world);
    let chosen = match to {
        Some(revision) => revisions.iter().find(|(one, _)| *one == revision),
        None => revisions.len().checked_sub(2).map(|index| &revisions[index]),
    };
    let Some((_, set)) = chosen else {
        return (1, None);
    };
    let mut template = set["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    // kubectl takes the annotations of the ReplicaSet, and of the Deployment those that are never copied.
    let mut annotations = json!({});
    for key in [REVISION, LAST_APPLIED] {
        if let Some(value) = object::annotation(&deployment, key) {
            annotations[key] = json!(value);
        }
    }
    for (key, value) in object::annotations(set).unwrap() {
        if !key.starts_with("deployment.kubernetes.io/") {
            annotations[key] = value.clone();
        }
    }
    let body = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    patch(world, "application/json-patch+json", &body)
}

fn apply(world: &mut World, file: &Value) -> (i64, Option<String>) {
    let path = world.path("deployments", "web");
    let live = world.get(&path);
    let before: Value =
        object::annotation(&live, LAST_APPLIED).map_or(json!({}), |text| serde_json::from_str(text).unwrap());
    let mut body = removals(&before, file);
    merge(&mut body, file);
    body["metadata"]["annotations"] = json!({LAST_APPLIED: file.to_string()});
    patch(world, STRATEGIC, &body)
}

/// Nulls for all fields that the last file had and this one has not.
fn removals(before: &Value, after: &Value) -> Value {
    let mut patch = json!({});
    for (key, old) in before.as_object().into_iter().flatten() {
        match after.get(key) {
            None => patch[key] = Value::Null,
            Some(new) if new.is_object() => {
                let inner = removals(old, new);
                if inner != json!({}) {
                    patch[key] = inner;
                }
            }
            Some(_) => {}
        }
    }
    patch
}

fn merge(into: &mut Value, from: &Value) {
    match from.as_object() {
        Some(fields) => {
            for (key, value) in fields {
                if !into[key].is_object() {
                    into[key] = json!({});
                }
                merge(&mut into[key], value);
            }
        }
        None => *into = from.clone(),
    }
}
