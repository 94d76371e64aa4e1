//! CreateK8sIngressRule, UpdateK8sIngressRule, DeleteK8sIngressRule, ListK8sIngressRules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sternway_access::Action;
use sternway_core::ports::ObjectKind;
use sternway_wire::error::GatewayError;
use sternway_wire::model::{
    ClusterIngresses, IngressBackend, IngressConf, IngressPath, IngressRule, ListK8sIngressRules, Nothing,
};
use sternway_wire::parameters::{Given, ingress, metadata};

use super::related::Related;
use super::targets::{Found, Target, find_all};
use super::{MANAGED_BY, US, list as items, text};
use crate::call::Call;
use crate::failure::Failure;

const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const SSL_REDIRECT: [&str; 2] = ["nginx.ingress.kubernetes.io/ssl-redirect", "alb.ingress.kubernetes.io/ssl-redirect"];

/// CreateK8sIngressRule
pub(crate) async fn create(call: Arc<Call>) -> Result<Nothing, Failure> {
    let expected = "the rules, such as {\"rules\":[{\"host\":\"abc.com\",\"paths\":[{\"path\":\"/\",\"backend\":{\"serviceName\":\"web\",\"servicePort\":80}}]}]}";
    let missing = || GatewayError::missing_parameter("IngressConf", expected);
    let rules = ingress::rules(&call.parameters)?.ok_or_else(missing)?;
    let labels = metadata::labels(&call.parameters)?.value().unwrap_or_default();
    let annotations = metadata::annotations(&call.parameters)?.value().unwrap_or_default();
    let target = Target::new(&call, ObjectKind::INGRESS).await?;
    let mut value = json!({
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"rules": rules.rules},
    });
    if !rules.tls.is_empty() {
        value["spec"]["tls"] = json!(rules.tls);
    }
    target.create(&call, value).await?;
    Ok(Nothing {})
}

/// UpdateK8sIngressRule: what is given replaces what is there as a whole, what is absent stays.
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    let rules = ingress::rules(&call.parameters)?;
    let labels = metadata::labels(&call.parameters)?;
    let annotations = metadata::annotations(&call.parameters)?;
    if rules.is_none() && labels == Given::Absent && annotations == Given::Absent {
        let expected = "it, or Labels or Annotations to change";
        return Err(GatewayError::missing_parameter("IngressConf", expected).into());
    }
    let target = Target::of(&call, ObjectKind::INGRESS).await?;
    target
        .change(&call, |value| {
            if let Some(rules) = &rules {
                value["spec"]["rules"] = json!(rules.rules);
                value["spec"]["tls"] = json!(rules.tls);
            }
            replace(&mut value["metadata"]["annotations"], &annotations);
            let is_managed = value["metadata"]["labels"][MANAGED_BY] == US;
            replace(&mut value["metadata"]["labels"], &labels);
            if is_managed {
                value["metadata"]["labels"][MANAGED_BY] = json!(US);
            }
            Ok(())
        })
        .await?;
    Ok(Nothing {})
}

fn replace(field: &mut Value, given: &Given<BTreeMap<String, String>>) {
    match given {
        Given::Absent => {}
        Given::Cleared => *field = json!({}),
        Given::Value(entries) => *field = json!(entries),
    }
}

/// DeleteK8sIngressRule
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    Target::of(&call, ObjectKind::INGRESS).await?.delete(&call).await?;
    Ok(Nothing {})
}

/// ListK8sIngressRules
pub(crate) async fn list(call: Arc<Call>) -> Result<ListK8sIngressRules, Failure> {
    let found = find_all(&call, &ObjectKind::INGRESS, Action::ReadCluster).await?;
    let related = Related::load(&call).await?;
    let mut data: Vec<ClusterIngresses> = Vec::new();
    let mut services: Vec<Value> = Vec::new();
    for found in found {
        let id = found.cluster.id;
        if data.last().is_none_or(|last| last.cluster_id != id.to_string()) {
            // Without the right to see Services, the rules are shown all the same.
            services = call.objects().list(id, &ObjectKind::SERVICE, None, "").await.unwrap_or_default();
            data.push(ClusterIngresses {
                cluster_id: id.to_string(),
                cluster_name: found.cluster.name.clone(),
                ingress_confs: Vec::new(),
                region_id: found.cluster.region.clone(),
            });
        }
        let shown = Shown { found: &found, services: &services, related: &related }.conf();
        if let Some(last) = data.last_mut() {
            last.ingress_confs.push(shown);
        }
    }
    Ok(ListK8sIngressRules { data })
}

