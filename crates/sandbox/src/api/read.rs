//! Get and list.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};

use super::continue_token::ContinueToken;
use super::negotiate::{self, Encoding, Form};
use super::options::VersionMatch;
use super::{Backend, Call, Response, table};
use crate::object;
use crate::resources::Resource;
use crate::status::{Cause, Details, Status};
use crate::storage::Storage;

/// `GET .../NAME`
pub(super) fn get(backend: &Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let wanted = &call.query.resource_version;
    if !wanted.is_empty() {
        let revision = parse_version(wanted).map_err(Status::unexplained)?;
        check_not_future(backend.storage, revision)?;
    }
    let object = backend
        .storage
        .get(call.resource, call.namespace, call.name)
        .ok_or_else(|| Status::not_found(call.resource, call.name))?;
    show(backend, call, 200, object)
}

/// One object in the form that the client asked for.
pub(super) fn show(backend: &Backend<'_>, call: &Call<'_>, status: u16, object: &Value) -> Result<Response, Status> {
    match call.format.form {
        Form::Plain => Ok(call.format.encode(status, object)),
        Form::Metadata => Ok(call.format.encode(status, &partial(object))),
        Form::MetadataList => Err(negotiate::not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
            internal_type(call.resource, call.resource.kind)
        ))),
        Form::Table => {
            let metadata = json!({"resourceVersion": object::text(object, "/metadata/resourceVersion")});
            let rows = [object];
            Ok(call.format.encode(
                status,
                &table::render(call.resource, &rows, metadata, call.query.include_object, true, backend.now),
            ))
        }
    }
}

/// `GET` on a collection.
pub(super) fn list(backend: &Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    call.query.fields.check(call.resource).map_err(Status::bad_request)?;
    if call.format.form == Form::Metadata {
        return Err(negotiate::not_acceptable(format!(
            "you requested PartialObjectMetadata, but the requested object is a list ({})",
            internal_type(call.resource, call.resource.list_kind)
        )));
    }
    let page = page(backend.storage, call)?;
    Ok(show_list(backend, call, &page))
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page {
    objects: Vec<Arc<Value>>,
    revision: u64,
    next: Option<ContinueToken>,
    remaining: Option<usize>,
}

impl Page {
    /// A whole list of these objects.
    pub(super) fn whole(objects: Vec<Arc<Value>>, revision: u64) -> Self {
        Self { objects, revision, next: None, remaining: None }
    }

    /// What is on the page.
    pub(super) fn objects(&self) -> &[Arc<Value>] {
        &self.objects
    }

    fn metadata(&self) -> Value {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".into(), json!(self.revision.to_string()));
        if let Some(next) = &self.next {
            metadata.insert("continue".into(), json!(next.encode()));
        }
        if let Some(remaining) = self.remaining {
            metadata.insert("remainingItemCount".into(), json!(remaining));
        }
        Value::Object(metadata)
    }
}

/// A list in the form that the client asked for.
pub(super) fn show_list(backend: &Backend<'_>, call: &Call<'_>, page: &Page) -> Response {
    let (kind, api_version) = match call.format.form {
        Form::Table => {
            let rows: Vec<&Value> = page.objects.iter().map(AsRef::as_ref).collect();
            return call.format.encode(
                200,
                &table::render(call.resource, &rows, page.metadata(), call.query.include_object, true, backend.now),
            );
        }
        Form::Metadata | Form::MetadataList => {
            let items = match page.objects.as_slice() {
                [] => Value::Null,
                objects => objects.iter().map(|object| partial(object)).collect(),
            };
            let body = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": page.metadata(),
                "items": items,
            });
            return call.format.encode(200, &body);
        }
        Form::Plain => (call.resource.list_kind, call.resource.api_version()),
    };
    let list = List { kind, api_version: &api_version, metadata: page.metadata(), objects: &page.objects };
    if call.format.encoding == Encoding::Json && !call.format.pretty {
        // The common case goes straight to bytes: thousands of pods are not copied to drop two keys.
        let mut bytes = serde_json::to_vec(&list).unwrap_or_default();
        bytes.push(b'\n');
        return Response::new(200, "application/json", bytes);
    }
    call.format.encode(200, &serde_json::to_value(&list).unwrap_or_default())
}

