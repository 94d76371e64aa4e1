//! How the clusters of a cloud are asked for a load balancer.
//!
//! Kubernetes knows Services of type LoadBalancer and no more; whether one is for the internet, what it listens for and which existing one is to be
//! used, clouds read from annotations of their own. The well-known ones that keep a load balancer inside are always written; the rest is a setting of
//! the cluster, given to ImportK8sCluster as `LoadBalancer`:
//!
//! ```text
//! {"alibabaCloud": true, "internet": {"annotations": {...}, "class": "..."}, "intranet": {...}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sternway_core::ports::Kept;
use sternway_wire::error::BusinessError;
use sternway_wire::parameters::services::{AddressType, Listener, ListenerProtocol};

use crate::operations::cluster::setting::Setting;

/// What keeps a load balancer off the internet, by cloud; each ignores the others'.
const INSIDE: [(&str, &str); 6] = [
    ("networking.gke.io/load-balancer-type", "Internal"),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", "true"),
];

const ALIBABA: &str = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

/// The setting of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct LoadBalancers {
    /// The cluster's controller is Alibaba Cloud's: SlbId, Specification, Scheduler, protocols and certificates have their effect.
    alibaba_cloud: bool,
    internet: Kind,
    intranet: Kind,
}

/// How one kind of load balancer is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Kind {
    annotations: BTreeMap<String, String>,
    class: Option<String>,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) address: AddressType,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) slb_id: String,
    pub(crate) scheduler: String,
    pub(crate) specification: String,
    pub(crate) disable_force_override: Option<bool>,
}

impl Kept for LoadBalancers {
    const KIND: &'static str = "load-balancer";
}

impl Setting for LoadBalancers {
    const PARAMETER: &'static str = "LoadBalancer";
    const EXAMPLE: &'static str = r#"{"alibabaCloud":false,"internet":{"annotations":{},"class":"..."},"intranet":{}}"#;
}

impl LoadBalancers {
    /// What the cluster's controller cannot do for a client.
    pub(crate) fn check(&self, wanted: &Wanted) -> Result<(), BusinessError> {
        if self.alibaba_cloud {
            return Ok(());
        }
        if !wanted.slb_id.is_empty() {
            let reason = "This cluster's load balancers have no SlbId. Leave it out, and the cluster gives one; where they are Alibaba Cloud's, say so with LoadBalancer={\"alibabaCloud\":true} to ImportK8sCluster.";
            return Err(BusinessError::unprocessable(reason));
        }
        if wanted.listeners.iter().any(|listener| listener.protocol == ListenerProtocol::Https) {
            let reason = "This cluster's load balancers do not end TLS. Use CreateK8sSecret and CreateK8sIngressRule for HTTPS; where they are Alibaba Cloud's, say so with LoadBalancer={\"alibabaCloud\":true} to ImportK8sCluster.";
            return Err(BusinessError::unprocessable(reason));
        }
        Ok(())
    }

    /// The annotations of the Service; null takes away what an earlier wish left.
    pub(crate) fn annotations(&self, wanted: &Wanted) -> BTreeMap<String, Value> {
        let mut annotations = BTreeMap::new();
        if wanted.address == AddressType::Intranet {
            annotations.extend(INSIDE.map(|(name, value)| (name.to_owned(), json!(value))));
        }
        if self.alibaba_cloud {
            let protocols: Vec<String> = wanted
                .listeners
                .iter()
                .filter(|listener| listener.protocol != ListenerProtocol::Tcp)
                .map(|listener| format!("{}:{}", listener.protocol.code().to_ascii_lowercase(), listener.port))
                .collect();
            let certificate =
                wanted.listeners.iter().map(|listener| listener.cert_id.as_str()).find(|id| !id.is_empty());
            let overrides = wanted.disable_force_override.map(|disabled| (!disabled).to_string());
            for (name, value) in [
                ("address-type", wanted.address.code()),
                ("id", &wanted.slb_id),
                ("spec", &wanted.specification),
                ("scheduler", &wanted.scheduler),
                ("protocol-port", &protocols.join(",")),
                ("cert-id", certificate.unwrap_or_default()),
                ("force-override-listeners", overrides.as_deref().unwrap_or_default()),
            ] {
                let value = if value.is_empty() { Value::Null } else { json!(value) };
                annotations.insert(format!("{ALIBABA}{name}"), value);
            }
        }
        let own = &self.of_kind(wanted.address).annotations;
        annotations.extend(own.iter().map(|(name, value)| (name.clone(), json!(value))));
        annotations
    }

    /// `spec.loadBalancerClass`, which is set once.
    pub(crate) fn class(&self, address: AddressType) -> Option<&str> {
        self.of_kind(address).class.as_deref()
    }

    fn of_kind(&self, address: AddressType) -> &Kind {
        match address {
            AddressType::Internet => &self.internet,
            AddressType::Intranet => &self.intranet,
        }
    }
}

#[cfg(test)]
mod tests {
    use sternway_wire::parameters::{Given, Parameters};

    use super::*;

    fn wanted(address: AddressType, protocol: ListenerProtocol) -> Wanted {
        let cert_id = if protocol == ListenerProtocol::Https { "cert".to_owned() } else { String::new() };
        Wanted {
            address,
            listeners: vec![Listener { port: 443, target_port: 8080, protocol, cert_id }],
            slb_id: String::new(),
            scheduler: "rr".to_owned(),
            specification: String::new(),
            disable_force_override: None,
        }
    }

    #[test]
    fn an_inner_load_balancer_is_inner_in_every_cloud() {
        let none = LoadBalancers::default();
        assert!(none.annotations(&wanted(AddressType::Internet, ListenerProtocol::Tcp)).is_empty());
        assert_eq!(none.annotations(&wanted(AddressType::Intranet, ListenerProtocol::Tcp)).len(), INSIDE.len());
    }

    #[test]
    fn what_only_alibaba_cloud_can_do_is_refused_elsewhere() {
        let https = wanted(AddressType::Internet, ListenerProtocol::Https);
        let named = Wanted { slb_id: "lb-1".to_owned(), ..wanted(AddressType::Internet, ListenerProtocol::Tcp) };
        let none = LoadBalancers::default();
        assert!(none.check(&https).is_err() && none.check(&named).is_err());
        let there = LoadBalancers { alibaba_cloud: true, ..LoadBalancers::default() };
        assert!(there.check(&https).is_ok() && there.check(&named).is_ok());
        let annotations = there.annotations(&https);
        assert_eq!(annotations[&format!("{ALIBABA}protocol-port")], "https:443");
        assert_eq!(annotations[&format!("{ALIBABA}cert-id")], "cert");
        assert_eq!(annotations[&format!("{ALIBABA}id")], Value::Null);
    }

    #[test]
    fn a_setting_is_read_strictly() {
        let read = |text: &str| {
            LoadBalancers::read(
                &Parameters::from_pairs(vec![(LoadBalancers::PARAMETER.to_owned(), text.to_owned())]).unwrap(),
            )
        };
        let Given::Value(setting) = read(r#"{"internet":{"annotations":{"a":"b"},"class":"metallb"}}"#).unwrap() else {
            panic!("a setting was given");
        };
        assert_eq!(setting.class(AddressType::Internet), Some("metallb"));
        assert!(read(r#"{"inter":{}}"#).is_err());
        assert_eq!(read("").unwrap(), Given::Cleared);
    }
}
