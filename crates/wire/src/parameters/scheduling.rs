//! Where pods may run: `CustomTolerations`, `CustomAffinity`, `DeployAcrossNodes` and `DeployAcrossZones`.
//!
//! EDAS lets the custom settings count only while neither of the two spreading flags is true.

use serde_json::{Map, Value, json};

use super::structure::{self, Node};
use super::{Given, Parameters};
use crate::error::GatewayError;

/// `CustomTolerations`: Kubernetes's own, as JSON or as YAML in base64.
pub fn tolerations(parameters: &Parameters) -> Result<Given<Vec<Value>>, GatewayError> {
    const NAME: &str = "CustomTolerations";
    structure::yaml(parameters, NAME)?
        .try_map(|value| Node::root(NAME, &value).items()?.iter().map(toleration).collect())
}

fn toleration(item: &Node<'_>) -> Result<Value, GatewayError> {
    item.object(&["key", "operator", "value", "effect", "tolerationSeconds"])?;
    let mut toleration = Map::new();
    for (field, allowed) in [
        ("key", &[][..]),
        ("operator", &["Equal", "Exists"]),
        ("value", &[]),
        ("effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    ] {
        let Some(node) = item.member(field) else {
            continue;
        };
        let text = node.text()?;
        if text.is_empty() {
            continue;
        }
        if !allowed.is_empty() && !allowed.contains(&text) {
            return Err(node.error(&format!("Give one of {}.", allowed.join(", "))));
        }
        toleration.insert(field.to_owned(), json!(text));
    }
    if let Some(seconds) = item.member("tolerationSeconds") {
        toleration.insert("tolerationSeconds".to_owned(), json!(seconds.integer(0, i64::MAX)?));
    }
    let exists = toleration.get("operator").is_some_and(|operator| operator == "Exists");
    if exists && toleration.contains_key("value") {
        return Err(item.error("With the operator Exists, give no value."));
    }
    if !exists && !toleration.contains_key("key") {
        return Err(item.error("Without a key, the operator is Exists."));
    }
    Ok(Value::Object(toleration))
}

/// `CustomAffinity`: Kubernetes's own, as JSON or as YAML in base64. Its inside is left for the cluster to judge.
pub fn affinity(parameters: &Parameters) -> Result<Given<Value>, GatewayError> {
    const NAME: &str = "CustomAffinity";
    structure::yaml(parameters, NAME)?.try_map(|value| {
        let root = Node::root(NAME, &value);
        root.object(&["nodeAffinity", "podAffinity", "podAntiAffinity"])?;
        for kind in ["nodeAffinity", "podAffinity", "podAntiAffinity"] {
            root.member(kind).map(|node| node.any_object().map(drop)).transpose()?;
        }
        Ok(value)
    })
}

/// Over what the pods of an application are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub across_nodes: bool,
    pub across_zones: bool,
}

/// `DeployAcrossNodes` and `DeployAcrossZones`; `None` if neither is given. Only `true` is yes, as documented.
pub fn spread(parameters: &Parameters) -> Result<Option<Spread>, GatewayError> {
    let flag = |name| Ok::<_, GatewayError>(parameters.get(name)?.map(|text| text.eq_ignore_ascii_case("true")));
    Ok(match (flag("DeployAcrossNodes")?, flag("DeployAcrossZones")?) {
        (None, None) => None,
        (nodes, zones) => Some(Spread { across_nodes: nodes.unwrap_or(false), across_zones: zones.unwrap_or(false) }),
    })
}

impl Spread {
    /// The affinity that prefers to keep pods with these labels apart; `None` if nothing is to be spread.
    ///
    /// A preference, not a demand: a cluster with fewer nodes than pods must still run them all.
    pub fn affinity(self, match_labels: &Map<String, Value>) -> Option<Value> {
        let keys = [(self.across_nodes, "kubernetes.io/hostname"), (self.across_zones, "topology.kubernetes.io/zone")];
        let terms: Vec<Value> = keys
            .iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, key)| {
                json!({
                    "weight": 100,
                    "podAffinityTerm": { "labelSelector": { "matchLabels": match_labels }, "topologyKey": key },
                })
            })
            .collect();
        (!terms.is_empty())
            .then(|| json!({ "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": terms } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::from_pairs(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()).unwrap()
    }

    #[test]
    fn tolerations_are_kubernetes_own() {
        let text = r#"[{"key":"a","operator":"Equal","value":"b","effect":"NoSchedule"},{"operator":"Exists","key":"","tolerationSeconds":30}]"#;
        let expected = vec![
            json!({"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}),
            json!({"operator": "Exists", "tolerationSeconds": 30}),
        ];
        assert_eq!(tolerations(&parse(&[("CustomTolerations", text)])).unwrap(), Given::Value(expected));
        for text in [
            r#"[{"value":"b"}]"#,
            r#"[{"key":"a","effect":"Never"}]"#,
            r#"[{"key":"a","operator":"Exists","value":"b"}]"#,
            r#"{"key":"a"}"#,
        ] {
            let error = tolerations(&parse(&[("CustomTolerations", text)])).unwrap_err();
            assert_eq!(error.code, "InvalidParameter", "{text}");
        }
    }

    #[test]
    fn affinity_has_three_kinds() {
        let text = "nodeAffinity:\n  requiredDuringSchedulingIgnoredDuringExecution:\n    nodeSelectorTerms: []\n";
        let read = affinity(&parse(&[("CustomAffinity", text)])).unwrap().value().unwrap();
        assert!(read["nodeAffinity"].is_object());
        assert_eq!(affinity(&parse(&[("CustomAffinity", "{}")])).unwrap(), Given::Cleared);
        for text in [r#"{"affinity":{}}"#, r#"{"nodeAffinity":[]}"#, "[1]"] {
            assert_eq!(affinity(&parse(&[("CustomAffinity", text)])).unwrap_err().code, "InvalidParameter");
        }
    }

    #[test]
    fn spreading_is_a_preference_over_what_is_asked() {
        assert_eq!(spread(&parse(&[])).unwrap(), None);
        let none = spread(&parse(&[("DeployAcrossNodes", "no")])).unwrap().unwrap();
        assert_eq!(none.affinity(&Map::new()), None);
        let both = spread(&parse(&[("DeployAcrossNodes", "True"), ("DeployAcrossZones", "true")])).unwrap().unwrap();
        let labels = Map::from_iter([("app".to_owned(), json!("a"))]);
        let affinity = both.affinity(&labels).unwrap();
        let terms = &affinity["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
        assert_eq!(terms[0]["podAffinityTerm"]["topologyKey"], "kubernetes.io/hostname");
        assert_eq!(terms[1]["podAffinityTerm"]["labelSelector"]["matchLabels"]["app"], "a");
    }
}
