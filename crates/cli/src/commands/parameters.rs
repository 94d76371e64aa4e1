//! Parameters of the API that are written on the command line.

use std::str::FromStr;

use clap::Args;
use serde_json::json;
use sternway_wire::catalog::Catalog;

use crate::exit::Usage;

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    name: String,
    value: String,
}

impl FromStr for Variable {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self { name: name.to_owned(), value: value.to_owned() }),
            _ => Err("expected NAME=VALUE"),
        }
    }
}

/// The `Envs` parameter, or nothing if no variable is named: absent means "keep what is there".
pub(super) fn environment(variables: &[Variable]) -> Option<(&'static str, String)> {
    if variables.is_empty() {
        return None;
    }
    let list: Vec<_> =
        variables.iter().map(|variable| json!({ "name": variable.name, "value": variable.value })).collect();
    Some(("Envs", serde_json::Value::from(list).to_string()))
}

/// Any parameter of the operation that has no option of its own.
#[derive(Clone, Debug, Args)]
pub(super) struct Extra {
    /// Any other parameter of the API's operation, such as Readiness='{...}'; may be repeated
    #[arg(long = "set", value_name = "PARAMETER=VALUE")]
    set: Vec<Variable>,
}

impl Extra {
    /// The parameters, all of them known to the operation.
    pub(super) fn of(&self, operation: &'static str) -> Result<Vec<(&'static str, String)>, Usage> {
        let known = Catalog::by_name(operation);
        let find = |variable: &Variable| {
            let spec = known.and_then(|operation| operation.parameter(&variable.name));
            match spec {
                Some(spec) => Ok((spec.name, variable.value.clone())),
                None => Err(Usage(format!("--set: {operation} has no parameter {}", variable.name))),
            }
        };
        self.set.iter().map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(text: &str) -> Variable {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_may_hold_anything_and_a_name_must_be_there() {
        assert_eq!(variable("A=b=c"), Variable { name: "A".into(), value: "b=c".into() });
        assert_eq!(variable("A=").value, "");
        for wrong in ["A", "=b", ""] {
            assert!(wrong.parse::<Variable>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_environment_is_a_list_of_the_api() {
        let expected = r#"[{"name":"A","value":"1"}]"#.to_owned();
        assert_eq!(environment(&[variable("A=1")]), Some(("Envs", expected)));
        assert_eq!(environment(&[]), None);
    }

    #[test]
    fn only_parameters_of_the_operation_can_be_set() {
        let extra = |text| Extra { set: vec![variable(text)] };
        assert_eq!(extra("Timeout=5").of("ScaleK8sApplication").unwrap(), [("Timeout", "5".to_owned())]);
        assert!(extra("Image=a").of("ScaleK8sApplication").unwrap_err().to_string().contains("no parameter Image"));
    }
}
