//! Label selectors, as `LabelSelector` objects have them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Labels of an object.
pub(crate) type Labels = BTreeMap<String, String>;

/// Reads labels; anything that is no text is left out.
pub(crate) fn labels(value: &Value) -> Labels {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// All of its requirements have to hold; an empty one selects everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Selector {
    /// Reads a `LabelSelector`. `None` for an absent one, which selects nothing. A requirement that is not understood is left out: selecting
    /// too much errs on the safe side.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let selector = value.as_object()?;
        let equal = labels(selector.get("matchLabels").unwrap_or(&Value::Null))
            .into_iter()
            .map(|(key, value)| Requirement::In(key, vec![value]));
        let expressions =
            selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten().filter_map(requirement);
        Some(Self(equal.chain(expressions).collect()))
    }

    /// Whether it selects an object with these labels.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|it| values.contains(it)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|it| !values.contains(it)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Absent(key) => !labels.contains_key(key),
        })
    }

    /// The form for the `labelSelector` parameter of a list.
    pub(crate) fn to_query(&self) -> String {
        let requirements = self.0.iter().map(|requirement| match requirement {
            Requirement::In(key, values) => match values.as_slice() {
                [value] => format!("{key}={value}"),
                values => format!("{key} in ({})", values.join(",")),
            },
            Requirement::NotIn(key, values) => format!("{key} notin ({})", values.join(",")),
            Requirement::Exists(key) => key.clone(),
            Requirement::Absent(key) => format!("!{key}"),
        });
        requirements.collect::<Vec<_>>().join(",")
    }
}

fn requirement(expression: &Value) -> Option<Requirement> {
    let key = expression["key"].as_str()?.to_owned();
    let values = || {
        let values = expression["values"].as_array().into_iter().flatten();
        values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    match expression["operator"].as_str()? {
        "In" => Some(Requirement::In(key, values())),
        "NotIn" => Some(Requirement::NotIn(key, values())),
        "Exists" => Some(Requirement::Exists(key)),
        "DoesNotExist" => Some(Requirement::Absent(key)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requirements_hold_as_kubernetes_has_them() {
        let web = labels(&json!({"app": "web", "tier": "front"}));
        let expression =
            |key, operator, values| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        let table = [
            (json!({}), true, ""),
            (json!({"matchLabels": {"app": "web"}}), true, "app=web"),
            (json!({"matchLabels": {"app": "api"}}), false, "app=api"),
            (json!({"matchLabels": {"app": "web", "zone": "a"}}), false, "app=web,zone=a"),
            (expression("app", "In", vec!["api", "web"]), true, "app in (api,web)"),
            (expression("app", "NotIn", vec!["web"]), false, "app notin (web)"),
            (expression("zone", "NotIn", vec!["a"]), true, "zone notin (a)"),
            (expression("tier", "Exists", vec![]), true, "tier"),
            (expression("zone", "Exists", vec![]), false, "zone"),
            (expression("zone", "DoesNotExist", vec![]), true, "!zone"),
            (expression("app", "DoesNotExist", vec![]), false, "!app"),
        ];
        for (json, matches, query) in table {
            let selector = Selector::from_json(&json).unwrap();
            assert_eq!(selector.matches(&web), matches, "{json}");
            assert_eq!(selector.to_query(), query);
        }
        assert_eq!(Selector::from_json(&Value::Null), None);
    }
}
