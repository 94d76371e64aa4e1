//! The Gateway API's kinds, which the sandbox keeps and does not act on. They come with custom resource definitions, so a cluster may lack
//! them: see `Options::gateway_api`.

use serde_json::{Value, json};

use super::FieldError;
use super::field::one_of;

/// The API group.
pub const GROUP: &str = "gateway.networking.k8s.io";

// The limits that the definitions of the standard channel set.
const MOST_RULES: usize = 16;
const MOST_MATCHES: usize = 64;
const MOST_MATCHES_OF_ALL: usize = 128;

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn validate_route(new: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::new();
    let rules = list(spec, "rules");
    if rules.len() > MOST_RULES {
        errors.push(too_many("spec.rules", rules.len(), MOST_RULES));
    }
    let all: usize = rules.iter().map(|rule| list(rule, "matches").len()).sum();
    if all > MOST_MATCHES_OF_ALL {
        errors.push(too_many("spec.rules", all, MOST_MATCHES_OF_ALL));
    }
    for (index, rule) in rules.iter().enumerate() {
        let matches = list(rule, "matches");
        if matches.len() > MOST_MATCHES {
            errors.push(too_many(&format!("spec.rules[{index}].matches"), matches.len(), MOST_MATCHES));
        }
        for (at, one) in matches.iter().enumerate() {
            errors.extend(validate_match(&format!("spec.rules[{index}].matches[{at}]"), one));
        }
    }
    errors
}

fn validate_match(field: &str, one: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(path) = one.get("path") {
        errors.extend(one_of(
            &format!("{field}.path.type"),
            path.get("type"),
            &["Exact", "PathPrefix", "RegularExpression"],
        ));
        if !path.get("value").and_then(Value::as_str).is_none_or(|value| value.starts_with('/')) {
            let value = path.get("value").cloned().unwrap_or_default();
            errors.push(FieldError::invalid(format!("{field}.path.value"), &value, "value must be an absolute path"));
        }
    }
    for key in ["headers", "queryParams"] {
        for (at, item) in list(one, key).iter().enumerate() {
            let place = format!("{field}.{key}[{at}]");
            errors.extend(one_of(&format!("{place}.type"), item.get("type"), &["Exact", "RegularExpression"]));
            for needed in ["name", "value"] {
                if item.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
                    errors.push(FieldError::required(format!("{place}.{needed}"), "Required value"));
                }
            }
        }
    }
    errors
}

fn too_many(field: &str, count: usize, most: usize) -> FieldError {
    FieldError::invalid(field, &json!(count), &format!("must have at most {most} items"))
}
