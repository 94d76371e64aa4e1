//! The document of an export, which an import takes.

use serde::Serialize;
use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::ports::ClusterRecord;
use sternway_wire::error::GatewayError;
use sternway_wire::parameters::structure::Node;
use sternway_wire::parameters::{Given, Parameters, names};

const RAW_DATA: &str = "rawData";
const LIST: &str = "app_info";
const LONGEST_NAME: usize = 63;
const LONGEST_DESCRIPTION: usize = 256;
const DEFAULT_NAMESPACE: &str = "default";

/// One application in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    pub(super) app_name: String,
    pub(super) cluster_id: String,
    /// The id that the cluster has outside, by which another server may know it.
    pub(super) cs_cluster_id: Option<String>,
    #[serde(rename = "k8sNamespace")]
    pub(super) namespace: String,
    /// The Deployment's name.
    pub(super) deployment: String,
    pub(super) logical_region_id: Option<String>,
    pub(super) description: String,
}

impl Item {
    pub(super) fn of(app: &Application, cluster: Option<&ClusterRecord>) -> Self {
        Self {
            app_name: app.name.clone(),
            cluster_id: app.workload.cluster.to_string(),
            cs_cluster_id: cluster.map(|cluster| cluster.cs_cluster_id.clone()),
            namespace: app.workload.namespace.clone(),
            deployment: app.workload.name.clone(),
            logical_region_id: Some(app.logical_region.clone()),
            description: app.description.clone(),
        }
    }
}

/// Reads the document of a request. What it says beyond what is looked for is not looked at: exports may grow.
pub(super) fn read(parameters: &Parameters) -> Result<Vec<Item>, GatewayError> {
    let expected = "the document of an export, or {\"app_info\":[..]} written by hand";
    let Given::Value(document) = parameters.json(RAW_DATA)? else {
        return Err(GatewayError::missing_parameter(RAW_DATA, expected));
    };
    let list = match &document[LIST] {
        // As published: the list is a text inside.
        Value::String(text) => serde_json::from_str(text).map_err(|error| {
            GatewayError::invalid_parameter(RAW_DATA, &format!("At {LIST}: Give a list, or one as JSON ({error})."))
        })?,
        other => other.clone(),
    };
    let wrapped = Value::Object([(LIST.to_owned(), list)].into_iter().collect());
    let root = Node::root(RAW_DATA, &wrapped);
    let list = root.member(LIST).ok_or_else(|| GatewayError::missing_parameter(RAW_DATA, expected))?;
    list.items()?.iter().map(item).collect()
}

fn item(node: &Node<'_>) -> Result<Item, GatewayError> {
    node.any_object()?;
    let text = |name: &str, longest: usize| -> Result<Option<String>, GatewayError> {
        let Some(member) = node.member(name) else {
            return Ok(None);
        };
        let text = member.text()?;
        if text.chars().count() > longest || text.chars().any(|character| character.is_control() && character != '\n') {
            return Err(member.error(&format!("Give at most {longest} characters, without control characters.")));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    };
    let object_name = |name: &str, default: &str| -> Result<String, GatewayError> {
        let found = text(name, LONGEST_NAME)?.unwrap_or_else(|| default.to_owned());
        if names::is_subdomain(&found) {
            return Ok(found);
        }
        Err(node.error(&format!("\"{name}\" is no name of a Kubernetes object: {found}")))
    };
    let app_name = node.required_text("app_name")?;
    if app_name.len() > LONGEST_NAME || !names::is_subdomain(&app_name.to_ascii_lowercase()) {
        return Err(node.error("\"app_name\" has letters, digits and \"-\", at most 63."));
    }
    Ok(Item {
        app_name: app_name.to_owned(),
        cluster_id: node.required_text("cluster_id")?.to_owned(),
        cs_cluster_id: text("cs_cluster_id", LONGEST_DESCRIPTION)?,
        namespace: object_name("k8sNamespace", DEFAULT_NAMESPACE)?,
        deployment: object_name("deployment", &app_name.to_ascii_lowercase())?,
        logical_region_id: text("logical_region_id", LONGEST_DESCRIPTION)?,
        description: text("description", LONGEST_DESCRIPTION)?.unwrap_or_default(),
    })
}

/// Ids with commas between, or a list; `None` if there are none.
pub(super) fn ids(parameters: &Parameters, name: &str) -> Result<Option<Vec<String>>, GatewayError> {
    let listed = parameters.flattened(name);
    let texts: Vec<String> = match listed {
        Ok(Given::Value(Value::Array(items))) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(|| GatewayError::invalid_parameter(name, "Give a list of ids."))?
        }
        Ok(Given::Absent | Given::Cleared) => return Ok(None),
        // Not JSON: words with commas between.
        Ok(Given::Value(_)) | Err(_) => {
            let text = parameters.optional(name)?.unwrap_or_default();
            text.trim_matches('"').split(',').map(str::to_owned).collect()
        }
    };
    let mut unique: Vec<String> = Vec::new();
    for text in texts {
        let id = text.trim().to_ascii_lowercase();
        if !id.is_empty() && !unique.contains(&id) {
            unique.push(id);
        }
    }
    Ok(Some(unique).filter(|ids| !ids.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.to_owned(), value.to_owned())]).unwrap()
    }

    #[test]
    fn a_list_may_be_a_text_and_what_is_left_out_has_a_default() {
        let item = r#"{"app_name":"Web","cluster_id":"c","more":1}"#;
        let direct = format!(r#"{{"job_id":"1","app_info":[{item}]}}"#);
        let inside = serde_json::json!({"app_info": format!("[{item}]")}).to_string();
        for document in [direct, inside] {
            let items = read(&parameters(RAW_DATA, &document)).unwrap();
            assert_eq!((items[0].app_name.as_str(), items[0].deployment.as_str()), ("Web", "web"));
            assert_eq!((items[0].namespace.as_str(), items[0].logical_region_id.as_ref()), ("default", None));
        }
    }

    #[test]
    fn what_names_nothing_is_told() {
        for (document, expected) in [
            ("{}", "app_info"),
            (r#"{"app_info":"xxxx"}"#, "as JSON"),
            (r#"{"app_info":[{"cluster_id":"c"}]}"#, "app_name"),
            (r#"{"app_info":[{"app_name":"web"}]}"#, "cluster_id"),
            (r#"{"app_info":[{"app_name":"web","cluster_id":"c","k8sNamespace":"No Such"}]}"#, "k8sNamespace"),
        ] {
            let error = read(&parameters(RAW_DATA, document)).unwrap_err();
            assert!(error.message.contains(expected), "{document}: {error}");
        }
    }

    #[test]
    fn ids_come_in_every_form() {
        for text in ["a,b", "A, b,a", r#"["a","b"]"#, r#""a,b""#] {
            assert_eq!(ids(&parameters("appIds", text), "appIds").unwrap().unwrap(), ["a", "b"], "{text}");
        }
        assert_eq!(ids(&parameters("appIds", ""), "appIds").unwrap(), None);
        let flat = vec![("appIds.1".to_owned(), "a".to_owned()), ("appIds.2".to_owned(), "b".to_owned())];
        assert_eq!(ids(&Parameters::from_pairs(flat).unwrap(), "appIds").unwrap().unwrap(), ["a", "b"]);
    }
}
