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
use crate::table;

mod autoscaler;
mod config;
mod default;
mod disruption;
mod event;
pub mod field;
mod ingress;
mod lease;
mod metadata;
mod names;
mod namespace;
pub mod pod;
pub mod selector;
pub mod service;
mod workload;

pub use field::{FieldError, Reason};

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
    ALL
}

/// The resource at `/apis/GROUP/VERSION/.../PLURAL` (`/api/VERSION` for the empty group).
#[must_use]
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    ALL.iter().copied().find(|r| r.group == group && r.version == version && r.plural == plural)
}

/// The resource of a kind, as `apiVersion` and `kind` of an object or an owner reference name it.
#[must_use]
pub fn find_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ALL.iter().copied().find(|r| r.group == group && r.version == version && r.kind == kind)
}

const ALL_VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const OBJECT_VERBS: &[&str] = &["get", "patch", "update"];
const CREATE_ONLY: &[&str] = &["create"];
const IN_ALL: &[&str] = &["all"];

const fn own(name: &'static str, kind: &'static str) -> Subresource {
    Subresource { name, group_version: None, kind, verbs: OBJECT_VERBS }
}

const fn foreign(
    name: &'static str,
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
) -> Subresource {
    Subresource { name, group_version: Some((group, version)), kind, verbs }
}

const SCALE: Subresource = foreign("scale", "autoscaling", "v1", "Scale", OBJECT_VERBS);

fn nothing(_: &mut Value) {}
fn as_given(_: &mut Value, _: Option<&Value>) {}
fn anything_goes(_: &Value, _: Option<&Value>) -> Vec<FieldError> {
    Vec::new()
}

fn any_status_goes(_: &Value) -> Vec<FieldError> {
    Vec::new()
}

/// A namespaced kind with all verbs and no peculiarities, to build the others from.
const PLAIN: Resource = Resource {
    group: "",
    version: "v1",
    kind: "",
    list_kind: "",
    plural: "",
    singular: "",
    short_names: &[],
    categories: &[],
    namespaced: true,
    verbs: ALL_VERBS,
    subresources: &[],
    storage_key: "",
    generation: Generation::None,
    create_on_update: false,
    returns_deleted: false,
    field_labels: &[],
    default: nothing,
    prepare: as_given,
    validate: anything_goes,
    validate_status: any_status_goes,
    row: table::no_row,
    view: None,
    name_rule: field::NameRule::Subdomain,
};

pub static CONFIGMAPS: &Resource = &Resource {
    kind: "ConfigMap",
    list_kind: "ConfigMapList",
    plural: "configmaps",
    singular: "configmap",
    short_names: &["cm"],
    storage_key: "configmaps",
    validate: config::validate_config_map,
    row: table::config_map,
    ..PLAIN
};

pub static ENDPOINTS: &Resource = &Resource {
    kind: "Endpoints",
    list_kind: "EndpointsList",
    plural: "endpoints",
    singular: "endpoints",
    short_names: &["ep"],
    storage_key: "endpoints",
    row: table::endpoints,
    ..PLAIN
};

pub static EVENTS: &Resource = &Resource {
    kind: "Event",
    list_kind: "EventList",
    plural: "events",
    singular: "event",
    short_names: &["ev"],
    storage_key: "events",
    create_on_update: true,
    field_labels: &[
        "involvedObject.apiVersion",
        "involvedObject.fieldPath",
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.resourceVersion",
        "involvedObject.uid",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ],
    row: table::event,
    validate: event::validate,
    ..PLAIN
};

pub static NAMESPACES: &Resource = &Resource {
    kind: "Namespace",
    list_kind: "NamespaceList",
    plural: "namespaces",
    singular: "namespace",
    short_names: &["ns"],
    namespaced: false,
    verbs: &["create", "delete", "get", "list", "patch", "update", "watch"],
    subresources: &[
        Subresource { name: "finalize", group_version: None, kind: "Namespace", verbs: &["update"] },
        own("status", "Namespace"),
    ],
    storage_key: "namespaces",
    returns_deleted: true,
    field_labels: &["name", "status.phase"],
    name_rule: field::NameRule::Label,
    default: namespace::default,
    prepare: namespace::prepare,
    row: table::namespace,
    ..PLAIN
};

pub static NODES: &Resource = &Resource {
    kind: "Node",
    list_kind: "NodeList",
    plural: "nodes",
    singular: "node",
    short_names: &["no"],
    namespaced: false,
    subresources: &[own("status", "Node")],
    storage_key: "nodes",
    field_labels: &["spec.unschedulable"],
    default: namespace::default_node,
    row: table::node,
    ..PLAIN
};

