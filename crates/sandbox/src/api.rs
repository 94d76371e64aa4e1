//! Requests to answers, without I/O.
//!
//! ```text
//!  Request ─► route ─► negotiate ─┬─► read   (get, list)          ─► Response (bytes)
//!                                 ├─► watch  (a cursor on history) ─► Response (Watch, polled by the edge)
//!                                 ├─► write  (create, put, patch, delete) ─► crate::writes
//!                                 └─► scale, eviction, binding, log
//! ```
//!
//! [`handle`] is one function of the store, the time and the request; the HTTP edge and the tests call the same one.
//! A watch is not a callback but a value: whoever holds it calls [`Watch::poll`] when the store may have changed or when
//! the watch asked to be woken.

use bytes::Bytes;
use jiff::Timestamp;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::discovery::Served;
use crate::resources::{self, Resource, Subresource};
use crate::status::Status;
use crate::storage::Storage;
use crate::writes::{Manager, Writes};

pub mod apply;
pub(crate) mod binding;
mod continue_token;
mod decode;
mod eviction;
pub(crate) mod go_json;
mod log;
mod negotiate;
mod options;
mod read;
mod review;
mod route;
mod scale;
pub mod selector;
mod strict_json;
mod table;
mod view;
mod watch;
mod write;

pub use log::{LogOptions, Logs};
pub use watch::{Polled, Watch};

use negotiate::{Form, Format};
use options::Query;
use route::{Route, Target};

/// One request, with the query already decoded and header names in lower case.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Request {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

/// The body of a [`Response`].
#[derive(Debug)]
pub enum Body {
    Full(Bytes),
    /// A stream of JSON lines; the headers go out before the first one.
    Watch(Box<Watch>),
}

impl Response {
    /// An answer with this content type and the cache headers that every answer has.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers =
            vec![("Cache-Control", "no-cache, private".to_owned()), ("Content-Type", content_type.to_owned())];
        Self { status, headers, body: Body::Full(body.into()) }
    }

    /// A JSON document.
    pub fn json(status: u16, value: &Value) -> Self {
        let mut text = value.to_string();
        text.push('\n');
        Self::new(status, "application/json", text)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What a request is answered from.
#[derive(Debug)]
pub struct Backend<'a> {
    pub storage: &'a mut Storage,
    pub rng: &'a mut StdRng,
    pub now: Timestamp,
    pub logs: &'a dyn Logs,
    /// Whether the Gateway API is installed.
    pub gateway_api: bool,
}

impl Backend<'_> {
    /// A write path for this request.
    fn writes(&mut self, query: &Query, request: &Request, subresource: &'static str, apply: bool) -> Writes<'_> {
        let manager = Manager { name: query.field_manager(request), apply, subresource };
        Writes { storage: self.storage, rng: self.rng, now: self.now, dry_run: query.dry_run, manager: Some(manager) }
    }
}

/// A routed request: what handlers need to know of it.
#[derive(Debug)]
struct Call<'a> {
    request: &'a Request,
    resource: &'static Resource,
    /// "" for cluster scope.
    namespace: &'a str,
    /// "" for the collection.
    name: &'a str,
    query: Query,
    format: Format,
}

/// Answers one request.
pub fn handle(backend: &mut Backend<'_>, request: &Request) -> Response {
    let served = Served { gateway_api: backend.gateway_api };
    let nobody_knows = || Response::new(404, "text/plain; charset=utf-8", "404 page not found\n");
    if request.path.split('/').nth(2).is_some_and(|group| !served.group(group)) {
        return nobody_knows();
    }
    match route::route(request) {
        Ok(Route::Meta) => crate::discovery::handle(request, served).unwrap_or_else(nobody_knows),
        Ok(Route::Resource(target)) => match target.resource.view {
            None => answer_resource(backend, request, &target),
            Some(view) => match view::to_stored(request, target.resource, view) {
                Ok(stored) => view::from_stored(handle(backend, &stored), target.resource, view),
                Err(status) => failure(&status, Format::default()),
            },
        },
        Err(status) => failure(&status, Format::default()),
    }
}

