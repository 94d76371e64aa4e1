//! Paths to resources.

use super::Request;
use crate::resources::{self, Resource, Subresource};
use crate::status::Status;

/// Where a path leads.
#[derive(Debug)]
pub(super) enum Route<'a> {
    /// Discovery, OpenAPI, version, health: everything that is not about objects.
    Meta,
    Resource(Target<'a>),
}

/// A collection, an object or a subresource.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) resource: &'static Resource,
    /// "" for cluster scope, and for lists across namespaces.
    pub(super) namespace: &'a str,
    /// "" for the collection.
    pub(super) name: &'a str,
    pub(super) subresource: Option<&'static Subresource>,
    /// The path has the old `/watch/` prefix.
    pub(super) watch: bool,
}

/// Finds what a path is about.
///
/// # Errors
/// 404 for a path below a known group-version that names nothing.
pub(super) fn route(request: &Request) -> Result<Route<'_>, Status> {
    let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Route::Meta),
    };
    if !resources::all().iter().any(|resource| resource.group == group) {
        return Ok(Route::Meta);
    }
    let (watch, rest) = match rest {
        ["watch", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !is_namespace_part(rest) => (*namespace, rest),
        rest => ("", rest),
    };
    let (plural, name, sub) = match rest {
        [plural] => (*plural, "", None),
        [plural, name] => (*plural, *name, None),
        [plural, name, sub] => (*plural, *name, Some(*sub)),
        _ => return Err(Status::unknown_path()),
    };
    let resource = resources::find(group, version, plural).ok_or_else(Status::unknown_path)?;
    // A namespaced object needs its namespace; a cluster-scoped one has no place below a namespace.
    if resource.namespaced == namespace.is_empty() && !(resource.namespaced && name.is_empty()) {
        return Err(Status::unknown_path());
    }
    let subresource = match sub {
        None => None,
        Some(sub) => Some(resource.subresource(sub).ok_or_else(Status::unknown_path)?),
    };
    Ok(Route::Resource(Target { resource, namespace, name, subresource, watch }))
}

/// `namespaces/NAME`, `namespaces/NAME/status`: the namespace itself rather than something in it.
fn is_namespace_part(rest: &[&str]) -> bool {
    matches!(rest, [] | ["status" | "finalize"])
}
