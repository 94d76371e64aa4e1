//! What is not compared, and why. Everything else is.

use serde_json::Value;

use super::compare::Difference;

/// Exchanges before which the controllers had settled in the recording, though no note says so.
const SETTLED: &[(&str, usize)] = &[
    ("delete-propagation", 4),
    ("delete-propagation", 8),
    ("pods-eviction", 16),
    ("pod-delete-graceful", 3),
    ("pod-delete-graceful", 10),
    ("rollout-history", 1),
];

/// Exchanges that the recording sent before the controllers had acted on the one before.
const HASTY: &[(&str, std::ops::RangeInclusive<usize>)] = &[("pdb", 9..=9), ("scale", 7..=16)];

/// Watches that were kept open until the controllers had settled.
const WATCHED_ON: &[(&str, usize)] =
    &[("pod-delete-graceful", 3), ("watch-deployment", 3), ("watch-deployment", 4), ("watch-deployment", 5)];

/// Whether the controllers settle before this exchange.
pub(crate) fn settles(vector: &str, exchange: usize) -> bool {
    SETTLED.contains(&(vector, exchange))
}

/// Whether this exchange comes before the controllers act.
pub(crate) fn is_hasty(vector: &str, exchange: usize) -> bool {
    HASTY.iter().any(|(name, exchanges)| *name == vector && exchanges.contains(&exchange))
}

/// Whether the controllers settle while this watch is still open, after the last exchange it saw.
pub(crate) fn settles_before_close(vector: &str, exchange: usize) -> bool {
    WATCHED_ON.contains(&(vector, exchange))
}

/// A difference that is allowed to be.
struct Tolerance {
    vector: &'static str,
    exchange: usize,
    /// The beginning of the place.
    place: &'static str,
    reason: &'static str,
}

const fn tolerance(vector: &'static str, exchange: usize, place: &'static str, reason: &'static str) -> Tolerance {
    Tolerance { vector, exchange, place, reason }
}

const NO_ADDRESSES: &str = "the recording's node program gave this pod no address";
const INTERLEAVING: &str = "how the controllers interleave is not reproducible, so neither are versions across watches";
const NODE_WORDS: &str = "words of the recording's node program, where a kubelet has its own";

const MAP_ORDER: &str = "the server walks a map here, in an order that changes from run to run";
const UNTRACKED: &str = "the sandbox does not track its own controllers as owners of fields";
const MASKED_REQUEST: &str = "the address that the request sent is masked, in the request too";
const CUT_LAYOUT: &str = "the recording's placeholder took a part of the text";

const TOLERANCES: &[Tolerance] = &[
    tolerance("configmaps-invalid", 4, "/message", MAP_ORDER),
    tolerance("configmaps-invalid", 4, "/details/causes", MAP_ORDER),
    tolerance("leases", 6, "/message", CUT_LAYOUT),
    tolerance("leases", 6, "/details/causes/0/message", CUT_LAYOUT),
    tolerance("services-clusterip", 7, "/message", MASKED_REQUEST),
    tolerance("services-clusterip", 7, "/details/causes/0/message", MASKED_REQUEST),
    tolerance("ssa-conflict-force", 9, "/details/causes", MAP_ORDER),
    tolerance("ssa-deployment", 1, "/metadata/managedFields", UNTRACKED),
    tolerance("ssa-deployment", 4, "/metadata/managedFields", UNTRACKED),
    tolerance("ssa-deployment", 5, "/metadata/managedFields", UNTRACKED),
    tolerance("table-workloads", 4, "/rows/0/cells/5", NO_ADDRESSES),
    tolerance("watch-deployment", 3, "/2/object/status/terminatingReplicas", INTERLEAVING),
    tolerance("watch-deployment", 4, "/1/object/metadata/resourceVersion", INTERLEAVING),
    tolerance("watch-deployment", 5, "/0/object/metadata/resourceVersion", INTERLEAVING),
    tolerance("watch-deployment", 5, "/1/object/metadata/resourceVersion", INTERLEAVING),
    tolerance("watch-deployment", 5, "/2/object/status/conditions/0/message", NODE_WORDS),
    tolerance("watch-deployment", 5, "/2/object/status/conditions/4/message", NODE_WORDS),
];

