//! CreateK8sSecret, UpdateK8sSecret, DeleteK8sSecret, ListK8sSecrets.
//!
//! Values go from the request to the cluster and from the cluster to the answer, and nowhere else. Secrets of types that others keep, such as the tokens of
//! service accounts, are shown without their values and changed by nobody here.

use std::sync::Arc;

use serde_json::{Value, json};
use sternway_access::Action;
use sternway_core::ports::ObjectKind;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{KubernetesSecret, ListK8sSecrets, Nothing, RelatedIngressRule, SecretPage};
use sternway_wire::parameters::{Parameters, entries};

use super::config_maps::pairs;
use super::related::Related;
use super::targets::{Found, Target, find_all, page};
use super::{list as items, text};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::whole;

const OPAQUE: &str = "Opaque";
const TLS: &str = "kubernetes.io/tls";
/// The types that people make.
const TYPES: [&str; 3] = [OPAQUE, TLS, "kubernetes.io/dockerconfigjson"];

/// CreateK8sSecret
pub(crate) async fn create(call: Arc<Call>) -> Result<Nothing, Failure> {
    no_certificate_service(&call.parameters)?;
    let kind = given_type(&call.parameters)?.unwrap_or(OPAQUE);
    let data = entries::secret_data(&call.parameters)?.unwrap_or_default();
    if kind == TLS && ["tls.crt", "tls.key"].iter().any(|key| !data.contains_key(*key)) {
        let problem = "A Secret of the type kubernetes.io/tls has the keys tls.crt and tls.key.";
        return Err(GatewayError::invalid_parameter("Data", problem).into());
    }
    let target = Target::new(&call, ObjectKind::SECRET).await?;
    target.create(&call, json!({ "type": kind, "data": data })).await?;
    Ok(Nothing {})
}

/// UpdateK8sSecret: the data is replaced as a whole; the type stays.
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    no_certificate_service(&call.parameters)?;
    let kind = given_type(&call.parameters)?;
    let missing = || GatewayError::missing_parameter("Data", "all keys and values, [] for none");
    let data = entries::secret_data(&call.parameters)?.ok_or_else(missing)?;
    let target = Target::of(&call, ObjectKind::SECRET).await?;
    target
        .change(&call, |value| {
            check_type(&target, value)?;
            if let Some(kind) = kind
                && value["type"] != kind
            {
                let reason = format!(
                    "The {} has the type {}, which cannot change. Delete it and create it again.",
                    target.named(),
                    text(&value["type"])
                );
                return Err(BusinessError::unprocessable(&reason).into());
            }
            value["data"] = json!(data);
            Ok(())
        })
        .await?;
    Ok(Nothing {})
}

/// DeleteK8sSecret
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let target = Target::of(&call, ObjectKind::SECRET).await?;
    check_type(&target, &target.read(&call).await?)?;
    target.delete(&call).await?;
    Ok(Nothing {})
}

/// ListK8sSecrets
pub(crate) async fn list(call: Arc<Call>) -> Result<ListK8sSecrets, Failure> {
    let related = match call.parameters.boolean("ShowRelatedApps")?.unwrap_or(false) {
        true => Some((Related::load(&call).await?, Routes::load(&call).await?)),
        false => None,
    };
    let found = find_all(&call, &ObjectKind::SECRET, Action::ManageCluster).await?;
    let total = whole(found.len());
    let shown = page(&call.parameters, found)?.into_iter().map(|found| shown(&found, related.as_ref()));
    Ok(ListK8sSecrets { result: SecretPage { secrets: shown.collect(), total } })
}

/// The Ingresses of the clusters and what leads from them to applications.
struct Routes {
    ingresses: Vec<Found>,
    services: Vec<Found>,
}

impl Routes {
    async fn load(call: &Call) -> Result<Self, Failure> {
        let mut routes = Self { ingresses: Vec::new(), services: Vec::new() };
        for cluster in super::targets::clusters(call, Action::ManageCluster).await? {
            let (id, found) = (cluster.id, |value| Found { cluster: cluster.clone(), value });
            // Who cannot be asked has no rules that are known.
            let ingresses = call.objects().list(id, &ObjectKind::INGRESS, None, "").await.unwrap_or_default();
            let services = call.objects().list(id, &ObjectKind::SERVICE, None, "").await.unwrap_or_default();
            routes.ingresses.extend(ingresses.into_iter().map(found));
            routes.services.extend(services.into_iter().map(found));
        }
        Ok(routes)
    }