pub static PODS: &Resource = &Resource {
    kind: "Pod",
    list_kind: "PodList",
    plural: "pods",
    singular: "pod",
    short_names: &["po"],
    categories: IN_ALL,
    subresources: &[
        Subresource { name: "binding", group_version: None, kind: "Binding", verbs: CREATE_ONLY },
        foreign("eviction", "policy", "v1", "Eviction", CREATE_ONLY),
        Subresource { name: "log", group_version: None, kind: "Pod", verbs: &["get"] },
        own("status", "Pod"),
    ],
    storage_key: "pods",
    generation: Generation::Spec,
    returns_deleted: true,
    field_labels: &[
        "spec.hostNetwork",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.nominatedNodeName",
        "status.phase",
        "status.podIP",
    ],
    default: pod::default,
    prepare: pod::prepare,
    validate: pod::validate,
    row: table::pod,
    ..PLAIN
};

pub static RESOURCEQUOTAS: &Resource = &Resource {
    kind: "ResourceQuota",
    list_kind: "ResourceQuotaList",
    plural: "resourcequotas",
    singular: "resourcequota",
    short_names: &["quota"],
    subresources: &[own("status", "ResourceQuota")],
    storage_key: "resourcequotas",
    prepare: default::reset_status,
    row: table::resource_quota,
    ..PLAIN
};

pub static SECRETS: &Resource = &Resource {
    kind: "Secret",
    list_kind: "SecretList",
    plural: "secrets",
    singular: "secret",
    storage_key: "secrets",
    field_labels: &["type"],
    default: config::default_secret,
    validate: config::validate_secret,
    row: table::secret,
    ..PLAIN
};

pub static SERVICEACCOUNTS: &Resource = &Resource {
    kind: "ServiceAccount",
    list_kind: "ServiceAccountList",
    plural: "serviceaccounts",
    singular: "serviceaccount",
    short_names: &["sa"],
    storage_key: "serviceaccounts",
    returns_deleted: true,
    row: table::name_and_age,
    ..PLAIN
};

pub static SERVICES: &Resource = &Resource {
    kind: "Service",
    list_kind: "ServiceList",
    plural: "services",
    singular: "service",
    short_names: &["svc"],
    categories: IN_ALL,
    subresources: &[own("status", "Service")],
    storage_key: "services",
    returns_deleted: true,
    field_labels: &["spec.clusterIP", "spec.type"],
    default: service::default,
    prepare: service::prepare,
    validate: service::validate,
    name_rule: field::NameRule::Service,
    row: table::service,
    ..PLAIN
};

pub static DAEMONSETS: &Resource = &Resource {
    group: "apps",
    kind: "DaemonSet",
    list_kind: "DaemonSetList",
    plural: "daemonsets",
    singular: "daemonset",
    short_names: &["ds"],
    categories: IN_ALL,
    subresources: &[own("status", "DaemonSet")],
    storage_key: "daemonsets.apps",
    generation: Generation::Spec,
    default: workload::default_daemon_set,
    prepare: workload::prepare_daemon_set,
    validate: workload::validate_daemon_set,
    row: table::daemon_set,
    ..PLAIN
};

pub static DEPLOYMENTS: &Resource = &Resource {
    group: "apps",
    kind: "Deployment",
    list_kind: "DeploymentList",
    plural: "deployments",
    singular: "deployment",
    short_names: &["deploy"],
    categories: IN_ALL,
    subresources: &[SCALE, own("status", "Deployment")],
    storage_key: "deployments.apps",
    generation: Generation::SpecAndAnnotations,
    default: workload::default_deployment,
    prepare: default::reset_status,
    validate: workload::validate_deployment,
    validate_status: workload::validate_replicas_status,
    row: table::deployment,
    ..PLAIN
};

pub static REPLICASETS: &Resource = &Resource {
    group: "apps",
    kind: "ReplicaSet",
    list_kind: "ReplicaSetList",
    plural: "replicasets",
    singular: "replicaset",
    short_names: &["rs"],
    categories: IN_ALL,
    subresources: &[SCALE, own("status", "ReplicaSet")],
    storage_key: "replicasets.apps",
    generation: Generation::Spec,
    default: workload::default_replica_set,
    prepare: default::reset_status,
    validate: workload::validate_replica_set,
    validate_status: workload::validate_replicas_status,
    row: table::replica_set,
    ..PLAIN
};

pub static STATEFULSETS: &Resource = &Resource {
    group: "apps",
    kind: "StatefulSet",
    list_kind: "StatefulSetList",
    plural: "statefulsets",
    singular: "statefulset",
    short_names: &["sts"],
    categories: IN_ALL,
    subresources: &[SCALE, own("status", "StatefulSet")],
    storage_key: "statefulsets.apps",
    generation: Generation::Spec,
    default: workload::default_stateful_set,
    prepare: default::reset_status,
    validate: workload::validate_stateful_set,
    row: table::stateful_set,
    ..PLAIN
};