/// Selects what a list request wants to see.
pub(super) fn page(storage: &Storage, call: &Call<'_>) -> Result<Page, Status> {
    let query = &call.query;
    let namespace = call.resource.namespaced.then_some(call.namespace).filter(|namespace| !namespace.is_empty());
    let matches = |object: &&Arc<Value>| query.labels.matches(object) && query.fields.matches(object);

    let token = match query.continue_token.as_str() {
        "" => None,
        text => {
            if !matches!(query.resource_version.as_str(), "" | "0") {
                return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
            }
            Some(ContinueToken::decode(text)?)
        }
    };
    let exact = match &token {
        Some(token) => token.revision,
        None => exact_revision(storage, call)?,
    };
    let after = token.as_ref().map(|token| (token.after.0.as_str(), token.after.1.as_str()));
    let is_new =
        |object: &&Arc<Value>| after.is_none_or(|after| (object::namespace(object), object::name(object)) > after);
    let revision = exact.unwrap_or(storage.revision());
    let counted = query.labels.is_empty() && query.fields.is_empty();
    let cut = |candidates: &mut dyn Iterator<Item = &Arc<Value>>| {
        cut(&mut candidates.filter(is_new), &matches, revision, query.limit, counted)
    };
    Ok(match exact.filter(|revision| *revision < storage.revision()) {
        Some(revision) => {
            let objects = storage.list_at(call.resource, namespace, revision).map_err(|_| expired(token.as_ref()))?;
            cut(&mut objects.iter())
        }
        None => cut(&mut storage.list(call.resource, namespace)),
    })
}

/// Cuts a page off the candidates. Whether more pages follow is told by the next candidate, whether it matches or not,
/// because a real server stops looking there; what remains is only counted without selectors.
fn cut(
    candidates: &mut dyn Iterator<Item = &Arc<Value>>,
    matches: &dyn Fn(&&Arc<Value>) -> bool,
    revision: u64,
    limit: usize,
    counted: bool,
) -> Page {
    let mut objects = Vec::new();
    while let Some(candidate) = candidates.next() {
        if limit > 0 && objects.len() == limit {
            let next = objects.last().map(|last: &Arc<Value>| ContinueToken {
                revision: Some(revision),
                after: (object::namespace(last).to_owned(), object::name(last).to_owned()),
            });
            let remaining = counted.then(|| 1 + candidates.count());
            return Page { objects, revision, next, remaining };
        }
        if matches(&candidate) {
            objects.push(Arc::clone(candidate));
        }
    }
    Page::whole(objects, revision)
}

/// The revision that the list must show exactly; `None` for "the present will do".
fn exact_revision(storage: &Storage, call: &Call<'_>) -> Result<Option<u64>, Status> {
    let query = &call.query;
    if query.resource_version.is_empty() {
        return Ok(None);
    }
    let revision = parse_version(&query.resource_version)
        .map_err(|why| Status::bad_request(format!("invalid resource version: {why}")))?;
    check_not_future(storage, revision)?;
    let exact = match query.version_match {
        VersionMatch::Exact => true,
        VersionMatch::NotOlderThan => false,
        VersionMatch::Unset => query.limit > 0 && revision > 0,
    };
    Ok(exact.then_some(revision))
}

/// 410; for a page, with a token that goes on at the present.
fn expired(token: Option<&ContinueToken>) -> Status {
    let Some(token) = token else {
        return Status::expired("The resourceVersion for the provided list is too old.");
    };
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    status.continue_token = Some(ContinueToken { revision: None, after: token.after.clone() }.encode());
    status
}

/// Reads a resourceVersion of a query.
pub(super) fn parse_version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax")
    })
}

/// A real server waits three seconds for the revision to come; nobody else writes to this store, so the answer is
/// known at once.
fn check_not_future(storage: &Storage, revision: u64) -> Result<(), Status> {
    let current = storage.revision();
    if revision <= current {
        return Ok(());
    }
    let message = format!("Timeout: Too large resource version: {revision}, current: {current}");
    let cause =
        Cause { reason: "ResourceVersionTooLarge", message: "Too large resource version".into(), field: String::new() };
    Err(Status::new(504, "Timeout", message).with_details(Details {
        causes: vec![cause],
        retry_after_seconds: Some(1),
        ..Details::default()
    }))
}

/// `PartialObjectMetadata` of an object.
pub(super) fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}

/// The Go type that some messages name.
fn internal_type(resource: &Resource, kind: &str) -> String {
    let package = match resource.group.split('.').next() {
        None | Some("") => "core",
        Some(first) => first,
    };
    format!("*{package}.{kind}")
}

/// A typed list, whose items do not repeat kind and apiVersion.
#[derive(Serialize)]
struct List<'a> {
    kind: &'a str,
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    metadata: Value,
    #[serde(rename = "items", serialize_with = "serialize_items")]
    objects: &'a [Arc<Value>],
}

fn serialize_items<S: Serializer>(objects: &&[Arc<Value>], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(objects.len()))?;
    for object in *objects {
        sequence.serialize_element(&Item(object))?;
    }
    sequence.end()
}

struct Item<'a>(&'a Value);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0.as_object().into_iter().flatten() {
            if key != "kind" && key != "apiVersion" {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}
