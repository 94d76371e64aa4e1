//! Comparison of what the sandbox did in a step with what was recorded. Each tolerance names the finding that allows
//! it (F1 to F27 are the numbered findings that come with the recordings).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sternway_sandbox::object;

use crate::world::World;

/// F14: how later events of many begin; the recorder stripped it.
const COMBINED: &str = "(combined from similar events): ";

/// F14: so many events of one Deployment are certain to be kept.
const EVENT_BURST: usize = 25;

/// Differences of one step, each a line for a person.
pub(crate) type Differences = Vec<String>;

/// The names of ReplicaSets (which end in a hash) and the images they stand for.
pub(crate) type Names = BTreeMap<String, String>;

/// Compares settled states, field by field.
pub(crate) fn states(recorded: &Value, actual: &Value, recorded_names: &Names, actual_names: &Names) -> Differences {
    let recorded = normal_state(recorded, recorded_names);
    let actual = normal_state(actual, actual_names);
    let mut differences = Vec::new();
    differ("settled", &recorded, &actual, &mut differences);
    differences
}

/// The state without what no two runs share: names, hashes, and the generation of ReplicaSets (F1: it counts how often
/// a set was scaled, and that depends on the path).
fn normal_state(state: &Value, names: &Names) -> Value {
    let mut state = state.clone();
    rename(&mut state, names);
    for group in state["pods"].as_object_mut().into_iter().flatten().map(|(_, group)| group) {
        group.as_object_mut().unwrap().remove("names");
    }
    // The recorder listed conditions by type, whatever their order in the object.
    if let Some(conditions) = state.pointer_mut("/deployment/status/conditions").and_then(Value::as_array_mut) {
        conditions.sort_by_key(|condition| object::text(condition, "/type").to_owned());
    }
    let sets = state["replicasets"].as_array_mut().unwrap();
    for set in sets.iter_mut() {
        // The generation itself may differ, and that it has been observed may not.
        let observed = set["status"].get("observedGeneration").is_some_and(|one| *one == set["generation"]);
        let set = set.as_object_mut().unwrap();
        for key in ["name", "hash", "generation"] {
            set.remove(key);
        }
        set["status"].as_object_mut().unwrap().remove("observedGeneration");
        set.insert("observed".into(), json!(observed));
    }
    sets.sort_by_key(|set| {
        let revision = object::text(set, "/annotations/deployment.kubernetes.io~1revision").to_owned();
        (object::text(set, "/image").to_owned(), revision, set["spec_replicas"].as_i64(), set["has_owner"].as_bool())
    });
    state
}

/// Replaces the names of ReplicaSets in all texts by the images they run.
fn rename(value: &mut Value, names: &Names) {
    match value {
        Value::String(text) => *text = renamed(text, names),
        Value::Array(list) => list.iter_mut().for_each(|one| rename(one, names)),
        Value::Object(map) => map.values_mut().for_each(|one| rename(one, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One text with the names of ReplicaSets replaced.
pub(crate) fn renamed(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, image)| text.replace(name.as_str(), &format!("<set of {image}>")))
}

/// Compares the answer to a request: the status code, and the Status body of a refusal.
pub(crate) fn responses(recorded: &Value, code: u16, body: &Value) -> Differences {
    let mut differences = Vec::new();
    differ("code", &recorded["http"], &json!(code), &mut differences);
    let Some(status) = recorded.get("status") else {
        return differences;
    };
    let fields: serde_json::Map<String, Value> = ["status", "reason", "message", "code", "details"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), body.get(key)?.clone())))
        .collect();
    let mut expected = status.clone();
    let mut actual = Value::Object(fields);
    // F26: a body of the wrong type is quoted whole in the message, with uids and times; compare what comes before.
    for text in [&mut expected, &mut actual] {
        shorten_quotes(text);
    }
    differ("status", &expected, &actual, &mut differences);
    differences
}

