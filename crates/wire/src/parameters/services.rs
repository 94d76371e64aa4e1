//! Services and the listeners of load balancers: `ServicePorts`, `ServicePortInfos`, `ServiceConfigs` and the single ports beside them.

use serde_json::{Value, json};

use super::structure::Node;
use super::{Given, Parameters, names};
use crate::error::GatewayError;

const LARGEST_PORT: i64 = 65_535;
const EXTERNAL_TRAFFIC_POLICY: &str = "ExternalTrafficPolicy";

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    pub protocol: Transport,
    pub port: u16,
    pub target_port: u16,
    /// Only for a Service of type NodePort; the cluster gives one if it is not said.
    pub node_port: Option<u16>,
}

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
}

/// Who can reach a Service without a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    ClusterIp,
    NodePort,
}

/// A Service as CreateK8sService, UpdateK8sService or an item of `ServiceConfigs` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub kind: ServiceKind,
    pub ports: Vec<ServicePort>,
    /// `Local` or `Cluster`, as Kubernetes has it; it means nothing for a ClusterIP.
    pub external_traffic_policy: Option<&'static str>,
}

/// What a load balancer listens to, and where it sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub port: u16,
    pub target_port: u16,
    pub protocol: ListenerProtocol,
    /// Only with HTTPS.
    pub cert_id: String,
}

/// What a listener understands. Kubernetes knows none but TCP (and UDP); the others are for clouds that look at annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerProtocol {
    Tcp,
    Http,
    Https,
}

/// Whom a load balancer serves: `Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressType {
    Internet,
    Intranet,
}

impl Transport {
    /// Kubernetes's and EDAS's word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

impl ServiceKind {
    /// Kubernetes's and EDAS's word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::ClusterIp, Self::NodePort].into_iter().find(|kind| kind.code().eq_ignore_ascii_case(text))
    }
}

impl ListenerProtocol {
    /// EDAS's word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Http, Self::Https].into_iter().find(|protocol| protocol.code().eq_ignore_ascii_case(text))
    }
}

impl AddressType {
    /// EDAS's word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Intranet => "intranet",
        }
    }

    /// From EDAS's word, in any case.
    pub fn of(text: &str) -> Option<Self> {
        [Self::Internet, Self::Intranet].into_iter().find(|kind| kind.code().eq_ignore_ascii_case(text))
    }

    /// The parameter `Type`.
    pub fn read(parameters: &Parameters) -> Result<Self, GatewayError> {
        const NAME: &str = "Type";
        let text = parameters.required(NAME, "internet or intranet")?;
        Self::of(text).ok_or_else(|| GatewayError::invalid_parameter(NAME, "Give internet or intranet."))
    }
}

impl ServicePort {
    /// The port as Kubernetes has it.
    pub fn to_json(&self) -> Value {
        let name = format!("{}-{}", self.protocol.code().to_ascii_lowercase(), self.port);
        let mut port = json!({
            "name": name,
            "protocol": self.protocol.code(),
            "port": self.port,
            "targetPort": self.target_port,
        });
        if let Some(node_port) = self.node_port {
            port["nodePort"] = json!(node_port);
        }
        port
    }

    fn read(item: &Node<'_>, kind: ServiceKind) -> Result<Self, GatewayError> {
        item.object(&["protocol", "port", "targetPort", "nodePort"])?;
        let protocol = match item.required_text("protocol")? {
            text if text.eq_ignore_ascii_case("TCP") => Transport::Tcp,
            text if text.eq_ignore_ascii_case("UDP") => Transport::Udp,
            _ => return Err(item.error("\"protocol\" is TCP or UDP.")),
        };
        let node_port = item.member("nodePort").filter(|node_port| node_port.value != "" && node_port.value != 0);
        if kind == ServiceKind::ClusterIp && node_port.is_some() {
            return Err(item.error("\"nodePort\" is only for the Type NodePort."));
        }
        Ok(Self {
            protocol,
            port: required_port(item, "port")?,
            target_port: required_port(item, "targetPort")?,
            node_port: node_port.map(|node_port| port(&node_port)).transpose()?,
        })
    }

