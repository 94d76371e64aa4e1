//! Every kind the sandbox serves: the rows of the registry.

use serde_json::Value;

use super::{FieldError, Generation, Resource, Subresource, View};
use super::{
    autoscaler, config, default, disruption, event, field, gateway, ingress, lease, namespace, pod, service, workload,
};
use crate::table;

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

pub static GATEWAYCLASSES: &Resource = &Resource {
    group: gateway::GROUP,
    kind: "GatewayClass",
    list_kind: "GatewayClassList",
    plural: "gatewayclasses",
    singular: "gatewayclass",
    short_names: &["gc"],
    categories: &["gateway-api"],
    namespaced: false,
    subresources: &[own("status", "GatewayClass")],
    storage_key: "gatewayclasses.gateway.networking.k8s.io",
    generation: Generation::Spec,
    row: table::name_and_age,
    ..PLAIN
};

pub static GATEWAYS: &Resource = &Resource {
    group: gateway::GROUP,
    kind: "Gateway",
    list_kind: "GatewayList",
    plural: "gateways",
    singular: "gateway",
    short_names: &["gtw"],
    categories: &["gateway-api"],
    subresources: &[own("status", "Gateway")],
    storage_key: "gateways.gateway.networking.k8s.io",
    generation: Generation::Spec,
    row: table::name_and_age,
    ..PLAIN
};

pub static HTTPROUTES: &Resource = &Resource {
    group: gateway::GROUP,
    kind: "HTTPRoute",
    list_kind: "HTTPRouteList",
    plural: "httproutes",
    singular: "httproute",
    categories: &["gateway-api"],
    subresources: &[own("status", "HTTPRoute")],
    storage_key: "httproutes.gateway.networking.k8s.io",
    generation: Generation::Spec,
    validate: gateway::validate_route,
    row: table::name_and_age,
    ..PLAIN
};

pub(super) static ALL: &[&Resource] = &[
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
    GATEWAYCLASSES,
    GATEWAYS,
    HTTPROUTES,
];
