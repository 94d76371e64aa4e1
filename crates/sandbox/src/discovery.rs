//! What the server says about itself: API groups and resources, version, health, OpenAPI.
//!
//! Everything here is derived from the registry, so a kind that is registered is also found. Discovery comes in two
//! forms: the old documents (`/api`, `/apis`, `/apis/GROUP`, `/apis/GROUP/VERSION`) and, at `/api` and `/apis` for
//! clients that accept it, one aggregated list.

use serde_json::{Map, Value, json};

use crate::api::{Request, Response};
use crate::openapi;
use crate::resources::{self, Resource, Subresource};
use crate::status::{Details, Status};

mod health;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The Kubernetes release that the sandbox imitates.
pub const VERSION: &str = "v1.36.2";

/// Which of the registered groups a cluster has.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Whether the Gateway API is among them.
    pub gateway_api: bool,
}

impl Served {
    /// Whether this group is one of them, if it is one that is registered.
    #[must_use]
    pub fn group(self, group: &str) -> bool {
        self.gateway_api || group != resources::gateway::GROUP
    }
}

/// The answer at a path that is not about objects; `None` for paths nobody knows.
#[must_use]
pub fn handle(request: &Request, served: Served) -> Option<Response> {
    let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let known = |group: &str| resources::all().iter().any(|resource| resource.group == group);
    Some(match segments.as_slice() {
        ["api"] => list_groups(request, true, served),
        ["apis"] => list_groups(request, false, served),
        ["api", version] => group_version("", version),
        ["apis", group] if known(group) => Response::json(200, &with_kind("APIGroup", group_of(group))),
        ["apis", group, version] if known(group) => group_version(group, version),
        ["api", ..] => failure(&Status::unknown_path()),
        ["version"] => Response::json(200, &version()),
        ["openapi", rest @ ..] => return openapi::handle(rest, request),
        [endpoint @ ("healthz" | "livez" | "readyz"), rest @ ..] => {
            return health::handle(endpoint, rest, &request.query);
        }
        [] => Response::json(200, &json!({"paths": paths(served)})),
        _ => return None,
    })
}

fn failure(status: &Status) -> Response {
    Response::json(status.code, &status.to_value())
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": VERSION,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "archive",
        "buildDate": "2026-06-01T00:00:00Z",
        "goVersion": "go1.26.11",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

fn paths(served: Served) -> Vec<String> {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in groups(served) {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions(group).map(|version| format!("/apis/{group}/{version}")));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
    paths
}

/// The named groups, in the order of the registry.
fn groups(served: Served) -> Vec<&'static str> {
    let mut groups: Vec<&str> = Vec::new();
    for resource in resources::all() {
        if !resource.group.is_empty() && !groups.contains(&resource.group) && served.group(resource.group) {
            groups.push(resource.group);
        }
    }
    groups
}

fn versions(group: &str) -> impl Iterator<Item = &'static str> {
    let mut versions: Vec<&str> = Vec::new();
    for resource in resources::all().iter().filter(|resource| resource.group == group) {
        if !versions.contains(&resource.version) {
            versions.push(resource.version);
        }
    }
    versions.into_iter()
}

fn members(group: &str, version: &str) -> Vec<&'static Resource> {
    let mut members: Vec<&Resource> =
        resources::all().iter().copied().filter(|r| r.group == group && r.version == version).collect();
    members.sort_by_key(|resource| resource.plural);
    members
}

/// What of an Accept header `/api` and `/apis` can serve.
enum Form {
    Plain,
    Aggregated,
    Nothing,
}

fn form(accept: &str) -> Form {
    for entry in accept.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let parameters: Vec<&str> = parts.filter(|part| !part.starts_with("q=")).collect();
        match media {
            "" if accept.trim().is_empty() => return Form::Plain,
            "application/json" if !parameters.contains(&"as=APIGroupDiscoveryList") => {
                return Form::Plain;
            }
            "application/json" if parameters.contains(&"v=v2") => return Form::Aggregated,
            "*/*" => return Form::Plain,
            // The beta form is no longer served; the next entry has a chance.
            _ => {}
        }
    }
    Form::Nothing
}

