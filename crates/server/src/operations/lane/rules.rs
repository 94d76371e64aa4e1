//! EntryRules: `[{"priority":1,"path":"/traffic","condition":"AND","restItems":[{"type":"header","name":"user","value":"a","cond":"==",
//! "operator":"rawvalue"}]}]`.
//!
//! An empty path, `/` and `/*` are every path; a path that ends in `/*` is all below it; any other is that path alone. `percent` is ours: the share of the
//! requests that match.

use serde_json::{Map, Value, json};
use sternway_core::route::{Condition, Path, Place, Rule};
use sternway_wire::error::GatewayError;
use sternway_wire::parameters::Given;
use sternway_wire::parameters::structure::Node;

pub(super) const PARAMETER: &str = "EntryRules";

const PERCENT: &str = "percent";
const KNOWN: [&str; 6] = ["condition", "enable", "path", PERCENT, "priority", "restItems"];
const KNOWN_OF_ITEM: [&str; 6] = ["cond", "datum", "name", "operator", "type", "value"];
const LAST_PRIORITY: i64 = 100;
const MOST_RULES: usize = 64;
// The Gateway API's own limits.
const LONGEST_NAME: usize = 256;
const LONGEST_VALUE: usize = 1024;
const LONGEST_PATH: usize = 1024;

/// A rule as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntryRule {
    pub(super) priority: i64,
    pub(super) enabled: bool,
    pub(super) rule: Rule,
}

/// Reads the rules of a request; what is kept of them is the JSON.
pub(super) fn given(value: Given<Value>) -> Result<Given<Value>, GatewayError> {
    value.try_map(|value| {
        read(&value)?;
        Ok(value)
    })
}

/// Reads rules.
pub(super) fn read(value: &Value) -> Result<Vec<EntryRule>, GatewayError> {
    let root = Node::root(PARAMETER, value);
    let items = root.items()?;
    if items.len() > MOST_RULES {
        return Err(root.error(&format!("Give at most {MOST_RULES} rules.")));
    }
    items.iter().map(entry_rule).collect()
}

/// The rules as clients read them: with what was left out, and switched off where their lane is.
pub(super) fn shown(value: &Value, enabled: bool) -> String {
    let mut rules = value.clone();
    for rule in rules.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let own = rule.get("enable").is_none_or(|enable| *enable != false);
        rule.insert("enable".to_owned(), json!(enabled && own));
        fill(rule, "priority", json!(1));
        fill(rule, "path", json!("/"));
        fill(rule, "condition", json!("AND"));
        fill(rule, "restItems", json!([]));
        let items = rule.get_mut("restItems").and_then(Value::as_array_mut);
        for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
            let value = item.get("value").or_else(|| item.get("datum")).cloned().unwrap_or_default();
            fill(item, "value", value.clone());
            fill(item, "datum", value);
            fill(item, "cond", json!("=="));
            fill(item, "operator", json!("rawvalue"));
        }
    }
    rules.to_string()
}

fn fill(fields: &mut Map<String, Value>, key: &str, value: Value) {
    fields.entry(key).or_insert(value);
}

fn entry_rule(node: &Node<'_>) -> Result<EntryRule, GatewayError> {
    node.object(&KNOWN)?;
    let any = is_any(node)?;
    let items = node.member("restItems").map(|items| items.items()).transpose()?.unwrap_or_default();
    let conditions = items.iter().map(condition).collect::<Result<_, _>>()?;
    let number = |name: &str, least: i64, most: i64, default: i64| -> Result<i64, GatewayError> {
        node.member(name).map_or(Ok(default), |number| number.integer(least, most))
    };
    let priority = number("priority", 1, LAST_PRIORITY, 1)?;
    let percent = number(PERCENT, 0, 100, 100)?;
    let enabled = node.member("enable").map_or(Ok(true), |enable| enable.boolean())?;
    let rule = Rule { path: path(node)?, any, conditions, percent: u8::try_from(percent).unwrap_or(100) };
    Ok(EntryRule { priority, enabled, rule })
}