fn shorten_quotes(value: &mut Value) {
    const QUOTED: &str = "Invalid value: \"{\\\"apiVersion\\\"";
    match value {
        Value::String(text) => {
            if let Some(position) = text.find(QUOTED) {
                let reason = text.rfind("}\": ").map(|end| text[end..].to_owned()).unwrap_or_default();
                text.truncate(position + QUOTED.len());
                text.push_str(&reason);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(shorten_quotes),
        Value::Object(map) => map.values_mut().for_each(shorten_quotes),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Compares how many pods of each image there were before and after, and how many of them are the same.
pub(crate) fn pods_kept(step: &Value, world: &World) -> Differences {
    let before = &world.seen.pods_before;
    let after = world.seen.pods_now();
    let mut recorded = step["pods_kept"].clone();
    let mut actual = json!({});
    for image in before.keys().chain(after.keys()) {
        let old = before.get(image).cloned().unwrap_or_default();
        let new = after.get(image).cloned().unwrap_or_default();
        actual[image] = json!({"before": old.len(), "after": new.len(), "kept": old.intersection(&new).count()});
    }
    for (image, group) in recorded.as_object_mut().unwrap() {
        let mut ignored: &[&str] = &[];
        if grew_and_shrank(step, image) {
            // F1: whether a set that grew and then shrank lost young pods or old ones depends on the nodes they were
            // on, since crowded nodes are relieved first.
            ignored = &["kept"];
        }
        if world.unsettled {
            // The step began at some moment of a roll-out, so that only its end can be compared.
            ignored = &["before", "kept"];
        }
        for field in ignored {
            for group in [&mut *group, &mut actual[image]] {
                group.as_object_mut().map(|group| group.remove(*field));
            }
        }
    }
    let mut differences = Vec::new();
    differ("pods_kept", &recorded, &actual, &mut differences);
    differences
}

fn grew_and_shrank(step: &Value, image: &str) -> bool {
    let scales = || object::items(step, "/rs_scales").iter().filter(|scale| scale["image"] == image);
    let change = |scale: &Value| scale["to"].as_i64().unwrap() - scale["from"].as_i64().unwrap_or(0);
    scales().any(|scale| change(scale) > 0) && scales().any(|scale| change(scale) < 0)
}

/// What a step may do to the counts, from the Deployment's spec and the state at its start.
pub(crate) struct Bounds {
    pub(crate) replicas: i64,
    pub(crate) surge: i64,
    pub(crate) unavailable: i64,
    pub(crate) ready_before: i64,
    pub(crate) spec_before: i64,
    /// Only rolling updates have bounds of their own; other steps must stay within what was recorded.
    pub(crate) rolling: bool,
}

/// Compares extremes as bounds (F1: the path is a race, so another path may reach less far, but never further).
pub(crate) fn extremes(step: &Value, world: &World, bounds: &Bounds) -> Differences {
    let recorded = &step["extremes"];
    let mut differences = Vec::new();
    let mut check = |what: &'static str, floor: Option<i64>, ceiling: Option<i64>| {
        let number = |end: &str| recorded[format!("{end}_{what}")].as_i64().unwrap();
        let (least, most) = world.seen.extremes[what];
        let lowest = floor.map_or(number("min"), |floor| floor.min(number("min")));
        let highest = ceiling.map_or(number("max"), |ceiling| ceiling.max(number("max")));
        if least < lowest {
            differences.push(format!("min_{what}: {least} is lower than {lowest} (recorded {})", number("min")));
        }
        if most > highest {
            differences.push(format!("max_{what}: {most} is higher than {highest} (recorded {})", number("max")));
        }
    };
    let rolling = bounds.rolling.then_some(());
    // F11: ready pods stay at or above min(N - u, ready at the start), by the u of the new spec.
    let floor = rolling.map(|()| (bounds.replicas - bounds.unavailable).min(bounds.ready_before));
    // F12: the sizes of all sets together stay at or below max(N + s, the total at the start).
    let ceiling = rolling.map(|()| (bounds.replicas + bounds.surge).max(bounds.spec_before));
    // F12: pod objects exceed that by up to two, since the sets are synced one by one.
    let pods = ceiling.map(|ceiling| ceiling + 2);
    check("ready", floor, ceiling);
    check("total", floor, pods);
    check("spec_total", floor, ceiling);
    check("status_available", floor, ceiling);
    // A status may be written between any two syncs, and counts as unavailable what the sizes promise and is not
    // available; so it is bounded by the ceiling alone.
    check("status_unavailable", Some(0), ceiling);
    differences.extend(ready_by_image(step, world));
    differences
}

/// Compares the least and most ready pods of each image that had any.
fn ready_by_image(step: &Value, world: &World) -> Differences {
    let mut recorded = step["extremes"]["ready_by_image"].clone();
    let mut actual = json!({});
    for (image, (least, most)) in &world.seen.ready_by_image {
        if *most == 0 {
            continue;
        }
        let mut most = *most;
        if grew_and_shrank(step, image) && most < recorded[image]["max"].as_i64().unwrap_or(0) {
            // F1, F12: the recorded ReplicaSet controller was behind and let pods get ready that were surplus already.
            most = recorded[image]["max"].as_i64().unwrap();
        }
        actual[image] = json!({"min": least, "max": most});
    }
    recorded.as_object_mut().unwrap().retain(|_, range| range["max"] != 0);
    let mut differences = Vec::new();
    differ("ready_by_image", &recorded, &actual, &mut differences);
    differences
}

/// Compares the events of scalings. Where the sandbox took another path than the recording (F1), it must have reported
/// its own path truthfully; where it took the same, the events must be those recorded.
pub(crate) fn events(step: &Value, world: &mut World, recorded_names: &Names) -> Differences {
    let theirs: Vec<(String, Option<i64>, i64)> = object::items(step, "/rs_scales")
        .iter()
        .map(|one| (object::text(one, "/image").to_owned(), one["from"].as_i64(), one["to"].as_i64().unwrap()))
        .collect();
    let ours = &world.seen.scales;
    world.scalings.0 += theirs.len();
    world.scalings.1 += ours.len();

    let mut differences = Vec::new();
    let events: Vec<String> =
        world.seen.events.iter().map(|event| renamed(event.trim_start_matches(COMBINED), &world.seen.images)).collect();
    for event in &events {
        let told = |(image, from, to): &(String, Option<i64>, i64)| {
            let from = from.unwrap_or(0);
            let direction = if from < *to { "up" } else { "down" };
            *event == format!("Scaled {direction} replica set <set of {image}> from {from} to {to}")
        };
        if !ours.iter().any(told) {
            differences.push(format!("event tells of what was not done: {event}"));
        }
    }
    // F14: beyond so many events of a Deployment some are lost, and which depends on how many there were before.
    let complete = world.scalings.0.max(world.scalings.1) <= EVENT_BURST;
    if complete && sorted(ours) == sorted(&theirs) {
        let recorded: Vec<String> = object::items(step, "/events")
            .iter()
            .map(|event| renamed(event.as_str().unwrap(), recorded_names))
            .collect();
        if sorted(&recorded) != sorted(&events) {
            differences.push(format!("events: recorded {recorded:?}, here {events:?}"));
        }
    }
    differences
}

/// Compares what a deletion took with it and in which order (F21): the same objects, and of a ReplicaSet, its pods and
/// the Deployment the first and last in the same order. Beyond that the order is a race between ReplicaSets.
pub(crate) fn deletions(step: &Value, world: &World) -> Differences {
    if !matches!(step["do"]["op"].as_str(), Some("delete" | "delete_rs")) {
        return Differences::new();
    }
    let recorded: Vec<String> = object::items(step, "/deletions")
        .iter()
        .flat_map(|one| {
            let count = usize::try_from(one["count"].as_i64().unwrap()).unwrap();
            vec![object::text(one, "/object").to_owned(); count]
        })
        .collect();
    let actual = &world.seen.deletions;
    let images = world.seen.images.values();
    let same_order = images.into_iter().all(|image| ends(&recorded, image) == ends(actual, image));
    let mut differences = Vec::new();
    if sorted(&recorded) != sorted(actual) || !same_order {
        differences.push(format!("deletions: recorded {recorded:?}, here {actual:?}"));
    }
    differences
}

/// The first and the last deletion of each kind, in order, of what belongs to the ReplicaSet of one image.
fn ends(deletions: &[String], image: &str) -> Vec<String> {
    let family: Vec<&String> =
        deletions.iter().filter(|one| one.starts_with("Deployment") || one.ends_with(&format!(" {image}"))).collect();
    let mut ends: Vec<(usize, String)> = Vec::new();
    for kind in ["Deployment", "ReplicaSet", "Pod"] {
        let of_kind = |one: &&String| one.starts_with(kind);
        ends.extend(family.iter().position(of_kind).map(|first| (first, format!("first {kind}"))));
        ends.extend(family.iter().rposition(of_kind).map(|last| (last, format!("last {kind}"))));
    }
    ends.sort();
    ends.into_iter().map(|(_, end)| end).collect()
}

fn sorted<T: Clone + Ord>(list: &[T]) -> Vec<T> {
    let mut list = list.to_vec();
    list.sort();
    list
}

/// Collects all differences between two values.
pub(crate) fn differ(path: &str, expected: &Value, actual: &Value, differences: &mut Differences) {
    match (expected, actual) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => differ(&path, one, other, differences),
                    (Some(one), None) => differences.push(format!("{path}: recorded {one}, here absent")),
                    (None, Some(other)) => differences.push(format!("{path}: not recorded, here {other}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{path}[{index}]"), one, other, differences);
            }
        }
        (one, other) if one == other => {}
        (one, other) => differences.push(format!("{path}: recorded {one}, here {other}")),
    }
}
