//! The form of the answer: encoding, and whether objects are shown whole, as metadata, or as table rows.

use serde_json::Value;

use super::{Request, Response};
use crate::status::{Details, Status};

pub(super) const OFFERED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// How the client wants to see what it asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) encoding: Encoding,
    pub(super) form: Form,
    pub(super) pretty: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Json,
    Yaml,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Plain,
    Table,
    /// `PartialObjectMetadata`.
    Metadata,
    /// `PartialObjectMetadataList`.
    MetadataList,
}

impl Format {
    /// Writes one document.
    pub(super) fn encode(&self, status: u16, value: &Value) -> Response {
        match self.encoding {
            Encoding::Yaml => {
                let text = serde_yaml_ng::to_string(&sorted(value)).unwrap_or_default();
                Response::new(status, "application/yaml", text)
            }
            Encoding::Json if self.pretty => {
                let mut text = format!("{value:#}");
                text.push('\n');
                Response::new(status, "application/json", text)
            }
            Encoding::Json => Response::json(status, value),
        }
    }
}

/// Reads the Accept header: the best entry that can be served.
///
/// # Errors
/// 406 when there is none.
pub(super) fn negotiate(request: &Request) -> Result<Format, Status> {
    let pretty = is_pretty(request);
    let accept = request.header("accept").unwrap_or_default();
    if accept.trim().is_empty() {
        return Ok(Format { pretty, ..Format::default() });
    }
    let mut entries: Vec<Entry<'_>> = accept.split(',').filter_map(Entry::parse).collect();
    entries.sort_by(|one, other| other.quality.total_cmp(&one.quality));
    let mut unknown_form = false;
    for entry in &entries {
        let Some(encoding) = entry.encoding() else {
            continue;
        };
        match entry.form() {
            Some(form) => {
                return Ok(Format { encoding, form, pretty });
            }
            None => unknown_form = true,
        }
    }
    if unknown_form {
        return Err(not_acceptable(format!("only the following media types are accepted: {OFFERED}")));
    }
    let message = format!("406: Not Acceptable\n\nAvailable representations: {OFFERED}");
    Err(not_acceptable(message).with_details(Details::default()))
}

/// 406 with this message.
pub(super) fn not_acceptable(message: impl Into<String>) -> Status {
    Status::new(406, "NotAcceptable", message)
}

struct Entry<'a> {
    media: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> Entry<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().filter(|media| !media.is_empty())?;
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let quality =
            parameters.iter().find(|(key, _)| *key == "q").and_then(|(_, value)| value.parse().ok()).unwrap_or(1.0);
        Some(Self { media, parameters, quality })
    }

    fn encoding(&self) -> Option<Encoding> {
        match self.media {
            "application/json" | "*/*" => Some(Encoding::Json),
            "application/yaml" => Some(Encoding::Yaml),
            _ => None,
        }
    }

    /// The requested form; `None` when it is not one of ours.
    fn form(&self) -> Option<Form> {
        let parameter =
            |wanted: &str| self.parameters.iter().find(|(key, _)| *key == wanted).map_or("", |(_, value)| *value);
        let kind = parameter("as");
        if kind.is_empty() {
            return Some(Form::Plain);
        }
        if (parameter("g"), parameter("v")) != ("meta.k8s.io", "v1") {
            return None;
        }
        match kind {
            "Table" => Some(Form::Table),
            "PartialObjectMetadata" => Some(Form::Metadata),
            "PartialObjectMetadataList" => Some(Form::MetadataList),
            _ => None,
        }
    }
}

/// `pretty` in the query decides; else people's tools get indentation.
fn is_pretty(request: &Request) -> bool {
    if let Some((_, value)) = request.query.iter().find(|(key, _)| key == "pretty") {
        return !matches!(value.as_str(), "false" | "0" | "");
    }
    let agent = request.header("user-agent").unwrap_or_default();
    ["curl", "Wget", "Mozilla/5.0"].iter().any(|tool| agent.starts_with(tool))
}

/// YAML is written with sorted keys.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
