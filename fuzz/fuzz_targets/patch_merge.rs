//! Merge patches: the sandbox, the engine's preview and a third implementation agree; applying twice is applying once; and the patch
//! from one document to another leads there.
//!
//! Input: target, patch (which is also taken for the document to lead to).

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use sternway_core::effect::apply_merge;
use sternway_fuzz::documents;
use sternway_sandbox::patch::merge;

fuzz_target!(|data: &[u8]| {
    let documents = documents(data);
    let [target, patch] = documents.as_slice() else {
        return;
    };
    let applied = |patch: &Value, target: &Value| {
        let [mut ours, mut core, mut third] = [target.clone(), target.clone(), target.clone()];
        merge::apply(&mut ours, patch);
        apply_merge(&mut core, patch);
        json_patch::merge(&mut third, patch);
        assert_eq!(ours, core);
        assert_eq!(ours, third);
        ours
    };
    let once = applied(patch, target);
    assert_eq!(applied(patch, &once), once);
    let wanted = without_nulls(patch);
    if let Some(patch) = difference(target, &wanted) {
        assert_eq!(applied(&patch, target), wanted);
    }
});

/// No merge patch can express a null in an object.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        other => other.clone(),
    }
}

fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = new.iter().filter_map(|(name, value)| match old.get(name) {
        Some(before) => difference(before, value).map(|patch| (name.clone(), patch)),
        None => Some((name.clone(), value.clone())),
    });
    let patch: Map<String, Value> = gone.chain(changed).collect();
    (!patch.is_empty()).then_some(Value::Object(patch))
}
