//! Create, replace, patch, delete.

use serde_json::{Map, Value, json};

use super::decode::{self, Body, Expected};
use super::options::FieldValidation;
use super::{Backend, Call, Response, apply, go_json, read, strict_json};
use crate::object;
use crate::patch::{self, PatchError};
use crate::resources::FieldError;
use crate::status::{Details, Status};
use crate::writes::{DeleteOptions, Deletion, Part, Propagation};

/// `POST` on a collection.
pub(super) fn create(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let body = decode::body(call.request, Expected::resource(call.resource), call.query.field_validation)?;
    check_namespace(call, &body.object)?;
    let created =
        backend.writes(&call.query, call.request, "", false).create(call.resource, call.namespace, body.object)?;
    Ok(warned(read::show(backend, call, 201, &created)?, &body.warnings))
}

/// `PUT` on an object or its status.
pub(super) fn put(backend: &mut Backend<'_>, call: &Call<'_>, part: Part) -> Result<Response, Status> {
    let body = decode::body(call.request, Expected::resource(call.resource), call.query.field_validation)?;
    check_name(call, &body.object)?;
    check_namespace(call, &body.object)?;
    let existed = backend.storage.get(call.resource, call.namespace, call.name).is_some();
    let mut writes = backend.writes(&call.query, call.request, subresource(part), false);
    let updated = match part {
        Part::Main => writes.update(call.resource, call.namespace, call.name, body.object),
        Part::Status => writes.update_status(call.resource, call.namespace, call.name, body.object),
    }?;
    let status = if existed { 200 } else { 201 };
    Ok(warned(read::show(backend, call, status, &updated)?, &body.warnings))
}

/// `PATCH` on an object or its status.
pub(super) fn patch(backend: &mut Backend<'_>, call: &Call<'_>, part: Part) -> Result<Response, Status> {
    check_patch_options(call)?;
    if decode::content_type(call.request) == apply::MEDIA_TYPE {
        return apply::patch(backend, call, part);
    }
    let stored = backend
        .storage
        .get(call.resource, call.namespace, call.name)
        .cloned()
        .ok_or_else(|| Status::not_found(call.resource, call.name))?;
    let body = patched(call, Expected::resource(call.resource), &stored)?;
    check_name(call, &body.object)?;
    check_namespace(call, &body.object)?;
    check_identity(call, &stored, &body.object)?;
    let mut writes = backend.writes(&call.query, call.request, subresource(part), false);
    let updated = match part {
        Part::Main => writes.update(call.resource, call.namespace, call.name, body.object),
        Part::Status => writes.update_status(call.resource, call.namespace, call.name, body.object),
    }?;
    Ok(warned(read::show(backend, call, 200, &updated)?, &body.warnings))
}

/// The subresource that a part is written through.
pub(super) fn subresource(part: Part) -> &'static str {
    match part {
        Part::Main => "",
        Part::Status => "status",
    }
}

/// Options that only some patches may have.
pub(super) fn check_patch_options(call: &Call<'_>) -> Result<(), Status> {
    let apply = decode::content_type(call.request) == apply::MEDIA_TYPE;
    let mut errors = Vec::new();
    if apply && call.query.field_manager.as_deref().unwrap_or_default().is_empty() {
        errors.push(FieldError::required("fieldManager", "is required for apply patch"));
    }
    if !apply && call.query.force.is_some() {
        errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid_kind("meta.k8s.io", "PatchOptions", "", errors))
}