/// The events.k8s.io view of [`EVENTS`]: the same objects in the newer shape.
pub static EVENTS_V1: &Resource = &Resource {
    group: "events.k8s.io",
    kind: "Event",
    list_kind: "EventList",
    plural: "events",
    singular: "event",
    short_names: &["ev"],
    storage_key: "events",
    create_on_update: true,
    row: table::event,
    validate: event::validate_new,
    view: Some(View { of: EVENTS, store: event::to_core, show: event::from_core, field_labels: event::FIELD_LABELS }),
    ..PLAIN
};

pub static SELFSUBJECTACCESSREVIEWS: &Resource = &Resource {
    group: "authorization.k8s.io",
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    namespaced: false,
    verbs: CREATE_ONLY,
    ..PLAIN
};

pub static HORIZONTALPODAUTOSCALERS: &Resource = &Resource {
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    list_kind: "HorizontalPodAutoscalerList",
    plural: "horizontalpodautoscalers",
    singular: "horizontalpodautoscaler",
    short_names: &["hpa"],
    categories: IN_ALL,
    subresources: &[own("status", "HorizontalPodAutoscaler")],
    storage_key: "horizontalpodautoscalers.autoscaling",
    default: autoscaler::default,
    prepare: default::reset_status,
    validate: autoscaler::validate,
    row: table::autoscaler,
    ..PLAIN
};

/// The older view of [`HORIZONTALPODAUTOSCALERS`], which knows of CPU only.
pub static HORIZONTALPODAUTOSCALERS_V1: &Resource = &Resource {
    group: "autoscaling",
    version: "v1",
    kind: "HorizontalPodAutoscaler",
    list_kind: "HorizontalPodAutoscalerList",
    plural: "horizontalpodautoscalers",
    singular: "horizontalpodautoscaler",
    short_names: &["hpa"],
    categories: IN_ALL,
    subresources: &[own("status", "HorizontalPodAutoscaler")],
    storage_key: "horizontalpodautoscalers.autoscaling",
    row: table::autoscaler,
    view: Some(View {
        of: HORIZONTALPODAUTOSCALERS,
        store: autoscaler::to_v2,
        show: autoscaler::from_v2,
        field_labels: &[],
    }),
    ..PLAIN
};

pub static LEASES: &Resource = &Resource {
    group: "coordination.k8s.io",
    kind: "Lease",
    list_kind: "LeaseList",
    plural: "leases",
    singular: "lease",
    storage_key: "leases.coordination.k8s.io",
    create_on_update: true,
    validate: lease::validate,
    row: table::lease,
    ..PLAIN
};

pub static ENDPOINTSLICES: &Resource = &Resource {
    group: "discovery.k8s.io",
    kind: "EndpointSlice",
    list_kind: "EndpointSliceList",
    plural: "endpointslices",
    singular: "endpointslice",
    storage_key: "endpointslices.discovery.k8s.io",
    generation: Generation::Spec,
    row: table::endpoint_slice,
    ..PLAIN
};

pub static INGRESSES: &Resource = &Resource {
    group: "networking.k8s.io",
    kind: "Ingress",
    list_kind: "IngressList",
    plural: "ingresses",
    singular: "ingress",
    short_names: &["ing"],
    subresources: &[own("status", "Ingress")],
    storage_key: "ingresses.networking.k8s.io",
    generation: Generation::Spec,
    prepare: default::reset_status,
    validate: ingress::validate,
    row: table::ingress,
    ..PLAIN
};

pub static PODDISRUPTIONBUDGETS: &Resource = &Resource {
    group: "policy",
    kind: "PodDisruptionBudget",
    list_kind: "PodDisruptionBudgetList",
    plural: "poddisruptionbudgets",
    singular: "poddisruptionbudget",
    short_names: &["pdb"],
    subresources: &[own("status", "PodDisruptionBudget")],
    storage_key: "poddisruptionbudgets.policy",
    generation: Generation::Spec,
    prepare: default::reset_status,
    validate: disruption::validate,
    row: table::disruption_budget,
    ..PLAIN
};

/// Kept and never run: there is no Job controller.
pub static JOBS: &Resource = &Resource {
    group: "batch",
    kind: "Job",
    list_kind: "JobList",
    plural: "jobs",
    singular: "job",
    categories: IN_ALL,
    subresources: &[own("status", "Job")],
    storage_key: "jobs.batch",
    generation: Generation::Spec,
    field_labels: &["status.successful"],
    row: table::name_and_age,
    ..PLAIN
};

static ALL: &[&Resource] = &[
    CONFIGMAPS,
    ENDPOINTS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICEACCOUNTS,
    SERVICES,
    DAEMONSETS,
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
    EVENTS_V1,
    SELFSUBJECTACCESSREVIEWS,
    HORIZONTALPODAUTOSCALERS,
    HORIZONTALPODAUTOSCALERS_V1,
    JOBS,
    LEASES,
    ENDPOINTSLICES,
    INGRESSES,
    PODDISRUPTIONBUDGETS,
];
