//! What ConfigMaps and Secrets hold, and the condition by which lists of objects are narrowed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

const DATA: &str = "Data";

/// `Data` of a ConfigMap: `[{"Key":"name","Value":"william"}]`, or an object of texts. `None` if it is not given.
pub fn data(parameters: &Parameters) -> Result<Option<BTreeMap<String, String>>, GatewayError> {
    let value = match parameters.flattened(DATA)? {
        Given::Absent => return Ok(None),
        Given::Cleared => return Ok(Some(BTreeMap::new())),
        Given::Value(value) => value,
    };
    let root = Node::root(DATA, &value);
    let mut entries = BTreeMap::new();
    if let Some(fields) = value.as_object() {
        for key in fields.keys() {
            // Names may be secret neighbours: an error never shows a value.
            let text = root.member(key).map(|member| member.text()).transpose()?;
            insert(&mut entries, &root, key, text.unwrap_or_default())?;
        }
        return Ok(Some(entries));
    }
    for item in root.items()? {
        item.object(&["Key", "Value"])?;
        let text = item.member("Value").map_or(Ok(""), |value| value.text())?;
        insert(&mut entries, &item, item.required_text("Key")?, text)?;
    }
    Ok(Some(entries))
}

fn insert(entries: &mut BTreeMap<String, String>, node: &Node<'_>, key: &str, text: &str) -> Result<(), GatewayError> {
    let fits = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if key.is_empty() || key.len() > 253 || !fits {
        return Err(node.error("Keys have up to 253 letters, digits, \"-\", \"_\" and \".\"."));
    }
    match entries.insert(key.to_owned(), text.to_owned()) {
        None => Ok(()),
        Some(_) => Err(node.error(&format!("The key {key} is there twice."))),
    }
}

/// `Data` of a Secret, each value in base64 as Kubernetes stores it. `Base64Encoded` says whether it came so.
pub fn secret_data(parameters: &Parameters) -> Result<Option<BTreeMap<String, String>>, GatewayError> {
    let is_encoded = parameters.boolean("Base64Encoded")?.unwrap_or(false);
    let Some(mut entries) = data(parameters)? else {
        return Ok(None);
    };
    for (key, value) in &mut entries {
        if !is_encoded {
            *value = STANDARD.encode(&*value);
        } else if STANDARD.decode(&*value).is_err() {
            let problem = format!("The value of {key} is not base64. Encode it, or give Base64Encoded=false.");
            return Err(GatewayError::invalid_parameter(DATA, &problem));
        }
    }
    Ok(Some(entries))
}

/// `Condition`: `{"field":"Name","pattern":"my-"}`, names that begin with the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The object's name.
    Name(String),
    /// The name of its cluster.
    ClusterName(String),
}

impl Condition {
    /// Reads the parameter.
    pub fn read(parameters: &Parameters) -> Result<Option<Self>, GatewayError> {
        const NAME: &str = "Condition";
        let Given::Value(value) = parameters.flattened(NAME)? else {
            return Ok(None);
        };
        let root = Node::root(NAME, &value);
        root.object(&["field", "pattern"])?;
        let pattern = root.member("pattern").map_or(Ok(""), |pattern| pattern.text())?.to_owned();
        match root.required_text("field")? {
            field if field.eq_ignore_ascii_case("Name") => Ok(Some(Self::Name(pattern))),
            field if field.eq_ignore_ascii_case("ClusterName") => Ok(Some(Self::ClusterName(pattern))),
            _ => Err(root.error("\"field\" is Name or ClusterName.")),
        }
    }

    /// Whether an object of that name in a cluster of that name is meant.
    pub fn fits(&self, name: &str, cluster: &str) -> bool {
        match self {
            Self::Name(pattern) => name.starts_with(pattern.as_str()),
            Self::ClusterName(pattern) => cluster.starts_with(pattern.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::from_pairs(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()).unwrap()
    }

    fn pair(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn data_comes_as_pairs_as_an_object_from_python_and_flattened_by_java() {
        for pairs in [
            vec![("Data", r#"[{"Key":"name","Value":"william"}]"#)],
            vec![("Data", r#"{"name":"william"}"#)],
            vec![("Data", "[{'Key': 'name', 'Value': 'william'}]")],
            vec![("Data", r#""[{\"Key\":\"name\",\"Value\":\"william\"}]""#)],
            vec![("Data.1.Key", "name"), ("Data.1.Value", "william")],
        ] {
            assert_eq!(data(&given(&pairs)).unwrap(), Some(pair("name", "william")), "{pairs:?}");
        }
        assert_eq!(data(&given(&[])).unwrap(), None);
        assert_eq!(data(&given(&[("Data", "[]")])).unwrap(), Some(BTreeMap::new()));
    }

    #[test]
    fn values_are_never_in_errors() {
        for text in [
            r#"[{"Key":"a b","Value":"hidden"}]"#,
            r#"[{"Key":"a","Value":"hidden"},{"Key":"a","Value":"hidden"}]"#,
            r#"[{"Key":"a","Value":["hidden"]}]"#,
            r#"{"a":{"b":"hidden"}}"#,
            r#"{"a":"hidden"#,
        ] {
            let error = data(&given(&[("Data", text)])).unwrap_err();
            assert!(!error.message.contains("hidden"), "{error}");
        }
        let plain = [("Data", r#"{"a":"hidden!"}"#), ("Base64Encoded", "True")];
        assert!(!secret_data(&given(&plain)).unwrap_err().message.contains("hidden"));
    }

    #[test]
    fn secrets_are_stored_in_base64_however_they_come() {
        let plain = [("Data", r#"{"a":"hidden"}"#)];
        assert_eq!(secret_data(&given(&plain)).unwrap(), Some(pair("a", "aGlkZGVu")));
        let encoded = [("Data", r#"{"a":"aGlkZGVu"}"#), ("Base64Encoded", "true")];
        assert_eq!(secret_data(&given(&encoded)).unwrap(), Some(pair("a", "aGlkZGVu")));
    }

    #[test]
    fn a_condition_is_a_beginning() {
        let read = |text| Condition::read(&given(&[("Condition", text)]));
        let name = read(r#"{"field":"Name","pattern":"my-"}"#).unwrap().unwrap();
        assert!(name.fits("my-map", "lab") && !name.fits("map", "my-"));
        let cluster = read("{'field': 'ClusterName', 'pattern': 'la'}").unwrap().unwrap();
        assert!(cluster.fits("x", "lab") && !cluster.fits("lab", "x"));
        assert_eq!(read("").unwrap(), None);
        assert!(read(r#"{"field":"Data","pattern":"x"}"#).is_err());
    }
}