/// Applies the patch of the request to `stored` and decodes the result.
pub(super) fn patched(call: &Call<'_>, expected: Expected, stored: &Value) -> Result<Body, Status> {
    let body = &call.request.body;
    let mut duplicates = Vec::new();
    let mut parse = || -> Result<Value, PatchError> {
        let (value, twice) = strict_json::parse(body).map_err(|_| PatchError::Malformed(go_json::explain(body)))?;
        duplicates = twice;
        Ok(value)
    };
    let object_of = |value: Value| -> Result<Map<String, Value>, PatchError> {
        match value {
            Value::Object(map) => Ok(map),
            other => Err(PatchError::Malformed(format!(
                "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                patch::json::type_name(&other)
            ))),
        }
    };
    let result = match decode::content_type(call.request) {
        "application/json-patch+json" => {
            parse().and_then(|operations| patch::json::apply(stored, &operations)).map(|result| (result, None))
        }
        "application/merge-patch+json" => parse().and_then(object_of).map(|map| {
            let mut result = stored.clone();
            patch::merge::apply(&mut result, &Value::Object(map));
            (result, None)
        }),
        "application/strategic-merge-patch+json" => parse().and_then(object_of).and_then(|map| {
            let result = patch::strategic::apply(stored, &map, expected.shape)?;
            Ok((result, Some(patch::strategic::go_text(&Value::Object(map)))))
        }),
        _ => {
            return Err(Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")
                .with_details(Details::default()));
        }
    };
    let (result, shown) = result.map_err(|error| match error {
        PatchError::Malformed(_) => Status::bad_request(error.to_string()),
        PatchError::DoesNotApply => Status::unprocessable(),
        PatchError::TooManyOperations { .. } => Status::new(413, "RequestEntityTooLarge", error.to_string()),
        PatchError::Directive(why) => Status::unexplained(why),
    })?;
    let strategic = shown.is_some();
    let shown = shown.unwrap_or_else(|| sorted_top(&result).to_string());
    let refuse = |why: String| {
        let error = FieldError::invalid("patch", &Value::String(shown.clone()), &why);
        Status::invalid_kind("", "", "", vec![error])
    };
    decode::same_kind(&result, expected).map_err(|(_, why)| refuse(why))?;
    let wiped = result.pointer("/metadata/managedFields") == Some(&json!([]));
    let mut body =
        decode::typed(result, duplicates, expected, call.query.field_validation).map_err(
            |mismatch| match mismatch {
                decode::Mismatch::Type { source, .. } if strategic => refuse(unstructured_words(&source)),
                decode::Mismatch::Type { source, .. } => refuse(source.to_string()),
                decode::Mismatch::Strict { errors, .. } => refuse(format!("strict decoding error: {errors}")),
            },
        )?;
    if wiped {
        // Decoding drops an empty list, and one empty entry says the same.
        object::metadata_mut(&mut body.object).insert("managedFields".into(), json!([{}]));
    }
    Ok(body)
}

/// A strategic merge patch is not decoded from JSON but from maps, whose conversion has words of its own.
fn unstructured_words(error: &crate::schema::decode::DecodeError) -> String {
    use crate::schema::decode::DecodeError;
    match error {
        DecodeError::Field { found, expected, .. } | DecodeError::Root { found, expected } => {
            let found = found.split(' ').next().unwrap_or_default();
            let found = if found == "object" { "map" } else { found };
            match expected.as_str() {
                map if map.starts_with("map[") => format!("cannot restore map from {found}"),
                list if list.starts_with("[]") => format!("cannot restore slice from {found}"),
                scalar if !scalar.contains('.') => format!("unrecognized type: {scalar}"),
                _ => format!("cannot restore struct from: {found}"),
            }
        }
        other => other.to_string(),
    }
}

/// The object with its top-level keys sorted, as messages about patches print it.
fn sorted_top(value: &Value) -> Value {
    let Value::Object(map) = value else {
        return value.clone();
    };
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    keys.into_iter().map(|key| (key.clone(), map[key].clone())).collect()
}

/// The name in the body must be the one in the path.
pub(super) fn check_name(call: &Call<'_>, object: &Value) -> Result<(), Status> {
    let name = object::name(object);
    if name == call.name {
        return Ok(());
    }
    Err(Status::bad_request(if name.is_empty() {
        format!("the name of the object ({} based on URL) was undeterminable: name must be provided", call.name)
    } else {
        format!("the name of the object ({name}) does not match the name on the URL ({})", call.name)
    }))
}

/// As [`check_name`], for the namespace.
pub(super) fn check_namespace(call: &Call<'_>, object: &Value) -> Result<(), Status> {
    let namespace = object::namespace(object);
    if namespace.is_empty() || namespace == call.namespace || !call.resource.namespaced {
        return Ok(());
    }
    Err(Status::bad_request("the namespace of the provided object does not match the namespace sent on the request"))
}

/// A patch may not change the uid. A real server finds this twice: in the patch, and when it updates.
fn check_identity(call: &Call<'_>, stored: &Value, object: &Value) -> Result<(), Status> {
    let uid = object::uid(object);
    if uid == object::uid(stored) || uid.is_empty() {
        return Ok(());
    }
    let error = FieldError::invalid("metadata.uid", &json!(uid), "field is immutable");
    Err(Status::invalid(call.resource, call.name, vec![error.clone(), error]))
}

/// Adds one Warning header per warning.
fn warned(mut response: Response, warnings: &[String]) -> Response {
    for warning in warnings {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        response.headers.push(("Warning", format!("299 - \"{text}\"")));
    }
    response
}

