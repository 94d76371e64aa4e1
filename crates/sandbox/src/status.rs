//! `Status`: the one error shape of the API.
//!
//! Everything that can refuse a request returns [`Status`]; the API layer only serialises it. Constructors follow the
//! wording of a real server, because clients (and people) match on it: `details.kind` is the *plural resource* for 404,
//! 409 and 403, but the *Kind* for 422.

use serde_json::{Map, Value, json};

use crate::resources::{FieldError, Resource};

/// A refused request, as the server answers it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// The HTTP status code, repeated in the body.
    pub code: u16,
    /// Machine-readable reason (`NotFound`, `Conflict`, ...); empty when the server gives none.
    pub reason: &'static str,
    pub message: String,
    /// Absent, empty or filled: clients see the difference, so it is kept.
    pub details: Option<Box<Details>>,
    /// A fresh continue token: only in the 410 of an expired pagination.
    pub continue_token: Option<String>,
}

/// The `details` of a [`Status`]; empty strings are left out of the body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    pub name: String,
    pub group: String,
    pub kind: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after_seconds: Option<u32>,
}

/// One cause in [`Details`].
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Status {
    /// A failure without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, continue_token: None }
    }

    /// The same failure with these details.
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// 404 of one object: `deployments.apps "x" not found`.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(resource.plural, resource.group));
        Self::new(404, "NotFound", message).with_details(about(resource, name))
    }

    /// 404 of a path that names no known resource.
    pub fn unknown_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details(Details::default())
    }

    /// 405 of a verb the path does not know.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with_details(Details::default())
    }

    /// 409 of a create: `deployments.apps "x" already exists`.
    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(resource.plural, resource.group));
        Self::new(409, "AlreadyExists", message).with_details(about(resource, name))
    }

    /// 409 of a write whose precondition no longer holds.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let target = qualified(resource.plural, resource.group);
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {target} \"{name}\": {why}"))
            .with_details(about(resource, name))
    }

    /// 409 of a stale resourceVersion.
    pub fn stale(resource: &Resource, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 403 by admission: `deployments.apps "x" is forbidden: why`.
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let target = qualified(resource.plural, resource.group);
        Self::new(403, "Forbidden", format!("{target} \"{name}\" is forbidden: {why}"))
            .with_details(about(resource, name))
    }

    /// 422 with one cause per error.
    pub fn invalid(resource: &Resource, name: &str, errors: Vec<FieldError>) -> Self {
        Self::invalid_kind(resource.group, resource.kind, name, errors)
    }

    /// 422 on something that is not a stored resource (`ListOptions`, `Scale`, ...).
    pub fn invalid_kind(group: &str, kind: &str, name: &str, errors: Vec<FieldError>) -> Self {
        let mut distinct: Vec<String> = Vec::new();
        for error in &errors {
            let text = error.to_string();
            if !distinct.contains(&text) {
                distinct.push(text);
            }
        }
        let list = match distinct.as_slice() {
            [single] => single.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let causes = errors
            .into_iter()
            .map(|error| Cause { reason: error.reason.as_str(), message: error.message, field: error.field })
            .collect();
        let message = format!("{} \"{name}\" is invalid: {list}", qualified(kind, group));
        Self::new(422, "Invalid", message).with_details(Details {
            name: name.to_owned(),
            group: group.to_owned(),
            kind: kind.to_owned(),
            causes,
            ..Details::default()
        })
    }

    /// 400 without details.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 500 without reason, which the server uses for some mistakes of clients too.
    pub fn unexplained(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 410: the history that the request needs is gone.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 422 whose reason the server does not tell (a JSON patch that does not apply).
    pub fn unprocessable() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request")
            .with_details(Details::default())
    }

    /// The body of the answer.
    pub fn to_value(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue".into(), json!(token));
        }
        let mut body = json!({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure"});
        if !self.message.is_empty() {
            body["message"] = json!(self.message);
        }
        if !self.reason.is_empty() {
            body["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            body["details"] = details.to_value();
        }
        body["code"] = json!(self.code);
        body
    }
}

impl Details {
    /// As the body shows it.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                map.insert(key.into(), json!(text));
            }
        }
        if !self.causes.is_empty() {
            map.insert("causes".into(), self.causes.iter().map(Cause::to_value).collect());
        }
        if let Some(seconds) = self.retry_after_seconds {
            map.insert("retryAfterSeconds".into(), json!(seconds));
        }
        Value::Object(map)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("reason", self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                map.insert(key.into(), json!(text));
            }
        }
        Value::Object(map)
    }
}

fn about(resource: &Resource, name: &str) -> Details {
    Details {
        name: name.to_owned(),
        group: resource.group.to_owned(),
        kind: resource.plural.to_owned(),
        ..Details::default()
    }
}

/// `deployments.apps`, or `pods` in the core group.
pub fn qualified(word: &str, group: &str) -> String {
    if group.is_empty() { word.to_owned() } else { format!("{word}.{group}") }
}
