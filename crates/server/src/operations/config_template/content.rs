//! The formats of templates, and whether a text is of one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sternway_wire::error::GatewayError;
use sternway_wire::parameters::Parameters;

/// EDAS's formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Format {
    Json,
    Xml,
    Yaml,
    Properties,
    /// A list of `{"Key", "Value"}`, as JSON.
    KeyValue,
    Custom,
}

impl Format {
    const ALL: [Self; 6] = [Self::Json, Self::Xml, Self::Yaml, Self::Properties, Self::KeyValue, Self::Custom];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
            Self::Yaml => "YAML",
            Self::Properties => "Properties",
            Self::KeyValue => "KeyValue",
            Self::Custom => "Custom",
        }
    }

    pub(super) fn read(parameters: &Parameters) -> Result<Option<Self>, GatewayError> {
        const NAME: &str = "Format";
        let Some(word) = parameters.optional(NAME)? else {
            return Ok(None);
        };
        let found = Self::ALL.into_iter().find(|format| format.code().eq_ignore_ascii_case(word));
        let problem = "Give JSON, XML, YAML, Properties, KeyValue or Custom.";
        found.map(Some).ok_or_else(|| GatewayError::invalid_parameter(NAME, problem))
    }

    /// Refuses a content that is plainly not of the format. XML is looked at only from outside: it begins with `<` and ends with `>`.
    pub(super) fn check(self, content: &str) -> Result<(), GatewayError> {
        if content.is_empty() {
            return Ok(());
        }
        let fits = match self {
            Self::Json => serde_json::from_str::<Value>(content).is_ok(),
            Self::Yaml => serde_yaml_ng::from_str::<Value>(content).is_ok(),
            Self::Xml => content.trim().starts_with('<') && content.trim().ends_with('>'),
            Self::Properties => content.lines().all(is_property),
            Self::KeyValue => is_key_values(content),
            Self::Custom => true,
        };
        if fits {
            return Ok(());
        }
        let problem =
            format!("It is not {}, which the template's Format says. Correct it, or give another Format.", self.code());
        Err(GatewayError::invalid_parameter("Content", &problem))
    }
}

/// A line of a properties file: nothing, a comment, or a key with what follows it. Continued lines are keys without a value, which are allowed.
fn is_property(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with(['#', '!']) || !line.starts_with(['=', ':'])
}

fn is_key_values(content: &str) -> bool {
    let Ok(Value::Array(items)) = serde_json::from_str(content) else {
        return false;
    };
    items.iter().all(|item| item["Key"].is_string() && item["Value"].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_fit_their_formats_or_do_not() {
        let cases = [
            (Format::Json, r#"{"a":1}"#, true),
            (Format::Json, "a: 1", false),
            (Format::Yaml, "a: 1\nb: [2]", true),
            (Format::Yaml, "a: b: c", false),
            (Format::Xml, " <a/>\n", true),
            (Format::Xml, "a", false),
            (Format::Properties, "# c\na=1\n\nb : 2\nc", true),
            (Format::Properties, "=1", false),
            (Format::KeyValue, r#"[{"Key":"name","Value":"william"}]"#, true),
            (Format::KeyValue, r#"[{"name":"william"}]"#, false),
            (Format::Custom, "\u{1}", true),
            (Format::Json, "", true),
        ];
        for (format, content, fits) in cases {
            assert_eq!(format.check(content).is_ok(), fits, "{format:?} {content}");
        }
    }
}