/// `DELETE` on an object.
pub(super) fn delete(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let (options, dry_run) = delete_options(call)?;
    let mut writes = backend.writes(&call.query, call.request, "", false);
    writes.dry_run |= dry_run;
    let deletion = writes.delete(call.resource, call.namespace, call.name, &options)?;
    match deletion {
        Deletion::Gone(object) if !call.resource.returns_deleted => {
            let details = Details {
                name: call.name.to_owned(),
                group: call.resource.group.to_owned(),
                kind: call.resource.plural.to_owned(),
                uid: object::uid(&object).to_owned(),
                ..Details::default()
            };
            let body = json!({
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": details.to_value(),
            });
            Ok(call.format.encode(200, &body))
        }
        Deletion::Gone(object) | Deletion::Held(object) => read::show(backend, call, 200, &object),
    }
}

/// `DELETE` on a collection.
pub(super) fn delete_collection(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    call.query.fields.check(call.resource).map_err(Status::bad_request)?;
    let (options, dry_run) = delete_options(call)?;
    let page = read::page(backend.storage, call)?;
    let mut writes = backend.writes(&call.query, call.request, "", false);
    writes.dry_run |= dry_run;
    for object in page.objects() {
        match writes.delete(call.resource, object::namespace(object), object::name(object), &options) {
            Ok(_) => {}
            // Somebody else (a finalizer run by an earlier delete) was faster.
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
        }
    }
    Ok(read::show_list(backend, call, &page))
}

/// Options from the body, or else from the query.
fn delete_options(call: &Call<'_>) -> Result<(DeleteOptions, bool), Status> {
    let query = |wanted: &str| call.request.query.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
    let body = if call.request.body.is_empty() {
        let grace = query("gracePeriodSeconds").and_then(|text| text.parse::<i64>().ok());
        let mut body = json!({});
        if let Some(grace) = grace {
            body["gracePeriodSeconds"] = json!(grace);
        }
        if let Some(policy) = query("propagationPolicy") {
            body["propagationPolicy"] = json!(policy);
        }
        if let Some(orphan) = query("orphanDependents") {
            body["orphanDependents"] = json!(orphan != "false");
        }
        body
    } else {
        let (body, _) = decode::parse(call.request, |why| {
            Status::bad_request(format!("couldn't get version/kind; json parse error: {why}"))
        })?;
        let kind = object::kind(&body);
        if !matches!(kind, "" | "DeleteOptions") {
            let version = object::text(&body, "/apiVersion");
            return Err(Status::bad_request(format!(
                "no kind \"{kind}\" is registered for version \"{version}\" in scheme \
                 \"pkg/apis/meta/internalversion/scheme/register.go:27\""
            )));
        }
        body
    };
    read_delete_options(&body)
}

/// Reads `DeleteOptions`; the flag tells whether they ask for a dry run.
///
/// # Errors
/// 422 for values that are not allowed.
pub(super) fn read_delete_options(body: &Value) -> Result<(DeleteOptions, bool), Status> {
    let policy = object::text(body, "/propagationPolicy");
    let orphan = object::boolean(body, "/orphanDependents");
    let mut errors = Vec::new();
    let propagation = match (policy, orphan) {
        ("", Some(true)) => Some(Propagation::Orphan),
        ("", Some(false)) => Some(Propagation::Background),
        ("", None) => None,
        (_, Some(_)) => {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid("propagationPolicy", &json!(policy), detail));
            None
        }
        ("Foreground", None) => Some(Propagation::Foreground),
        ("Background", None) => Some(Propagation::Background),
        ("Orphan", None) => Some(Propagation::Orphan),
        (_, None) => {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            errors.push(FieldError::not_supported("propagationPolicy", &json!(policy), &supported));
            None
        }
    };
    if !errors.is_empty() {
        return Err(Status::invalid_kind("meta.k8s.io", "DeleteOptions", "", errors));
    }
    let text = |pointer: &str| Some(object::text(body, pointer)).filter(|text| !text.is_empty()).map(str::to_owned);
    let options = DeleteOptions {
        grace_period_seconds: object::integer(body, "/gracePeriodSeconds"),
        propagation,
        uid: text("/preconditions/uid"),
        resource_version: text("/preconditions/resourceVersion"),
    };
    Ok((options, object::items(body, "/dryRun").iter().any(|one| one == "All")))
}

/// The validation level of a write on a subresource kind that the schema does not cover.
pub(super) const LENIENT: FieldValidation = FieldValidation::Ignore;