/// Whether one condition is enough, by the member `condition`.
pub(crate) fn is_any(node: &Node<'_>) -> Result<bool, GatewayError> {
    let word = node.member("condition").map(|condition| condition.text().map(str::to_ascii_uppercase)).transpose()?;
    match word.as_deref() {
        // Terraform's provider for private clouds writes ADD.
        None | Some("AND" | "ADD") => Ok(false),
        Some("OR") => Ok(true),
        Some(_) => Err(node.error("\"condition\" is AND or OR.")),
    }
}

/// The path in the member `path`; every path if there is none.
pub(crate) fn path(node: &Node<'_>) -> Result<Path, GatewayError> {
    let Some(member) = node.member("path") else {
        return Ok(Path::Below("/".to_owned()));
    };
    let text = member.text()?.trim();
    let is_fine = |path: &str| {
        path.starts_with('/')
            && path.len() <= LONGEST_PATH
            && !path.contains("//")
            && !path.split('/').any(|part| part == "." || part == "..")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"#?*\"<>\\^`{|}".contains(&byte))
    };
    let below = text.strip_suffix("/**").or_else(|| text.strip_suffix("/*"));
    let path = match (text, below) {
        ("" | "/", _) | (_, Some("")) => Path::Below("/".to_owned()),
        (_, Some(below)) => Path::Below(below.to_owned()),
        (exact, None) => Path::Exact(exact.to_owned()),
    };
    let (Path::Below(text) | Path::Exact(text)) = &path;
    if is_fine(text) {
        return Ok(path);
    }
    Err(member.error("Give an absolute path without query and without \"//\", \".\" and \"..\"; \"/*\" at its end means all below it."))
}

