//! Container logs, as far as simulated containers have any.

use serde_json::{Value, json};

use super::{Backend, Call, Response};
use crate::object;
use crate::resources::FieldError;
use crate::status::Status;

/// Where logs come from: the simulated nodes.
pub trait Logs: std::fmt::Debug {
    /// The log of one container.
    ///
    /// # Errors
    /// The server's error, such as 400 for a container that waits to start or 500 for an unreachable node.
    fn read(&self, pod: &Value, container: &str, options: &LogOptions) -> Result<String, Status>;
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// The run before the last restart.
    pub previous: bool,
    pub timestamps: bool,
    pub tail_lines: Option<usize>,
    pub limit_bytes: Option<usize>,
    pub since_seconds: Option<i64>,
}

/// `GET .../pods/NAME/log`. A log is answered as it is now: `follow` does not wait for more.
pub(super) fn get(backend: &Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let pod = backend
        .storage
        .get(call.resource, call.namespace, call.name)
        .ok_or_else(|| Status::not_found(call.resource, call.name))?;
    let options = options(call)?;
    let container = container(call, pod)?;
    if object::text(pod, "/spec/nodeName").is_empty() {
        return Ok(Response {
            status: 204,
            headers: vec![("Cache-Control", "no-cache, private".into())],
            body: super::Body::Full(bytes::Bytes::new()),
        });
    }
    let mut text = backend.logs.read(pod, container, &options)?;
    if let Some(limit) = options.limit_bytes {
        text.truncate(text.floor_char_boundary(limit));
    }
    Ok(Response::new(200, "text/plain", text))
}

fn options(call: &Call<'_>) -> Result<LogOptions, Status> {
    let get =
        |wanted: &str| call.request.query.iter().find(|(key, _)| key == wanted).map_or("", |(_, value)| value.as_str());
    let mut errors = Vec::new();
    let mut number = |field: &str, least: i64, detail: &str| -> Result<Option<i64>, Status> {
        let text = get(field);
        if text.is_empty() {
            return Ok(None);
        }
        let value: i64 = text
            .parse()
            .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))?;
        if value < least {
            errors.push(FieldError::invalid(field, &json!(value), detail));
        }
        Ok(Some(value))
    };
    let tail = number("tailLines", 0, "must be greater than or equal to 0")?;
    let limit = number("limitBytes", 1, "must be greater than 0")?;
    let since = number("sinceSeconds", 1, "must be greater than 0")?;
    if !errors.is_empty() {
        return Err(Status::invalid_kind("", "PodLogOptions", call.name, errors));
    }
    Ok(LogOptions {
        previous: get("previous") == "true",
        timestamps: get("timestamps") == "true",
        tail_lines: tail.and_then(|lines| lines.try_into().ok()),
        limit_bytes: limit.and_then(|bytes| bytes.try_into().ok()),
        since_seconds: since,
    })
}

/// The container asked for, or the only one.
fn container<'a>(call: &'a Call<'_>, pod: &'a Value) -> Result<&'a str, Status> {
    let names: Vec<&str> = ["/spec/initContainers", "/spec/containers"]
        .iter()
        .flat_map(|list| object::items(pod, list))
        .map(|container| object::text(container, "/name"))
        .collect();
    let wanted = call.request.query.iter().find(|(key, _)| key == "container").map_or("", |(_, value)| value);
    let bad = |why: String| Err(Status::bad_request(why));
    if wanted.is_empty() {
        return match names.as_slice() {
            [only] => Ok(only),
            _ => bad(format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                call.name,
                names.join(" ")
            )),
        };
    }
    match names.iter().find(|name| **name == wanted) {
        Some(name) => Ok(name),
        None => bad(format!("container {wanted} is not valid for pod {}", call.name)),
    }
}
