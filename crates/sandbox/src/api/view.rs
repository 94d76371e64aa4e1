//! Versions that are views of another: requests are rewritten to the stored version, answers back.
//!
//! ```text
//!   request in this version ─► path, body, field selector of the stored version ─► answered as usual
//!                   objects of this version ◄─ objects in the answer, in lists, in watch events
//! ```

use bytes::Bytes;
use serde_json::{Value, json};

use super::decode::{self, Expected};
use super::options::FieldValidation;
use super::{Body, Request, Response};
use crate::object;
use crate::resources::{Resource, View};
use crate::schema::decode::decode as typed;
use crate::status::Status;

/// The same request for the stored version.
///
/// # Errors
/// As decoding a body of this version: 415 and 400.
pub(super) fn to_stored(request: &Request, resource: &'static Resource, view: View) -> Result<Request, Status> {
    let mut stored = request.clone();
    stored.path = request.path.replacen(&root(resource), &root(view.of), 1);
    for (_, selector) in stored.query.iter_mut().filter(|(key, _)| key == "fieldSelector") {
        for (ours, theirs) in view.field_labels {
            *selector = selector.replace(ours, theirs);
        }
    }
    let body = match request.method.as_str() {
        "POST" | "PUT" => {
            let decoded = decode::body(request, Expected::resource(resource), FieldValidation::Ignore)?;
            // What only this version demands of a new object; the rest is judged in the stored shape.
            let errors = (resource.validate)(&decoded.object, None);
            if request.method == "POST" && !errors.is_empty() {
                return Err(Status::invalid(view.of, object::name(&decoded.object), errors));
            }
            stored.headers.retain(|(name, _)| name != "content-type");
            stored.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            decoded.object
        }
        // JSON and YAML alike: JSON is YAML.
        "PATCH" => serde_yaml_ng::from_slice(&request.body).unwrap_or_default(),
        _ => return Ok(stored),
    };
    // What is no object (a JSON patch, or nonsense) goes on as it is.
    if body.is_object() {
        let mut body = (view.store)(body);
        if body.get("apiVersion").is_some() {
            body["apiVersion"] = json!(view.of.api_version());
        }
        stored.body = Bytes::from(body.to_string());
    }
    Ok(stored)
}

/// The answer of the stored version, in the words of this one.
pub(super) fn from_stored(mut response: Response, resource: &'static Resource, view: View) -> Response {
    match &mut response.body {
        Body::Watch(watch) => watch.show_as(resource),
        Body::Full(bytes) => {
            if let Ok(body) = serde_json::from_slice::<Value>(bytes) {
                let mut text = answer(body, resource, view).to_string();
                text.push('\n');
                *bytes = Bytes::from(text);
            }
        }
    }
    response
}

fn answer(mut body: Value, resource: &'static Resource, view: View) -> Value {
    if object::text(&body, "/apiVersion") != view.of.api_version() {
        return body;
    }
    if object::kind(&body) == resource.kind {
        return show(body, resource);
    }
    if object::kind(&body) == resource.list_kind {
        body["apiVersion"] = json!(resource.api_version());
        if let Some(items) = body.get_mut("items").and_then(Value::as_array_mut) {
            for item in items {
                *item = show(item.take(), resource);
                // Items of lists have neither.
                for key in ["kind", "apiVersion"] {
                    object::as_map(item).shift_remove(key);
                }
            }
        }
    }
    body
}

/// A stored object as this version shows it.
pub(super) fn show(stored: Value, resource: &'static Resource) -> Value {
    let Some(view) = resource.view else { return stored };
    let mut shown = (view.show)(stored);
    shown["kind"] = json!(resource.kind);
    shown["apiVersion"] = json!(resource.api_version());
    // Puts the fields in this version's order, with its ways of showing absence.
    typed(resource.schema(), shown.clone(), None).map_or(shown, |decoded| decoded.value)
}

fn root(resource: &Resource) -> String {
    match resource.group {
        "" => format!("/api/{}/", resource.version),
        group => format!("/apis/{group}/{}/", resource.version),
    }
}