    fn list(list: &Node<'_>, kind: ServiceKind) -> Result<Vec<Self>, GatewayError> {
        let ports: Vec<_> = list.items()?.iter().map(|item| Self::read(item, kind)).collect::<Result<_, _>>()?;
        let twice = ports.iter().enumerate().find(|(at, own)| {
            ports[..*at].iter().any(|other| (other.port, other.protocol) == (own.port, own.protocol))
        });
        match twice {
            Some((_, own)) => {
                Err(list.error(&format!("The port {} of {} is there twice.", own.port, own.protocol.code())))
            }
            None => Ok(ports),
        }
    }
}

/// `Name`, `Type`, `ServicePorts` and `ExternalTrafficPolicy`.
pub fn service(parameters: &Parameters) -> Result<Service, GatewayError> {
    const TYPE: &str = "Type";
    const PORTS: &str = "ServicePorts";
    let text = parameters.required(TYPE, "ClusterIP or NodePort")?;
    let wrong = || {
        let problem = "Give ClusterIP or NodePort; for a load balancer use BindK8sSlb.";
        GatewayError::invalid_parameter(TYPE, problem)
    };
    let kind = ServiceKind::of(text).ok_or_else(wrong)?;
    let Given::Value(list) = parameters.json(PORTS)? else {
        let expected = "a list such as [{\"protocol\":\"TCP\",\"port\":80,\"targetPort\":8080}]";
        return Err(GatewayError::missing_parameter(PORTS, expected));
    };
    let policy = parameters.optional(EXTERNAL_TRAFFIC_POLICY)?;
    let wrong = || GatewayError::invalid_parameter(EXTERNAL_TRAFFIC_POLICY, "Give Local or Cluster.");
    Ok(Service {
        name: service_name(parameters)?.to_owned(),
        kind,
        ports: ServicePort::list(&Node::root(PORTS, &list), kind)?,
        external_traffic_policy: policy.map(|text| traffic_policy(text).ok_or_else(wrong)).transpose()?,
    })
}

/// `Name` of a Service.
pub fn service_name(parameters: &Parameters) -> Result<&str, GatewayError> {
    const NAME: &str = "Name";
    let name = parameters.required(NAME, "the name of a Service")?;
    match is_service_name(name) {
        true => Ok(name),
        false => Err(GatewayError::invalid_parameter(NAME, SERVICE_NAMES)),
    }
}

const SERVICE_NAMES: &str =
    "It has up to 63 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen.";

fn is_service_name(text: &str) -> bool {
    names::is_label(text) && text.starts_with(|first: char| first.is_ascii_lowercase())
}

fn traffic_policy(text: &str) -> Option<&'static str> {
    ["Local", "Cluster"].into_iter().find(|policy| policy.eq_ignore_ascii_case(text))
}

/// `ServiceConfigs`: `[{"name","type","servicePorts","externalTrafficPolicy"?}]`. EDAS publishes no shape; this is the one of CreateK8sService.
pub fn configs(parameters: &Parameters) -> Result<Vec<Service>, GatewayError> {
    const NAME: &str = "ServiceConfigs";
    let Given::Value(list) = parameters.json(NAME)? else {
        return Ok(Vec::new());
    };
    let mut services: Vec<Service> = Vec::new();
    for item in Node::root(NAME, &list).items()? {
        item.object(&["name", "type", "servicePorts", "externalTrafficPolicy"])?;
        let name = item.required_text("name")?;
        if !is_service_name(name) {
            return Err(item.error(SERVICE_NAMES));
        }
        if services.iter().any(|other| other.name == name) {
            return Err(item.error("The name is there twice."));
        }
        let kind = item.member("type").map_or(Ok("ClusterIP"), |kind| kind.text())?;
        let kind = ServiceKind::of(kind).ok_or_else(|| item.error("\"type\" is ClusterIP or NodePort."))?;
        let ports = item.member("servicePorts").ok_or_else(|| item.error("\"servicePorts\" is missing."))?;
        let policy = item.member("externalTrafficPolicy").map(|policy| {
            let known = traffic_policy(policy.text()?);
            known.ok_or_else(|| policy.error("Give Local or Cluster."))
        });
        services.push(Service {
            name: name.to_owned(),
            kind,
            ports: ServicePort::list(&ports, kind)?,
            external_traffic_policy: policy.transpose()?,
        });
    }
    Ok(services)
}