struct Shown<'a> {
    found: &'a Found,
    services: &'a [Value],
    related: &'a Related,
}

impl Shown<'_> {
    fn conf(&self) -> IngressConf {
        let value = &self.found.value;
        let metadata = &value["metadata"];
        let rules = items(&value["spec"]["rules"]).iter().map(|rule| self.rule(rule)).collect();
        let redirects = |name: &&str| metadata["annotations"][*name] == "true";
        IngressConf {
            annotations: object_text(&metadata["annotations"]),
            creation_time: text(&metadata["creationTimestamp"]),
            endpoint: endpoint(value),
            ingress_type: ingress_type(value).to_owned(),
            labels: object_text(&metadata["labels"]),
            name: text(&metadata["name"]),
            namespace: text(&metadata["namespace"]),
            rules,
            ssl_redirect: SSL_REDIRECT.iter().any(redirects),
            ..IngressConf::default()
        }
    }

    fn rule(&self, rule: &Value) -> IngressRule {
        let host = text(&rule["host"]);
        let covers = |tls: &&Value| {
            let hosts = items(&tls["hosts"]);
            hosts.iter().any(|covered| *covered == *host) || (hosts.is_empty() && host.is_empty())
        };
        let tls = items(&self.found.value["spec"]["tls"]).iter().find(covers);
        IngressRule {
            enable_tls: tls.is_some(),
            paths: items(&rule["http"]["paths"]).iter().map(|path| self.path(path)).collect(),
            secret_name: tls.map(|tls| text(&tls["secretName"])).unwrap_or_default(),
            host,
        }
    }

    fn path(&self, path: &Value) -> IngressPath {
        let backend = &path["backend"]["service"];
        let port = &backend["port"];
        let namespace = &self.found.value["metadata"]["namespace"];
        let is_it = |service: &&Value| {
            service["metadata"]["name"] == backend["name"] && service["metadata"]["namespace"] == *namespace
        };
        let service = self.services.iter().find(is_it);
        let app = service.and_then(|service| self.related.of_service(self.found.cluster.id, service));
        let has_port = |service: &Value| {
            let ports = items(&service["spec"]["ports"]);
            ports.iter().any(|own| match port["name"].as_str() {
                Some(name) => own["name"] == name,
                None => own["port"] == port["number"],
            })
        };
        let status = match service {
            None => "ServiceNotFound",
            Some(service) if !has_port(service) => "InvalidServicePort",
            Some(_) if app.is_none() => "NotManagedService",
            Some(_) => "Normal",
        };
        let app = app.unwrap_or_default();
        IngressPath {
            app_id: app.app_id,
            app_name: app.app_name,
            backend: IngressBackend {
                service_name: text(&backend["name"]),
                service_port: port["name"].as_str().map_or_else(|| port["number"].to_string(), str::to_owned),
            },
            collect_rate: 0,
            path: text(&path["path"]),
            path_type: text(&path["pathType"]),
            status: status.to_owned(),
        }
    }
}

/// Where the controller says that the Ingress is reached.
pub(super) fn endpoint(object: &Value) -> String {
    let first = &object["status"]["loadBalancer"]["ingress"][0];
    first["ip"].as_str().or(first["hostname"].as_str()).unwrap_or_default().to_owned()
}

fn ingress_type(ingress: &Value) -> &'static str {
    let class = ingress["spec"]["ingressClassName"].as_str();
    let class = class.or(ingress["metadata"]["annotations"][CLASS_ANNOTATION].as_str()).unwrap_or_default();
    match class {
        class if class.contains("alb") => "AlbIngress",
        class if class.contains("mse") => "MseIngress",
        _ => "NginxIngress",
    }
}

fn object_text(value: &Value) -> String {
    if value.is_object() { value.to_string() } else { "{}".to_owned() }
}