fn answer_resource(backend: &mut Backend<'_>, request: &Request, target: &Target<'_>) -> Response {
    let format = match negotiate::negotiate(request) {
        Ok(format) => format,
        Err(status) => return failure(&status, Format::default()),
    };
    let query = match options::parse(request, target.watch) {
        Ok(query) => query,
        Err(status) => return failure(&status, format),
    };
    let call = Call {
        request,
        resource: target.resource,
        namespace: target.namespace,
        name: target.name,
        query,
        format: format.clone(),
    };
    let answer = match target.subresource {
        Some(subresource) => answer_subresource(backend, &call, subresource),
        None => answer_object(backend, &call),
    };
    let mut response = answer.unwrap_or_else(|status| failure(&status, format));
    if target.resource == resources::ENDPOINTS {
        let warning = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
        response.headers.push(("Warning", format!("299 - \"{warning}\"")));
    }
    response
}

fn answer_object(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let collection = call.name.is_empty();
    let verb = match (call.request.method.as_str(), collection) {
        ("GET" | "HEAD", true) if call.query.watch => "watch",
        ("GET" | "HEAD", true) => "list",
        ("GET" | "HEAD", false) => "get",
        ("POST", true) => "create",
        ("PUT", false) => "update",
        ("PATCH", false) => "patch",
        ("DELETE", true) => "deletecollection",
        ("DELETE", false) => "delete",
        _ => return Err(Status::method_not_allowed()),
    };
    let everywhere = call.resource.namespaced && call.namespace.is_empty();
    if !call.resource.allows(verb) || (everywhere && !matches!(verb, "list" | "watch")) {
        return Err(Status::method_not_allowed());
    }
    match verb {
        "watch" => watch::start(backend, call),
        "list" => read::list(backend, call),
        "get" => read::get(backend, call),
        "create" if call.resource.storage_key.is_empty() => review::create(backend, call),
        "create" => write::create(backend, call),
        "update" => write::put(backend, call, crate::writes::Part::Main),
        "patch" => write::patch(backend, call, crate::writes::Part::Main),
        "deletecollection" => write::delete_collection(backend, call),
        _ => write::delete(backend, call),
    }
}

fn answer_subresource(
    backend: &mut Backend<'_>,
    call: &Call<'_>,
    subresource: &'static Subresource,
) -> Result<Response, Status> {
    let verb = match call.request.method.as_str() {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        _ => return Err(Status::method_not_allowed()),
    };
    if !subresource.verbs.contains(&verb) {
        return Err(Status::method_not_allowed());
    }
    match (subresource.name, verb) {
        ("status", "get") => read::get(backend, call),
        ("status", "update") => write::put(backend, call, crate::writes::Part::Status),
        ("status", "patch") => write::patch(backend, call, crate::writes::Part::Status),
        ("scale", "get") => scale::get(backend, call),
        ("scale", "update") => scale::put(backend, call),
        ("scale", "patch") => scale::patch(backend, call),
        ("eviction", _) => eviction::create(backend, call),
        ("binding", _) => binding::create(backend, call),
        ("log", _) => log::get(backend, call),
        ("finalize", _) => write::put(backend, call, crate::writes::Part::Main),
        _ => Err(Status::method_not_allowed()),
    }
}

/// What a request is about, as far as that can be told without a store.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) verb: &'static str,
    pub(crate) resource: &'static Resource,
    /// "" for cluster scope, and for lists across namespaces.
    pub(crate) namespace: &'a str,
    /// "" for the collection.
    pub(crate) name: &'a str,
    /// "" for the object itself.
    pub(crate) subresource: &'static str,
}

/// `None` for what is not about objects.
pub(crate) fn subject(request: &Request) -> Option<Subject<'_>> {
    let Ok(Route::Resource(target)) = route::route(request) else {
        return None;
    };
    let asks_to_watch = || request.query.iter().any(|(key, value)| key == "watch" && value != "false" && value != "0");
    let verb = match (request.method.as_str(), target.name.is_empty()) {
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "deletecollection",
        ("DELETE", false) => "delete",
        (_, true) if target.watch || asks_to_watch() => "watch",
        (_, true) => "list",
        (_, false) => "get",
    };
    Some(Subject {
        verb,
        resource: target.resource,
        namespace: target.namespace,
        name: target.name,
        subresource: target.subresource.map_or("", |subresource| subresource.name),
    })
}

/// The answer of a refused request, in the encoding the client asked for.
fn failure(status: &Status, format: Format) -> Response {
    let plain = Format { form: Form::Plain, ..format };
    let mut response = plain.encode(status.code, &status.to_value());
    if let Some(seconds) = status.details.as_ref().and_then(|details| details.retry_after_seconds) {
        response.headers.push(("Retry-After", seconds.to_string()));
    }
    response
}
