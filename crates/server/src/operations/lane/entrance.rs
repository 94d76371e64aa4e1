//! The way that requests take to an application today: its Service, and the routes that lead there.

use serde_json::{Map, Value, json};
use sternway_core::order::steering::STEERED_BY_LABEL;
use sternway_core::route::Backend;

use super::GROUP_LABEL;

/// How requests come to an application.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entrance {
    /// The Service of all its pods, by the port that requests use.
    pub(super) base: Backend,
    /// The ports of that Service, as another Service may have them.
    pub(super) ports: Value,
    /// What the routes that lead to the Service belong to; empty if there are none.
    pub(super) parents: Vec<Value>,
    /// The hosts of these routes; empty if one of them is for every host.
    pub(super) hosts: Vec<Value>,
}

/// Finds it among the Services and HTTPRoutes of the application's namespace; `labels` are those of its pods. A Service that a route leads to is taken
/// before others, then the first by name.
pub(super) fn find(labels: &Value, services: &[Value], routes: &[Value]) -> Option<Entrance> {
    let selecting = selecting(labels, services);
    let leading: Vec<(&Value, &str, Option<u16>)> = routes
        .iter()
        .filter(is_foreign)
        .filter_map(|route| leads_to(route, &selecting).next().map(|(name, port)| (route, name, port)))
        .collect();
    let routed = leading.iter().find_map(|(_, name, port)| {
        let service = selecting.iter().find(|service| service["metadata"]["name"] == *name)?;
        Some((*service, *port))
    });
    let (service, port) = routed.or_else(|| Some((*selecting.first()?, None)))?;
    let name = service["metadata"]["name"].as_str()?;
    let port = port.or_else(|| number(&list(&service["spec"], "ports").first()?["port"]))?;
    let mut parents: Vec<Value> = Vec::new();
    let mut hosts: Vec<Value> = Vec::new();
    let mut every_host = false;
    for (route, ..) in leading.iter().filter(|(_, other, _)| *other == name) {
        let of_route = list(&route["spec"], "hostnames");
        every_host |= of_route.is_empty();
        for (all, found) in [(&mut parents, list(&route["spec"], "parentRefs")), (&mut hosts, of_route)] {
            let fresh: Vec<Value> = found.iter().filter(|one| !all.contains(one)).cloned().collect();
            all.extend(fresh);
        }
    }
    if every_host {
        hosts.clear();
    }
    let base = Backend { service: name.to_owned(), port };
    Some(Entrance { base, ports: ports(service), parents, hosts })
}

/// The Services that select pods with these labels: not those of lanes, and not those that divide requests during a release.
pub(crate) fn selecting<'a>(labels: &Value, services: &'a [Value]) -> Vec<&'a Value> {
    services.iter().filter(is_foreign).filter(|service| serves(service) && selects(service, labels)).collect()
}

/// The names of those of the Services that a route leads to, each with the port.
pub(crate) fn leads_to<'r>(route: &'r Value, services: &[&Value]) -> impl Iterator<Item = (&'r str, Option<u16>)> {
    let backends = list(&route["spec"], "rules").iter().flat_map(|rule| list(rule, "backendRefs"));
    backends.filter_map(|backend| {
        let name = backend["name"].as_str()?;
        let is_service = backend["kind"].as_str().is_none_or(|kind| kind == "Service");
        let is_here = backend["namespace"].is_null() || backend["namespace"] == route["metadata"]["namespace"];
        let is_ours = services.iter().any(|service| service["metadata"]["name"] == name);
        (is_service && is_here && is_ours).then(|| (name, number(&backend["port"])))
    })
}

/// Whether an object is none of our own.
pub(crate) fn is_foreign(object: &&Value) -> bool {
    let labels = &object["metadata"]["labels"];
    labels[GROUP_LABEL].is_null() && labels[STEERED_BY_LABEL].is_null()
}

/// The port of a Service with these ports that stands for a port of another: the same number, else the first.
pub(super) fn same_port(ports: &Value, wanted: u16) -> u16 {
    let mut numbers = ports.as_array().into_iter().flatten().filter_map(|port| number(&port["port"]));
    let first = numbers.clone().next();
    numbers.find(|port| *port == wanted).or(first).unwrap_or(wanted)
}

fn serves(service: &Value) -> bool {
    service["spec"]["type"] != "ExternalName" && !list(&service["spec"], "ports").is_empty()
}

fn selects(service: &Value, labels: &Value) -> bool {
    let selector = service["spec"]["selector"].as_object();
    selector.is_some_and(|wanted| !wanted.is_empty() && wanted.iter().all(|(name, value)| labels[name] == *value))
}

/// What of a Service's ports another Service can have too: not the ports of nodes.
pub(crate) fn ports(service: &Value) -> Value {
    const KEPT: [&str; 5] = ["name", "protocol", "appProtocol", "port", "targetPort"];
    let kept = list(&service["spec"], "ports").iter().map(|port| {
        let fields = KEPT.into_iter().filter(|key| !port[key].is_null()).map(|key| (key.to_owned(), port[key].clone()));
        Value::Object(Map::from_iter(fields))
    });
    json!(kept.collect::<Vec<_>>())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, selector: Value) -> Value {
        json!({
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30000}]},
        })
    }

    fn route(host: Option<&str>, gateway: &str, service: &str) -> Value {
        let hosts: Vec<&str> = host.into_iter().collect();
        json!({
            "metadata": {"name": "route", "namespace": "shop"},
            "spec": {
                "parentRefs": [{"name": gateway}],
                "hostnames": hosts,
                "rules": [{"backendRefs": [{"name": service, "port": 80}]}],
            },
        })
    }

    #[test]
    fn a_service_is_found_by_what_it_selects_and_preferred_by_routes() {
        let labels = json!({"app": "web", "tier": "front"});
        let services = [
            service("all", json!({})),
            service("other", json!({"app": "db"})),
            service("first", json!({"app": "web"})),
            service("second", json!({"app": "web", "tier": "front"})),
        ];
        let found = find(&labels, &services, &[]).unwrap();
        assert_eq!(found.base, Backend { service: "first".to_owned(), port: 80 });
        assert_eq!(found.ports, json!([{"name": "http", "port": 80, "targetPort": 8080}]));
        assert!(found.parents.is_empty());

        let routes = [
            route(Some("a.test"), "edge", "second"),
            route(Some("b.test"), "edge", "second"),
            route(None, "x", "other"),
        ];
        let found = find(&labels, &services, &routes).unwrap();
        assert_eq!(found.base.service, "second");
        assert_eq!(
            (found.parents, found.hosts),
            (vec![json!({"name": "edge"})], vec![json!("a.test"), json!("b.test")])
        );

        let routes = [route(Some("a.test"), "edge", "second"), route(None, "edge", "second")];
        assert!(find(&labels, &services, &routes).unwrap().hosts.is_empty());
        assert_eq!(find(&json!({"app": "none"}), &services, &routes), None);
    }

    #[test]
    fn our_own_objects_lead_nowhere() {
        let labels = json!({"app": "web"});
        let mut ours = service("lane", json!({"app": "web"}));
        ours["metadata"]["labels"] = json!({ (GROUP_LABEL): "1" });
        assert_eq!(find(&labels, &[ours], &[]), None);
    }

    #[test]
    fn ports_stand_for_each_other_by_number() {
        let ports = json!([{"port": 8080}, {"port": 80}]);
        assert_eq!((same_port(&ports, 80), same_port(&ports, 9), same_port(&json!([]), 9)), (80, 8080, 9));
    }
}