/// What a request has to carry.
pub(crate) fn condition(node: &Node<'_>) -> Result<Condition, GatewayError> {
    node.object(&KNOWN_OF_ITEM)?;
    let place = match node.required_text("type")?.to_ascii_lowercase().as_str() {
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        "param" => Place::Parameter,
        _ => return Err(node.error("\"type\" is header, cookie or param.")),
    };
    let name = node.required_text("name")?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.len() > LONGEST_NAME || !name.bytes().all(is_token) {
        return Err(node.error("\"name\" has letters, digits and the signs that a header's name may have."));
    }
    let value = match node.member("value").or_else(|| node.member("datum")) {
        Some(value) => value.text()?,
        None => return Err(node.error("\"value\" is missing.")),
    };
    let word = |name: &str| -> Result<String, GatewayError> {
        node.member(name).map_or(Ok(String::new()), |word| Ok(word.text()?.to_ascii_lowercase()))
    };
    let values: Vec<&str> = match (word("cond")?.as_str(), word("operator")?.as_str()) {
        ("" | "==" | "list", "list") | ("list" | "in", "" | "rawvalue") => value.split(',').map(str::trim).collect(),
        ("" | "==", "" | "rawvalue") => vec![value],
        ("!=" | ">" | "<" | ">=" | "<=" | "mod", _) | (_, "mod") => {
            return Err(node.error(
                "An HTTPRoute compares for equality alone. Give \"cond\":\"==\" with one value, or \"cond\":\"list\" with values between commas; \
                 for a share of the requests give \"percent\" in the rule.",
            ));
        }
        _ => return Err(node.error("\"cond\" is == or list, \"operator\" is rawvalue or list.")),
    };
    let is_fine = |value: &&str| {
        let visible = |character: char| !character.is_control() && (place != Place::Cookie || character != ';');
        !value.is_empty() && value.len() <= LONGEST_VALUE && value.chars().all(visible)
    };
    if !values.iter().all(is_fine) {
        return Err(node.error("A value has at least one character, at most 1024 bytes and no control characters."));
    }
    let values = values.into_iter().map(str::to_owned).collect();
    Ok(Condition { place, name: name.to_owned(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(rule: Value) -> Result<EntryRule, GatewayError> {
        Ok(read(&json!([rule]))?.remove(0))
    }

    #[test]
    fn the_published_examples_are_read() {
        let item =
            json!({"type": "header", "name": "testheader", "value": "testvalue", "cond": "==", "operator": "rawvalue"});
        let rule = json!({"priority": 1, "path": "/traffic", "condition": "AND", "restItems": [item]});
        let read = read_one(rule).unwrap();
        assert_eq!((read.priority, read.enabled, read.rule.percent), (1, true, 100));
        assert_eq!(read.rule.path, Path::Exact("/traffic".to_owned()));
        let condition = &read.rule.conditions[0];
        assert_eq!((condition.place, condition.name.as_str()), (Place::Header, "testheader"));
        assert_eq!(condition.values, ["testvalue"]);

        let listed = json!({"cond": "==", "datum": "value", "name": "tags", "operator": "rawvalue", "type": "header", "value": "value"});
        let rule = json!({"condition": "OR", "enable": false, "path": "/", "priority": "7", "restItems": [listed]});
        let read = read_one(rule).unwrap();
        assert_eq!((read.priority, read.enabled, read.rule.any), (7, false, true));
        assert_eq!(read.rule.path, Path::Below("/".to_owned()));
    }

    #[test]
    fn paths_and_lists() {
        for (text, expected) in [
            ("", Path::Below("/".to_owned())),
            ("/*", Path::Below("/".to_owned())),
            ("/**", Path::Below("/".to_owned())),
            ("/a/*", Path::Below("/a".to_owned())),
            ("/a/b", Path::Exact("/a/b".to_owned())),
        ] {
            assert_eq!(read_one(json!({"path": text})).unwrap().rule.path, expected, "{text}");
        }
        for item in [json!({"cond": "list"}), json!({"cond": "==", "operator": "list"})] {
            let mut item = item;
            item["type"] = json!("cookie");
            item["name"] = json!("user");
            item["value"] = json!("a, b");
            let rule = read_one(json!({"restItems": [item]})).unwrap().rule;
            assert_eq!(rule.conditions[0].values, ["a", "b"]);
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        let item = |item: Value| json!({"restItems": [item]});
        for (rule, expected) in [
            (json!({"path": "a"}), "absolute path"),
            (json!({"path": "/a?b"}), "absolute path"),
            (json!({"path": "/a/../b"}), "absolute path"),
            (json!({"condition": "XOR"}), "AND or OR"),
            (json!({"percent": 101}), "from 0 to 100"),
            (json!({"priority": 0}), "from 1 to 100"),
            (json!({"colour": 1}), "not known"),
            (item(json!({"type": "body", "name": "a", "value": "b"})), "header, cookie or param"),
            (item(json!({"type": "header", "name": "a b", "value": "b"})), "header's name"),
            (item(json!({"type": "header", "name": "a"})), "\"value\" is missing"),
            (item(json!({"type": "header", "name": "a", "value": ""})), "at least one character"),
            (item(json!({"type": "cookie", "name": "a", "value": "b;c=d"})), "control characters"),
            (item(json!({"type": "header", "name": "a", "value": "b", "cond": "!="})), "equality alone"),
            (
                item(json!({"type": "header", "name": "a", "value": "5", "cond": "<", "operator": "mod"})),
                "equality alone",
            ),
        ] {
            let error = read_one(rule).unwrap_err();
            assert!(error.message.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_was_left_out_is_shown() {
        let rules = json!([{"restItems": [{"type": "header", "name": "a", "value": "b"}]}]);
        let shown: Value = serde_json::from_str(&shown(&rules, true)).unwrap();
        assert_eq!(shown[0]["enable"], true);
        assert_eq!(shown[0]["restItems"][0]["datum"], "b");
        assert_eq!((&shown[0]["condition"], &shown[0]["priority"]), (&json!("AND"), &json!(1)));
    }
}
