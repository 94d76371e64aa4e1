//! Label and field selectors: what is understood is understood again from its own text, and selects the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use sternway_sandbox::api::selector::{FieldSelector, LabelSelector};
use sternway_sandbox::resources;

fuzz_target!(|text: &str| {
    let labels = [json!({}), json!({"app": "web", "tier": "5", "": "", "in": "a"}), json!({"app": "", "tier": "x"})];
    let objects = labels.map(|labels| {
        json!({"metadata": {"name": "a", "namespace": "b", "labels": labels}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}})
    });
    if let Ok(selector) = LabelSelector::parse(text) {
        let shown = selector.to_string();
        let again = LabelSelector::parse(&shown).unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        assert_eq!(again.to_string(), shown);
        for object in &objects {
            assert_eq!(selector.matches(object), again.matches(object), "{shown:?}");
        }
    }
    if let Ok(selector) = FieldSelector::parse(text) {
        for object in &objects {
            let matches = selector.matches(object);
            assert!(!matches || selector.name().is_none_or(|name| name == "a"));
            assert!(matches || !selector.is_empty());
        }
        for resource in resources::all() {
            let _ = selector.check(resource);
        }
    }
});
