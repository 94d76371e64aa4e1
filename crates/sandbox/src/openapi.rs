//! OpenAPI documents, as far as clients need them: kubectl reads them to validate and merge before it sends.
//!
//! Printed from the schema, once. The second version is served as JSON and in the protobuf encoding that kubectl up to
//! 1.28 insists on; the third as JSON, one document per API group and version behind an index.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::{Request, Response};
use crate::resources::{self, Resource};
use crate::schema::{self, Merge, Object, Type};

mod protobuf;

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The answer below `/openapi`.
pub(crate) fn handle(path: &[&str], request: &Request) -> Option<Response> {
    let accept = request.header("accept").unwrap_or_default();
    Some(match path {
        ["v2"] if accept.contains("proto-openapi.spec.v2") => cacheable(request, PROTOBUF, protobuf::encode(&V2)),
        ["v2"] => cacheable(request, "application/json", V2.to_string().into_bytes()),
        // A real server labels the index so, although it is JSON.
        ["v3"] => Response::new(200, "text/plain; charset=utf-8", index().to_string()),
        ["v3", rest @ ..] => {
            let document = V3.get(&rest.join("/"))?;
            cacheable(request, "application/json", document.to_string().into_bytes())
        }
        _ => return None,
    })
}

/// An answer with an Etag; 304 when the client has it already.
pub(crate) fn cacheable(request: &Request, media_type: &'static str, body: Vec<u8>) -> Response {
    let etag = format!("\"{}\"", hex::encode_upper(Sha256::digest(&body)));
    let known = request.header("if-none-match").is_some_and(|tags| tags.contains(&etag));
    let mut response = if known { Response::new(304, media_type, "") } else { Response::new(200, media_type, body) };
    response.headers.retain(|(name, _)| *name != "Cache-Control");
    response.headers.push(("Cache-Control", "public".to_owned()));
    response.headers.push(("Etag", etag));
    response.headers.push(("Vary", "Accept".to_owned()));
    response
}

static V2: LazyLock<Value> = LazyLock::new(|| {
    let mut paths = Map::new();
    for resource in resources::all() {
        paths.insert(item_path(resource), operations(resource));
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": crate::discovery::VERSION},
        "paths": paths,
        "definitions": definitions("#/definitions/"),
    })
});

static V3: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let mut documents: BTreeMap<String, Value> = BTreeMap::new();
    for resource in resources::all() {
        let document = documents.entry(group_version_path(resource)).or_insert_with(|| {
            json!({
                "openapi": "3.0.0",
                "info": {"title": "Kubernetes", "version": crate::discovery::VERSION},
                "paths": {},
                "components": {"schemas": definitions("#/components/schemas/")},
            })
        });
        document["paths"][item_path(resource)] = operations(resource);
    }
    documents
});

fn index() -> Value {
    let paths: Map<String, Value> = V3
        .iter()
        .map(|(path, document)| {
            let hash = hex::encode_upper(Sha256::digest(document.to_string()));
            (path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}))
        })
        .collect();
    json!({"paths": paths})
}

fn group_version_path(resource: &Resource) -> String {
    match resource.group {
        "" => format!("api/{}", resource.version),
        group => format!("apis/{group}/{}", resource.version),
    }
}

fn item_path(resource: &Resource) -> String {
    let namespace = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
    format!("/{}/{namespace}{}/{{name}}", group_version_path(resource), resource.plural)
}

/// kubectl learns from the patch operation whether a kind can be written dry, and validated by the server.
fn operations(resource: &Resource) -> Value {
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter);
    json!({"patch": {
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": group_version_kind(resource),
    }})
}

fn group_version_kind(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

/// Every struct of the schema under its published name; references start with `prefix`.
fn definitions(prefix: &str) -> Map<String, Value> {
    schema::objects().map(|shape| (full_name(shape), definition(shape, prefix))).collect()
}

fn resource_of(shape: &Object) -> Option<&'static Resource> {
    resources::all().iter().copied().find(|resource| std::ptr::eq(resource.schema(), shape))
}

/// `io.k8s.api.apps.v1.Deployment`. Nested structs are filed under core, whichever group they belong to.
fn full_name(shape: &Object) -> String {
    const META: [&str; 9] = [
        "ObjectMeta",
        "OwnerReference",
        "ManagedFieldsEntry",
        "LabelSelector",
        "LabelSelectorRequirement",
        "Condition",
        "DeleteOptions",
        "Preconditions",
        "ListMeta",
    ];
    let name = shape.name.rsplit('.').next().unwrap_or(shape.name);
    if META.contains(&name) {
        return format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}");
    }
    match resource_of(shape) {
        Some(resource) if !resource.group.is_empty() => {
            let group = resource.group.split('.').next().unwrap_or(resource.group);
            format!("io.k8s.api.{group}.{}.{name}", resource.version)
        }
        _ => format!("io.k8s.api.core.v1.{}", shape.name),
    }
}

fn definition(shape: &Object, prefix: &str) -> Value {
    let mut properties = Map::new();
    let resource = resource_of(shape);
    if resource.is_some() {
        for key in ["apiVersion", "kind"] {
            properties.insert(key.to_owned(), json!({"type": "string"}));
        }
    }
    for field in &shape.fields {
        let mut property = type_of(&field.ty, prefix);
        let strategy = match (field.retain_keys, field.merge) {
            (true, Some(_)) => "merge,retainKeys",
            (true, None) => "retainKeys",
            (false, Some(_)) => "merge",
            (false, None) => "",
        };
        if !strategy.is_empty() {
            property["x-kubernetes-patch-strategy"] = json!(strategy);
        }
        if let Some(Merge::Key(key)) = field.merge {
            property["x-kubernetes-patch-merge-key"] = json!(key);
        }
        properties.insert(field.name.to_owned(), property);
    }
    let mut definition = json!({"type": "object", "properties": properties});
    if let Some(resource) = resource {
        definition["x-kubernetes-group-version-kind"] = json!([group_version_kind(resource)]);
    }
    definition
}

fn type_of(ty: &Type, prefix: &str) -> Value {
    match ty {
        Type::String => json!({"type": "string"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Int32 => json!({"type": "integer", "format": "int32"}),
        Type::Int64 => json!({"type": "integer", "format": "int64"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Quantity => json!({"type": "string"}),
        Type::IntOrString => json!({"type": "string", "format": "int-or-string"}),
        Type::Time | Type::MicroTime => json!({"type": "string", "format": "date-time"}),
        Type::Raw => json!({"type": "object"}),
        Type::Map(item) => json!({"type": "object", "additionalProperties": type_of(item, prefix)}),
        Type::List(item) => json!({"type": "array", "items": type_of(item, prefix)}),
        Type::Object(shape) => json!({"$ref": format!("{prefix}{}", full_name(shape.get()))}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_somewhere() {
        let definitions = definitions("");
        assert_eq!(definitions.len(), schema::objects().count(), "two structs share a name");
        let text = json!(definitions).to_string();
        for reference in text.split("\"$ref\":\"").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(definitions.contains_key(name), "{name}");
        }
    }

    #[test]
    fn lists_tell_their_merge_keys() {
        let containers = &V2["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
        assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
        assert_eq!(containers["items"]["$ref"], "#/definitions/io.k8s.api.core.v1.Container");
    }
}
