//! The registry: every kind the sandbox serves, and what is peculiar to it.
//!
//! The API, the write path and discovery are generic; whatever differs between kinds is a column of this table:
//! names, verbs, subresources, the generation rule, defaults, validation and the `kubectl get` columns. Field types,
//! merge keys and list ownership live in the schema ([`Resource::schema`]).
//!
//! ```text
//!   request ── find(group, version, plural) ──► Resource ──► decode (schema) ► default ► prepare ► validate ► store
//!                                                  └───────► table, discovery, openapi
//! ```

use jiff::Timestamp;
use serde_json::Value;

use crate::schema::{self, Object};

mod autoscaler;
mod config;
mod default;
mod disruption;
mod event;
pub mod field;
pub mod gateway;
mod ingress;
mod kinds;
mod lease;
mod metadata;
mod names;
mod namespace;
pub mod pod;
pub mod selector;
pub mod service;
mod workload;

pub use field::{FieldError, Reason};
pub use kinds::*;

/// Which changes of an object count as a new generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The kind has no generation (ConfigMap, Service, ...).
    None,
    /// Changes outside of metadata and status count.
    Spec,
    /// As [`Generation::Spec`], and changes of annotations count too (Deployment, ReplicaSet).
    SpecAndAnnotations,
}

/// A path below an object, such as `pods/NAME/eviction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subresource {
    pub name: &'static str,
    /// Group and version of the kind it speaks, when that differs from the parent's.
    pub group_version: Option<(&'static str, &'static str)>,
    pub kind: &'static str,
    pub verbs: &'static [&'static str],
}

/// How one version of a kind shows objects that are stored as another.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The resource that is stored.
    pub of: &'static Resource,
    /// From this shape to the stored one; also takes a merge patch of this shape.
    pub store: fn(Value) -> Value,
    /// From the stored shape to this one.
    pub show: fn(Value) -> Value,
    /// Field labels of this version that have another name in the stored one.
    pub field_labels: &'static [(&'static str, &'static str)],
}

/// One served resource (a plural under a group and version).
///
/// Two resources are equal when group, version and plural are; [`Resource::storage_key`] tells which of them share a
/// store.
pub struct Resource {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    /// `PodList`; note `EndpointsList`.
    pub list_kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    pub verbs: &'static [&'static str],
    pub subresources: &'static [Subresource],
    /// Names the store that keeps the objects: `pods`, `deployments.apps`; `events` for both event groups. Empty for
    /// resources that are answered and never stored (reviews).
    pub storage_key: &'static str,
    pub generation: Generation,
    /// PUT of an absent object creates it.
    pub create_on_update: bool,
    /// DELETE answers with the object rather than a Status.
    pub returns_deleted: bool,
    /// Dotted paths that field selectors may name besides `metadata.name` and `metadata.namespace`.
    pub field_labels: &'static [&'static str],
    /// Fills in what the client left out. Must be idempotent: it also runs on updates.
    pub default: fn(&mut Value),
    /// Runs after defaulting and before validation, with the stored object on update: initial status on creates,
    /// fields that an update carries over.
    pub prepare: fn(&mut Value, Option<&Value>),
    /// Everything wrong with the spec of `new`, in the server's order; see [`Resource::check`] for metadata too.
    pub validate: fn(new: &Value, old: Option<&Value>) -> Vec<FieldError>,
    /// Everything wrong with a written status.
    pub validate_status: fn(&Value) -> Vec<FieldError>,
    /// The cells of the object's row in a Table, one per column.
    pub row: fn(&Value, Timestamp) -> Vec<Value>,
    /// The objects are stored in the shape of another version, and this one is a way of looking at them.
    pub view: Option<View>,
    /// What `metadata.name` must look like.
    pub name_rule: field::NameRule,
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resource({}/{})", self.api_version(), self.plural)
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        (self.group, self.version, self.plural) == (other.group, other.version, other.plural)
    }
}

impl Eq for Resource {}

impl Resource {
    /// `v1` or `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// `pods` or `deployments.apps`, as error messages spell it.
    #[must_use]
    pub fn qualified_plural(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `Pod` or `Deployment.apps`, as validation messages spell it.
    #[must_use]
    pub fn qualified_kind(&self) -> String {
        match self.group {
            "" => self.kind.to_owned(),
            group => format!("{}.{group}", self.kind),
        }
    }

    /// The shape of the kind.
    #[must_use]
    pub fn schema(&self) -> &'static Object {
        schema::of_kind(&self.api_version(), self.kind).expect("every kind has a shape; a test checks it")
    }

    /// Everything wrong with a new object, or with an update of `old`: metadata first, then the kind's own rules.
    #[must_use]
    pub fn check(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = metadata::validate(self, new, old);
        errors.extend((self.validate)(new, old));
        errors
    }

    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    #[must_use]
    pub fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }

    #[must_use]
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }
}

/// Every resource, in discovery order.
#[must_use]
pub fn all() -> &'static [&'static Resource] {
    kinds::ALL
}

/// The resource at `/apis/GROUP/VERSION/.../PLURAL` (`/api/VERSION` for the empty group).
#[must_use]
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    kinds::ALL.iter().copied().find(|r| r.group == group && r.version == version && r.plural == plural)
}

/// The resource of a kind, as `apiVersion` and `kind` of an object or an owner reference name it.
#[must_use]
pub fn find_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    kinds::ALL.iter().copied().find(|r| r.group == group && r.version == version && r.kind == kind)
}