fn list_groups(request: &Request, core: bool, served: Served) -> Response {
    match form(request.header("accept").unwrap_or_default()) {
        Form::Nothing => failure(&Status::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml, \
                 application/vnd.kubernetes.protobuf",
        )),
        Form::Plain if core => Response::json(
            200,
            &json!({
                "kind": "APIVersions",
                "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
            }),
        ),
        Form::Plain => {
            let groups: Vec<Value> = groups(served).into_iter().map(group_of).collect();
            Response::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        Form::Aggregated => {
            let items: Vec<Value> =
                if core { vec![discovered("")] } else { groups(served).into_iter().map(discovered).collect() };
            let document = json!({
                "kind": "APIGroupDiscoveryList",
                "apiVersion": "apidiscovery.k8s.io/v2",
                "metadata": {},
                "items": items,
            });
            openapi::cacheable(request, AGGREGATED, format!("{document}\n").into_bytes())
        }
    }
}

fn group_of(group: &str) -> Value {
    let versions: Vec<Value> = versions(group)
        .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
        .collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions.first()})
}

fn with_kind(kind: &str, mut document: Value) -> Value {
    let mut result = Map::new();
    result.insert("kind".to_owned(), json!(kind));
    result.insert("apiVersion".to_owned(), json!("v1"));
    if let Some(fields) = document.as_object_mut() {
        result.append(fields);
    }
    Value::Object(result)
}

fn group_version(group: &str, version: &str) -> Response {
    let members = members(group, version);
    if members.is_empty() {
        return failure(&Status::unknown_path().with_details(Details::default()));
    }
    let mut listed: Vec<(String, Value)> = Vec::new();
    for resource in members {
        listed.push((resource.plural.to_owned(), described(resource)));
        for subresource in resource.subresources {
            let name = format!("{}/{}", resource.plural, subresource.name);
            let description = described_sub(resource, subresource, &name);
            listed.push((name, description));
        }
    }
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let listed: Vec<Value> = listed.into_iter().map(|(_, description)| description).collect();
    let mut document = Map::new();
    document.insert("kind".to_owned(), json!("APIResourceList"));
    // The core group's document predates the field.
    if !group.is_empty() {
        document.insert("apiVersion".to_owned(), json!("v1"));
    }
    document.insert("groupVersion".to_owned(), json!(api_version));
    document.insert("resources".to_owned(), json!(listed));
    Response::json(200, &Value::Object(document))
}

fn described(resource: &Resource) -> Value {
    let mut entry = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    entry
}

fn described_sub(resource: &Resource, subresource: &Subresource, name: &str) -> Value {
    let mut entry = json!({"name": name, "singularName": "", "namespaced": resource.namespaced});
    if let Some((group, version)) = subresource.group_version {
        entry["group"] = json!(group);
        entry["version"] = json!(version);
    }
    entry["kind"] = json!(subresource.kind);
    entry["verbs"] = json!(subresource.verbs);
    entry
}

/// A group in the aggregated list.
fn discovered(group: &str) -> Value {
    let versions: Vec<Value> = versions(group)
        .map(|version| {
            let resources: Vec<Value> = members(group, version).into_iter().map(discovered_resource).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": versions})
}

fn discovered_resource(resource: &Resource) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": kind("", "", resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    if !resource.subresources.is_empty() {
        let subresources = resource.subresources.iter().map(|subresource| {
            let (group, version) = subresource.group_version.unwrap_or_default();
            json!({
                "subresource": subresource.name,
                "responseKind": kind(group, version, subresource.kind),
                "verbs": subresource.verbs,
            })
        });
        entry["subresources"] = subresources.collect();
    }
    entry
}
