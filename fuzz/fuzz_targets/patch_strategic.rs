//! Strategic merge patches on a Deployment and without a schema: nothing panics, and the empty patch changes nothing.
//!
//! Input: target, patch.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Map;
use sternway_fuzz::documents;
use sternway_sandbox::patch::strategic;
use sternway_sandbox::resources::DEPLOYMENTS;

fuzz_target!(|data: &[u8]| {
    let documents = documents(data);
    let [target, patch] = documents.as_slice() else {
        return;
    };
    let Some(patch) = patch.as_object() else {
        return;
    };
    for shape in [Some(DEPLOYMENTS.schema()), None] {
        if let Ok(patched) = strategic::apply(target, patch, shape) {
            assert!(patched.is_object());
            assert_eq!(strategic::apply(&patched, &Map::new(), shape), Ok(patched));
        }
    }
});