    fn of_secret(&self, secret: &Found, related: &Related) -> Vec<RelatedIngressRule> {
        let metadata = &secret.value["metadata"];
        let uses = |ingress: &&Found| {
            ingress.cluster.id == secret.cluster.id
                && ingress.value["metadata"]["namespace"] == metadata["namespace"]
                && items(&ingress.value["spec"]["tls"]).iter().any(|tls| tls["secretName"] == metadata["name"])
        };
        let rule = |ingress: &Found| {
            let behind = self.services.iter().filter(|service| leads_to(ingress, service));
            let apps = behind.filter_map(|service| related.of_service(service.cluster.id, &service.value));
            let mut related_apps: Vec<_> = apps.collect();
            related_apps.dedup();
            RelatedIngressRule {
                name: text(&ingress.value["metadata"]["name"]),
                namespace: text(&ingress.value["metadata"]["namespace"]),
                related_apps,
            }
        };
        self.ingresses.iter().filter(uses).map(rule).collect()
    }
}

fn leads_to(ingress: &Found, service: &Found) -> bool {
    let (from, to) = (&ingress.value["metadata"], &service.value["metadata"]);
    let is_near = ingress.cluster.id == service.cluster.id && from["namespace"] == to["namespace"];
    let rules = items(&ingress.value["spec"]["rules"]).iter();
    is_near
        && rules
            .flat_map(|rule| items(&rule["http"]["paths"]))
            .any(|path| path["backend"]["service"]["name"] == to["name"])
}

fn shown(found: &Found, related: Option<&(Related, Routes)>) -> KubernetesSecret {
    let Found { cluster, value } = found;
    let metadata = &value["metadata"];
    let mut data = pairs(&value["data"]);
    if !is_ours(value) {
        data.iter_mut().for_each(|entry| entry.value.clear());
    }
    KubernetesSecret {
        base64_encoded: true,
        cluster_id: cluster.id.to_string(),
        cluster_name: cluster.name.clone(),
        creation_time: text(&metadata["creationTimestamp"]),
        data,
        name: text(&metadata["name"]),
        namespace: text(&metadata["namespace"]),
        related_apps: related.map(|(related, _)| related.of_secret(cluster.id, value)).unwrap_or_default(),
        related_ingress_rules: related.map(|(related, routes)| routes.of_secret(found, related)).unwrap_or_default(),
        r#type: text(&value["type"]),
        ..KubernetesSecret::default()
    }
}

/// Whether a Secret is of a type that people make; one without a type is Opaque.
pub(super) fn is_ours(secret: &Value) -> bool {
    let kind = secret["type"].as_str().unwrap_or(OPAQUE);
    TYPES.contains(&kind)
}

fn check_type(target: &Target, secret: &Value) -> Result<(), Failure> {
    if is_ours(secret) {
        return Ok(());
    }
    let message = format!(
        "The {} has the type {}: it belongs to whoever made it. Only Secrets of the types {} are changed here.",
        target.named(),
        text(&secret["type"]),
        TYPES.join(", ")
    );
    Err(BusinessError::new(400, "Resource.OfOthers", message).into())
}

fn given_type(parameters: &Parameters) -> Result<Option<&'static str>, GatewayError> {
    const NAME: &str = "Type";
    let Some(text) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    let found = TYPES.into_iter().find(|kind| kind.eq_ignore_ascii_case(text));
    let wrong = || GatewayError::invalid_parameter(NAME, &format!("Give one of {}.", TYPES.join(", ")));
    found.map(Some).ok_or_else(wrong)
}

/// Alibaba Cloud's certificates are not at hand.
fn no_certificate_service(parameters: &Parameters) -> Result<(), Failure> {
    if parameters.optional("CertId")?.is_none() {
        return Ok(());
    }
    let reason = "Certificates of Alibaba Cloud's Certificate Management Service are not at hand here. Leave CertId out, and give tls.crt and tls.key in Data.";
    Err(BusinessError::unprocessable(reason).into())
}
