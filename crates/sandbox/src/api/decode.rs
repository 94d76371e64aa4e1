//! Request bodies to objects: content type, syntax, kind, then the typed decoding of the schema.

use serde_json::{Map, Value};

use super::options::FieldValidation;
use super::{Request, go_json, strict_json};
use crate::object;
use crate::protobuf;
use crate::resources;
use crate::schema::{self, Object};
use crate::status::Status;

/// What a body must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    /// Absent for kinds that the schema does not describe: they pass as they are.
    pub(super) shape: Option<&'static Object>,
}

impl Expected {
    /// A stored kind.
    pub(super) fn resource(resource: &'static resources::Resource) -> Self {
        let shape = Some(resource.schema());
        Self { group: resource.group, version: resource.version, kind: resource.kind, shape }
    }

    /// A kind that only travels: Scale, Eviction, Binding.
    pub(super) fn other(group: &'static str, version: &'static str, kind: &'static str) -> Self {
        Self { group, version, kind, shape: schema::find(kind) }
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// A decoded body and the warnings that decoding gave rise to.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) object: Value,
    pub(super) warnings: Vec<String>,
}

/// Decodes the body of a create or a replace.
///
/// # Errors
/// 415 for an unknown content type, 400 for everything that is not the expected object.
pub(super) fn body(request: &Request, expected: Expected, validation: FieldValidation) -> Result<Body, Status> {
    let (value, duplicates) = parse(request, |why| {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: \
             {why} ({})",
            expected.kind,
            summary(&request.body)
        ))
    })?;
    let value = check_kind(value, expected)?;
    typed(value, duplicates, expected, validation).map_err(|error| Status::bad_request(error.to_string()))
}

/// Why a value is not an object of the expected kind.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("{kind} in version {version:?} cannot be handled as a {kind}: {source}")]
    Type { kind: &'static str, version: &'static str, source: schema::decode::DecodeError },
    #[error("{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {errors}")]
    Strict { kind: &'static str, version: &'static str, errors: String },
}

/// Decodes a value into the form that is stored. `duplicates` are the fields that the text had twice.
pub(super) fn typed(
    value: Value,
    duplicates: Vec<String>,
    expected: Expected,
    validation: FieldValidation,
) -> Result<Body, Mismatch> {
    let Some(shape) = expected.shape else {
        return Ok(Body { object: value, warnings: Vec::new() });
    };
    let (kind, version) = (expected.kind, expected.version);
    let decoded =
        schema::decode::decode(shape, value, None).map_err(|source| Mismatch::Type { kind, version, source })?;
    let duplicates = duplicates.iter().map(|field| format!("duplicate field \"{field}\""));
    let unknown = decoded.unknown_fields.iter().map(|field| format!("unknown field \"{field}\""));
    let errors: Vec<String> = duplicates.chain(unknown).collect();
    match validation {
        FieldValidation::Strict if !errors.is_empty() => {
            Err(Mismatch::Strict { kind, version, errors: errors.join(", ") })
        }
        FieldValidation::Warn => Ok(Body { object: decoded.value, warnings: errors }),
        FieldValidation::Strict | FieldValidation::Ignore => Ok(Body { object: decoded.value, warnings: Vec::new() }),
    }
}

/// Parses JSON or YAML, as the Content-Type says, and tells which fields are there twice.
pub(super) fn parse(request: &Request, refuse: impl Fn(String) -> Status) -> Result<(Value, Vec<String>), Status> {
    match content_type(request) {
        "" | "application/json" => {
            strict_json::parse(&request.body).map_err(|_| refuse(go_json::explain(&request.body)))
        }
        protobuf::MEDIA_TYPE => protobuf::decode(&request.body)
            .map(|value| (value, Vec::new()))
            .map_err(|error| Status::bad_request(error.to_string())),
        // This parser refuses duplicates outright.
        "application/yaml" => serde_yaml_ng::from_slice(&request.body)
            .map(|value| (value, Vec::new()))
            .map_err(|error| refuse(error.to_string())),
        _ => Err(Status::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// The Content-Type without its parameters.
pub(super) fn content_type(request: &Request) -> &str {
    request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

/// Checks `kind` and `apiVersion`, which a body may leave out.
fn check_kind(value: Value, expected: Expected) -> Result<Value, Status> {
    let map = match value {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => {
            return Err(Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse \
                 error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \
                 \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }} ({})",
                expected.kind,
                crate::patch::json::type_name(&other),
                summary(other.to_string().as_bytes())
            )));
        }
    };
    let mut value = Value::Object(map);
    same_kind(&value, expected).map_err(|(version, why)| {
        let kind = object::kind(&value);
        let kind = if kind.is_empty() { expected.kind } else { kind };
        Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {}: {why}", expected.kind))
    })?;
    let map = object::as_map(&mut value);
    map.insert("kind".into(), expected.kind.into());
    map.insert("apiVersion".into(), expected.api_version().into());
    Ok(value)
}

/// Whether the value says it is what is expected; else the version it names and why that does not do.
pub(super) fn same_kind(value: &Value, expected: Expected) -> Result<(), (String, String)> {
    let kind = object::kind(value);
    let api_version = object::text(value, "/apiVersion");
    let wanted_version = expected.api_version();
    let named_version = if api_version.is_empty() { wanted_version.as_str() } else { api_version };
    let named_kind = if kind.is_empty() { expected.kind } else { kind };
    if (named_kind, named_version) == (expected.kind, wanted_version.as_str()) {
        return Ok(());
    }
    let version = named_version.rsplit('/').next().unwrap_or_default().to_owned();
    let single = named_kind.strip_suffix("List").unwrap_or(named_kind);
    let known = resources::find_kind(named_version, named_kind).is_some()
        || resources::find_kind(named_version, single).is_some();
    let why = if known {
        let package = match expected.group.split('.').next() {
            None | Some("") => "core",
            Some(first) => first,
        };
        format!("converting ({version}.{named_kind}) to ({package}.{}): unknown conversion", expected.kind)
    } else {
        format!(
            "no kind \"{named_kind}\" is registered for version \"{named_version}\" in scheme \
             \"pkg/api/legacyscheme/scheme.go:30\""
        )
    };
    Err((version, why))
}

/// The beginning of a body, for messages: text when it looks like JSON, else hexadecimal.
fn summary(body: &[u8]) -> String {
    const SHOWN: usize = 30;
    let cut = &body[..body.len().min(SHOWN)];
    let more = if body.len() > SHOWN { " ..." } else { "" };
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(cut)),
        Some(_) => format!("{}{more}", hex::encode(cut)),
    }
}