/// The differences that no tolerance covers, as texts; and the tolerances that cover nothing, unless the recordings
/// are others than those that the tolerances were written for.
pub(crate) fn apply(vector: &str, differences: Vec<Difference>) -> Vec<String> {
    let mut used = vec![false; TOLERANCES.len()];
    let mut left: Vec<String> = Vec::new();
    for difference in differences {
        let covering = TOLERANCES.iter().position(|tolerance| {
            (tolerance.vector, tolerance.exchange) == (vector, difference.exchange)
                && difference.place.starts_with(tolerance.place)
        });
        match covering {
            Some(index) => used[index] = true,
            None => left.push(format!("  #{} {}: {}", difference.exchange, difference.place, difference.text)),
        }
    }
    let known_recordings = std::env::var_os("STERNWAY_HTTP_VECTORS_DIR").is_none();
    for (tolerance, used) in TOLERANCES.iter().zip(used) {
        if known_recordings && tolerance.vector == vector && !used {
            left.push(format!("  nothing needs the tolerance of {} ({})", tolerance.place, tolerance.reason));
        }
    }
    left
}

/// The events of a watch as they are to be compared.
pub(crate) fn events(vector: &str, exchange: usize, expected: &Value, actual: &Value) -> (Value, Value) {
    match (vector, exchange) {
        // How many bookmarks come, apart from the one that ends the initial events, is a matter of milliseconds.
        ("watch-initial-events", 11 | 12) => (without(expected, is_plain_bookmark), without(actual, is_plain_bookmark)),
        ("watch-bookmarks", 1) => (one_bookmark(expected), one_bookmark(actual)),
        // A kubelet reports a container that is being created; the recording's node program did not.
        ("watch-deployment", 5) => (expected.clone(), without(actual, is_being_created)),
        _ => (expected.clone(), actual.clone()),
    }
}

fn without(events: &Value, dropped: fn(&Value) -> bool) -> Value {
    events.as_array().into_iter().flatten().filter(|event| !dropped(event)).cloned().collect()
}

/// Of several bookmarks in a row the last one: it says all that the others said.
fn one_bookmark(events: &Value) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for event in events.as_array().into_iter().flatten() {
        if is_plain_bookmark(event) && kept.last().is_some_and(is_plain_bookmark) {
            kept.pop();
        }
        kept.push(event.clone());
    }
    Value::Array(kept)
}

fn is_plain_bookmark(event: &Value) -> bool {
    event["type"] == "BOOKMARK" && !event.to_string().contains("k8s.io/initial-events-end")
}

fn is_being_created(event: &Value) -> bool {
    let status = &event["object"]["status"];
    status["phase"] == "Pending" && status["containerStatuses"].is_array()
}

/// What is compared of the status of a pod that a node runs: the recording's nodes were a program, whose order of
/// conditions, image digests and container ids are its own.
pub(crate) fn normalise(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: serde_json::Map<String, Value> =
                map.iter().map(|(key, value)| (key.clone(), normalise(value))).collect();
            if let Some(Value::Array(containers)) = map.get_mut("containerStatuses") {
                for container in containers.iter_mut().filter_map(Value::as_object_mut) {
                    container.remove("imageID");
                    container.remove("containerID");
                }
                if let Some(Value::Array(conditions)) = map.get_mut("conditions") {
                    conditions.sort_by_key(|condition| condition["type"].to_string());
                }
            }
            Value::Object(map)
        }
        Value::Array(items) => items.iter().map(normalise).collect(),
        other => other.clone(),
    }
}
