//! What the container runs: `Command`, and its arguments under the two names and forms that EDAS has for them.

use serde_json::Value;

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// `Command`: one executable. A JSON list of words is taken too, as Kubernetes has it.
pub fn command(parameters: &Parameters) -> Result<Given<Vec<String>>, GatewayError> {
    parameters
        .given("Command")?
        .try_map(|text| match serde_json::from_str::<Value>(text) {
            Ok(list @ Value::Array(_)) => words(&Node::root("Command", &list)),
            _ => Ok(vec![text.to_owned()]),
        })
        .map(|command| match command {
            Given::Value(words) if words.is_empty() => Given::Cleared,
            other => other,
        })
}

/// `Args` of DeployK8sApplication (`["-c"]`) and `CommandArgs` of InsertK8sApplication (`[{"argument":"-c"}]`); both forms
/// under either name.
pub fn arguments(parameters: &Parameters, name: &str) -> Result<Given<Vec<String>>, GatewayError> {
    parameters.json(name)?.try_map(|value| words(&Node::root(name, &value)))
}

fn words(list: &Node<'_>) -> Result<Vec<String>, GatewayError> {
    let word = |item: &Node<'_>| match item.value {
        Value::String(word) => Ok(word.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Object(_) => {
            item.object(&["argument"])?;
            let argument = item.member("argument").ok_or_else(|| item.error("\"argument\" is missing."))?;
            argument.text().map(str::to_owned)
        }
        Value::Null | Value::Array(_) => Err(item.error("Give a text.")),
    };
    list.items()?.iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn a_command_is_one_word_unless_it_is_a_list() {
        let cases = [("/bin/sh", vec!["/bin/sh"]), ("run me", vec!["run me"]), (r#"["sh","-c"]"#, vec!["sh", "-c"])];
        for (text, expected) in cases {
            let expected = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(command(&parse("Command", text)).unwrap(), Given::Value(expected));
        }
        assert_eq!(command(&parse("Command", "")).unwrap(), Given::Cleared);
        assert_eq!(command(&parse("Command", "[]")).unwrap(), Given::Cleared);
        assert_eq!(command(&Parameters::default()).unwrap(), Given::Absent);
    }

    #[test]
    fn arguments_come_in_two_forms() {
        let expected = Given::Value(vec!["-c".to_owned(), "test".to_owned()]);
        for text in [r#"[{"argument":"-c"},{"argument":"test"}]"#, r#"["-c","test"]"#, "['-c', 'test']"] {
            assert_eq!(arguments(&parse("Args", text), "Args").unwrap(), expected, "{text}");
        }
        assert_eq!(arguments(&parse("Args", "[]"), "Args").unwrap(), Given::Cleared);
        for text in [r#"{"argument":"-c"}"#, "-c", r#"[{"arg":"-c"}]"#, "[null]"] {
            assert_eq!(arguments(&parse("Args", text), "Args").unwrap_err().code, "InvalidParameter", "{text}");
        }
    }
}
