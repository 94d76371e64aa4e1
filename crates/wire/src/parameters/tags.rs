//! Tags, and the resources that carry them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// EDAS's bounds: of tags of one resource, and of resources or keys in one request.
pub const MOST_TAGS: usize = 20;
const LONGEST_WORD: usize = 128;

/// What carries tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceType {
    Application,
    Cluster,
}

impl ResourceType {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Cluster => "cluster",
        }
    }
}

/// `ResourceType`.
pub fn resource_type(parameters: &Parameters) -> Result<ResourceType, GatewayError> {
    const NAME: &str = "ResourceType";
    let word = parameters.required(NAME, "application or cluster")?;
    let all = [ResourceType::Application, ResourceType::Cluster];
    let found = all.into_iter().find(|kind| kind.code().eq_ignore_ascii_case(word));
    found.ok_or_else(|| GatewayError::invalid_parameter(NAME, "Give application or cluster."))
}

/// `ResourceIds`: a JSON list. Without repetitions.
pub fn resource_ids(parameters: &Parameters) -> Result<Option<BTreeSet<String>>, GatewayError> {
    words(parameters, "ResourceIds")
}

/// `TagKeys`: a JSON list. Without repetitions.
pub fn tag_keys(parameters: &Parameters) -> Result<Option<BTreeSet<String>>, GatewayError> {
    words(parameters, "TagKeys")
}

/// `Tags` to set: `[{"key":"..","value":".."}]`.
pub fn tags(parameters: &Parameters) -> Result<Option<BTreeMap<String, String>>, GatewayError> {
    Ok(pairs(parameters)?.map(|pairs| pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect()))
}

/// `Tags` to look for; one without a value fits any.
pub fn wanted_tags(parameters: &Parameters) -> Result<BTreeMap<String, Option<String>>, GatewayError> {
    Ok(pairs(parameters)?.unwrap_or_default())
}

fn pairs(parameters: &Parameters) -> Result<Option<BTreeMap<String, Option<String>>>, GatewayError> {
    const NAME: &str = "Tags";
    let Given::Value(value) = parameters.json(NAME)? else {
        return Ok(None);
    };
    let root = Node::root(NAME, &value);
    let items = root.items()?;
    at_most(&root, items.len())?;
    let mut tags = BTreeMap::new();
    for item in items {
        item.object(&["key", "value", "Key", "Value"])?;
        let member = |lower: &str, upper: &str| item.member(lower).or_else(|| item.member(upper));
        let key = member("key", "Key").ok_or_else(|| item.error("\"key\" is missing."))?;
        check_key(&key)?;
        let value = member("value", "Value").map(|value| word(&value)).transpose()?;
        if tags.insert(key.text()?.to_owned(), value).is_some() {
            return Err(key.error("It is given twice; give it once."));
        }
    }
    Ok(Some(tags))
}

fn words(parameters: &Parameters, name: &str) -> Result<Option<BTreeSet<String>>, GatewayError> {
    let Given::Value(value) = parameters.json(name)? else {
        return Ok(None);
    };
    let root = Node::root(name, &value);
    let items = root.items()?;
    at_most(&root, items.len())?;
    let text = |item: &Node<'_>| match item.value {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(item.error("Give a text.")),
    };
    items.iter().map(text).collect::<Result<_, _>>().map(Some)
}

fn at_most(root: &Node<'_>, count: usize) -> Result<(), GatewayError> {
    if count > MOST_TAGS {
        return Err(root.error(&format!("Give at most {MOST_TAGS} in one request, not {count}.")));
    }
    Ok(())
}

fn check_key(key: &Node<'_>) -> Result<(), GatewayError> {
    let text = word(key)?;
    let reserved = ["aliyun", "acs:"].iter().any(|prefix| text.to_ascii_lowercase().starts_with(prefix));
    let address = text.contains("http://") || text.contains("https://");
    if text.is_empty() || reserved || address {
        return Err(key.error(
            "It is not empty, begins neither with \"aliyun\" nor with \"acs:\", and has neither \"http://\" nor \"https://\" in it.",
        ));
    }
    Ok(())
}

fn word(node: &Node<'_>) -> Result<String, GatewayError> {
    let text = node.text()?;
    if text.chars().count() > LONGEST_WORD || text.chars().any(char::is_control) {
        return Err(node.error(&format!("Give at most {LONGEST_WORD} characters, none of them a control character.")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn tags_come_in_the_documented_form() {
        for text in [
            r#"[{"key":"team","value":"shop"},{"key":"tier","value":""}]"#,
            "[{'Key': 'team', 'Value': 'shop'}, {'Key': 'tier'}]",
        ] {
            let read = tags(&parse("Tags", text)).unwrap().unwrap();
            assert_eq!(
                read,
                BTreeMap::from([("team".into(), "shop".into()), ("tier".into(), String::new())]),
                "{text}"
            );
        }
        let wanted = wanted_tags(&parse("Tags", r#"[{"key":"team"}]"#)).unwrap();
        assert_eq!(wanted, BTreeMap::from([("team".into(), None)]));
        assert_eq!(tags(&Parameters::default()).unwrap(), None);
    }

    #[test]
    fn what_edas_would_refuse_is_refused() {
        let long = "x".repeat(LONGEST_WORD + 1);
        let many: Vec<_> = (0..=MOST_TAGS).map(|at| serde_json::json!({"key": at.to_string(), "value": ""})).collect();
        let texts = [
            r#"{"key":"a"}"#.to_owned(),
            r#"[{"value":"a"}]"#.to_owned(),
            r#"[{"key":"aliyun-x","value":"a"}]"#.to_owned(),
            r#"[{"key":"acs:x","value":"a"}]"#.to_owned(),
            r#"[{"key":"http://x","value":"a"}]"#.to_owned(),
            r#"[{"key":"a","value":1}]"#.to_owned(),
            r#"[{"key":"a","name":"b"}]"#.to_owned(),
            r#"[{"key":"a"},{"key":"a"}]"#.to_owned(),
            format!(r#"[{{"key":"{long}"}}]"#),
            Value::Array(many).to_string(),
        ];
        for text in texts {
            assert_eq!(tags(&parse("Tags", &text)).unwrap_err().code, "InvalidParameter", "{text}");
        }
    }

    #[test]
    fn ids_are_a_list_of_texts() {
        let read = resource_ids(&parse("ResourceIds", r#"["b","a","b"]"#)).unwrap().unwrap();
        assert_eq!(read.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        for text in ["a", r#"[1]"#, r#"[""]"#, r#"{"a":1}"#] {
            assert_eq!(resource_ids(&parse("ResourceIds", text)).unwrap_err().code, "InvalidParameter", "{text}");
        }
        assert_eq!(resource_type(&parse("ResourceType", "CLUSTER")).unwrap(), ResourceType::Cluster);
        assert_eq!(resource_type(&parse("ResourceType", "pod")).unwrap_err().code, "InvalidParameter");
    }
}