/// The listeners of BindK8sSlb and UpdateK8sSlb: `ServicePortInfos`, or else the one of `Port`, `TargetPort` and `SlbProtocol`.
pub fn listeners(parameters: &Parameters) -> Result<Vec<Listener>, GatewayError> {
    const NAME: &str = "ServicePortInfos";
    let Given::Value(list) = parameters.json(NAME)? else {
        let one = single(parameters, "Port", "TargetPort", "SlbProtocol")?;
        let expected = "a list such as [{\"loadBalancerProtocol\":\"TCP\",\"port\":80,\"targetPort\":8080}], or Port and TargetPort";
        return one.map(|one| vec![one]).ok_or_else(|| GatewayError::missing_parameter(NAME, expected));
    };
    let root = Node::root(NAME, &list);
    let mut listeners: Vec<Listener> = Vec::new();
    for item in root.items()? {
        item.object(&["loadBalancerProtocol", "port", "targetPort", "certId"])?;
        let protocol = ListenerProtocol::of(item.required_text("loadBalancerProtocol")?)
            .ok_or_else(|| item.error("\"loadBalancerProtocol\" is TCP, HTTP or HTTPS."))?;
        let cert_id = item.member("certId").map_or(Ok(""), |id| id.text())?;
        if (protocol == ListenerProtocol::Https) == cert_id.is_empty() {
            return Err(item.error("\"certId\" goes with HTTPS, and HTTPS with a \"certId\"."));
        }
        let listener = Listener {
            port: required_port(&item, "port")?,
            target_port: required_port(&item, "targetPort")?,
            protocol,
            cert_id: cert_id.to_owned(),
        };
        if listeners.iter().any(|other| other.port == listener.port) {
            return Err(item.error(&format!("The port {} is there twice.", listener.port)));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The listener that three parameters describe, if they describe one.
pub fn single(
    parameters: &Parameters,
    front: &str,
    back: &str,
    protocol_name: &str,
) -> Result<Option<Listener>, GatewayError> {
    let number = |name: &str| -> Result<Option<u16>, GatewayError> {
        Ok(parameters.integer(name, 1..=LARGEST_PORT)?.and_then(|port| u16::try_from(port).ok()))
    };
    let protocol = match parameters.optional(protocol_name)? {
        None => ListenerProtocol::Tcp,
        Some(text) => match ListenerProtocol::of(text) {
            Some(ListenerProtocol::Https) => {
                let problem = "HTTPS needs a certificate: give ServicePortInfos with a certId to BindK8sSlb.";
                return Err(GatewayError::invalid_parameter(protocol_name, problem));
            }
            Some(protocol) => protocol,
            None => return Err(GatewayError::invalid_parameter(protocol_name, "Give TCP, HTTP or HTTPS.")),
        },
    };
    match (number(front)?, number(back)?) {
        (Some(port), Some(target_port)) => Ok(Some(Listener { port, target_port, protocol, cert_id: String::new() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(GatewayError::missing_parameter(back, "the port of the container")),
        (None, Some(_)) => Err(GatewayError::missing_parameter(front, "the port to listen at")),
    }
}

fn required_port(item: &Node<'_>, name: &str) -> Result<u16, GatewayError> {
    port(&item.member(name).ok_or_else(|| item.error(&format!("\"{name}\" is missing.")))?)
}

fn port(node: &Node<'_>) -> Result<u16, GatewayError> {
    let number = node.integer(1, LARGEST_PORT)?;
    u16::try_from(number).map_err(|_| node.error("Give a port."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::from_pairs(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()).unwrap()
    }

    #[test]
    fn the_published_example_makes_a_service() {
        let ports = r#"[{"protocol": "TCP", "port": 80, "targetPort": 8080},{"protocol": "TCP", "port": "81", "targetPort": 8081}]"#;
        let read = service(&given(&[("Name", "web"), ("Type", "ClusterIP"), ("ServicePorts", ports)])).unwrap();
        assert_eq!((read.kind, read.ports.len()), (ServiceKind::ClusterIp, 2));
        let expected = json!({"name": "tcp-81", "protocol": "TCP", "port": 81, "targetPort": 8081});
        assert_eq!(read.ports[1].to_json(), expected);
    }

    #[test]
    fn what_makes_no_service_is_refused() {
        let ports = r#"[{"protocol":"TCP","port":80,"targetPort":8080}]"#;
        let wrong = [
            ("Web", "ClusterIP", ports),
            ("1web", "ClusterIP", ports),
            ("web", "LoadBalancer", ports),
            ("web", "ClusterIP", "[]"),
            ("web", "ClusterIP", "{}"),
            ("web", "ClusterIP", r#"[{"protocol":"SCTP","port":80,"targetPort":8080}]"#),
            ("web", "ClusterIP", r#"[{"protocol":"TCP","port":0,"targetPort":8080}]"#),
            ("web", "ClusterIP", r#"[{"protocol":"TCP","port":80,"targetPort":8080,"nodePort":30000}]"#),
            ("web", "ClusterIP", r#"[{"protocol":"TCP","port":80}]"#),
            (
                "web",
                "ClusterIP",
                r#"[{"protocol":"TCP","port":80,"targetPort":1},{"protocol":"tcp","port":80,"targetPort":2}]"#,
            ),
        ];
        for (name, kind, ports) in wrong {
            let read = service(&given(&[("Name", name), ("Type", kind), ("ServicePorts", ports)]));
            assert!(read.is_err(), "{name} {kind} {ports}: {read:?}");
        }
        let policy =
            [("Name", "web"), ("Type", "NodePort"), ("ServicePorts", ports), ("ExternalTrafficPolicy", "Near")];
        assert_eq!(service(&given(&policy)).unwrap_err().code, "InvalidParameter");
    }

    #[test]
    fn listeners_come_as_a_list_or_one_by_one() {
        let list = r#"[{"targetPort":8080,"port":82,"loadBalancerProtocol":"TCP","certId":""},
            {"port":81,"certId":"1_a","targetPort":8181,"loadBalancerProtocol":"HTTPS"}]"#;
        let read = listeners(&given(&[("ServicePortInfos", list), ("Port", "1")])).unwrap();
        assert_eq!((read.len(), read[1].protocol, read[1].cert_id.as_str()), (2, ListenerProtocol::Https, "1_a"));
        let one = listeners(&given(&[("Port", "80"), ("TargetPort", "8080"), ("SlbProtocol", "http")])).unwrap();
        assert_eq!((one[0].port, one[0].target_port, one[0].protocol), (80, 8080, ListenerProtocol::Http));
        for wrong in [
            vec![],
            vec![("Port", "80")],
            vec![("TargetPort", "80")],
            vec![("Port", "80"), ("TargetPort", "80"), ("SlbProtocol", "HTTPS")],
            vec![("ServicePortInfos", r#"[{"targetPort":1,"port":2,"loadBalancerProtocol":"HTTPS"}]"#)],
            vec![("ServicePortInfos", r#"[{"targetPort":1,"port":2,"loadBalancerProtocol":"TCP","certId":"a"}]"#)],
            vec![(
                "ServicePortInfos",
                r#"[{"targetPort":1,"port":2,"loadBalancerProtocol":"TCP"},{"targetPort":1,"port":2,"loadBalancerProtocol":"TCP"}]"#,
            )],
        ] {
            assert!(listeners(&given(&wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn configs_are_services() {
        let list = r#"[{"name":"web","type":"NodePort","servicePorts":[{"protocol":"UDP","port":53,"targetPort":53,"nodePort":30053}]}]"#;
        let read = configs(&given(&[("ServiceConfigs", list)])).unwrap();
        assert_eq!(read[0].ports[0].node_port, Some(30053));
        assert_eq!(configs(&given(&[])).unwrap(), []);
        let twice = r#"[{"name":"web","servicePorts":[]},{"name":"web","servicePorts":[]}]"#;
        assert!(configs(&given(&[("ServiceConfigs", twice)])).is_err());
    }
}
