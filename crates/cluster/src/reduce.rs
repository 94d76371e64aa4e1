//! From the API's objects to what is kept of them.
//!
//! Each object is reduced on arrival, by pure functions from JSON. The same functions serve the watches and the fresh reads before a write, so
//! that both see a workload in the same way.

pub(crate) mod budgets;
pub(crate) mod deployments;
pub(crate) mod pods;
pub(crate) mod problems;
pub(crate) mod selector;
pub(crate) mod sets;

use serde_json::Value;

use crate::index::Uid;

/// `metadata.uid`; `None` for something that is no stored object.
pub(crate) fn uid(object: &Value) -> Option<Uid> {
    object["metadata"]["uid"].as_str().map(str::to_owned)
}

/// A text, empty where there is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A text that is there and not empty.
fn some_text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A count as the API writes it: never negative, and far below the largest.
pub(crate) fn count(value: &Value) -> Option<u32> {
    value.as_u64().map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// The controller in `metadata.ownerReferences`, if it is of this kind: uid and name.
fn controller(object: &Value, kind: &str) -> Option<(Uid, String)> {
    object["metadata"]["ownerReferences"]
        .as_array()?
        .iter()
        .find(|owner| owner["controller"] == true && owner["kind"] == kind)
        .map(|owner| (text(&owner["uid"]), text(&owner["name"])))
}
