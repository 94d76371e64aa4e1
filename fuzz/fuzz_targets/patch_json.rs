//! JSON patches: where a strict implementation of the RFC succeeds, ours gives the same.
//!
//! Input: target, patch.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sternway_fuzz::documents;
use sternway_sandbox::patch::json;

fuzz_target!(|data: &[u8]| {
    let documents = documents(data);
    let [target, patch] = documents.as_slice() else {
        return;
    };
    let ours = json::apply(target, patch);
    let Ok(strict) = serde_json::from_value::<json_patch::Patch>(patch.clone()) else {
        return;
    };
    // Copies can double the document; the other implementation has no bound.
    if strict.0.iter().filter(|operation| matches!(operation, json_patch::PatchOperation::Copy(_))).count() > 4 {
        return;
    }
    let mut theirs = target.clone();
    if json_patch::patch(&mut theirs, &strict).is_ok() {
        assert_eq!(ours, Ok(theirs));
    }
});
