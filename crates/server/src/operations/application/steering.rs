//! TrafficControlStrategy: which requests go to the gray batch of a release.
//!
//! ```json
//! {"http":{"rules":[{"conditionType":"percent","percent":10}]}}
//! {"http":{"rules":[{"conditionType":"rule","path":"/*","condition":"AND","conditions":[{"type":"header","name":"user","cond":"==","value":"gray"}]}]}}
//! ```
//!
//! EDAS publishes the first form alone; conditions are those of swimming lanes, and so is what of them an HTTPRoute can say. Here it is read, and what it is to
//! act on is found: the Service of the application's pods, and the HTTPRoutes of its namespace that lead there.

use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::order::birth::Refused;
use sternway_core::order::steering::{SteeredRoute, SteeringPlan};
use sternway_core::plan::Batches;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef};
use sternway_core::route::{Rule, Split, steered};
use sternway_engine::CommandError;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::Given;
use sternway_wire::parameters::structure::Node;

use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::lane::entrance::{is_foreign, leads_to, ports, selecting};
use crate::operations::lane::plan::require_routes;
use crate::operations::lane::rules::{condition, is_any, path};

const PARAMETER: &str = "TrafficControlStrategy";
const PERCENT: &str = "percent";
const KNOWN: [&str; 6] = ["condition", "conditionType", "conditions", "path", PERCENT, "restItems"];
/// The rules of one route have to hold them, twice.
const MOST_RULES: usize = 8;
/// More than one application is reached by.
const MOST_ROUTES: usize = 16;

/// What the parameter asks for; `None` if it is absent or has no rules.
pub(super) async fn plan(call: &Call, app: &Application, batches: Batches) -> Result<Option<SteeringPlan>, Failure> {
    let Given::Value(given) = call.parameters.json(PARAMETER)? else {
        return Ok(None);
    };
    let rules = read(&given)?;
    if rules.is_empty() {
        return Ok(None);
    }
    if batches.gray.is_none() {
        return Err(CommandError::Refused(Refused::SteeringWithoutGray).into());
    }
    let (cluster, namespace) = (app.workload.cluster, app.workload.namespace.as_str());
    let failed = |error: ClusterError| of_cluster(cluster, &error);
    let kind = require_routes(call, cluster).await?;
    let deployment = ObjectRef::new(ObjectKind::DEPLOYMENT, namespace, &app.workload.name);
    let Some(deployment) = call.objects().get(cluster, &deployment).await.map_err(failed)? else {
        return Err(CommandError::Refused(Refused::WorkloadGone(app.name.clone())).into());
    };
    let services = call.objects().list(cluster, &ObjectKind::SERVICE, Some(namespace), "").await.map_err(failed)?;
    let routes = call.objects().list(cluster, &kind, Some(namespace), "").await.map_err(failed)?;
    let (service, leading) = found(app, &deployment, &services, &routes)?;
    let name = text(&service["metadata"]["name"]);
    let split =
        Split { service: name.clone(), old: format!("{name}-old"), new: format!("{name}-new"), rules: rules.clone() };
    for route in &leading {
        if let Err(error) = steered(&route.rules, &split) {
            let reason = format!("The HTTPRoute {} cannot say what {PARAMETER} asks for: {error}.", route.name);
            return Err(BusinessError::unprocessable(&reason).into());
        }
    }
    let selector = service["spec"]["selector"].as_object().into_iter().flatten();
    Ok(Some(SteeringPlan {
        given: given.to_string(),
        rules,
        service: name,
        selector: selector.map(|(label, value)| (label.clone(), text(value))).collect(),
        ports: ports(service),
        kind,
        routes: leading,
    }))
}

/// The Service of the application's pods that routes lead to, and these routes.
fn found<'s>(
    app: &Application,
    deployment: &Value,
    services: &'s [Value],
    routes: &[Value],
) -> Result<(&'s Value, Vec<SteeredRoute>), BusinessError> {
    let selecting = selecting(&deployment["spec"]["template"]["metadata"]["labels"], services);
    let refused = |code: &'static str, message: String| BusinessError::new(400, code, message);
    if selecting.is_empty() {
        let message = format!(
            "No Service selects the pods of the application {}, so no requests can be led to some of them. Make one (CreateK8sService) and an HTTPRoute \
             that leads to it, or leave {PARAMETER} out.",
            app.name
        );
        return Err(refused("TrafficControl.NoService", message));
    }
    let mut leading = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for route in routes.iter().filter(is_foreign) {
        let led: Vec<&str> = leads_to(route, &selecting).map(|(name, _)| name).collect();
        if !led.is_empty() {
            let rules = route["spec"]["rules"].as_array().cloned().unwrap_or_default();
            leading.push(SteeredRoute { name: text(&route["metadata"]["name"]), rules });
        }
        names.extend(led);
    }
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => {
            let message = format!(
                "No HTTPRoute of the namespace {} leads to the application {} (Service {}), so its requests cannot be divided. Make an HTTPRoute with a \
                 backendRef to that Service, or leave {PARAMETER} out.",
                app.workload.namespace,
                app.name,
                selecting.iter().map(|service| text(&service["metadata"]["name"])).collect::<Vec<_>>().join(", ")
            );
            Err(refused("TrafficControl.NoRoute", message))
        }
        [_] if leading.len() > MOST_ROUTES => {
            let message = format!(
                "{} HTTPRoutes lead to the application {}; at most {MOST_ROUTES} can be divided at once.",
                leading.len(),
                app.name
            );
            Err(refused("TrafficControl.TooManyRoutes", message))
        }
        [only] => {
            let service = selecting.iter().find(|service| service["metadata"]["name"] == *only);
            service.map(|service| (*service, leading)).ok_or_else(|| refused("TrafficControl.NoService", String::new()))
        }
        several => {
            let message = format!(
                "HTTPRoutes lead to the application {} by several Services ({}), and requests can be divided behind one alone. Let the routes lead to the same \
                 Service, or leave {PARAMETER} out.",
                app.name,
                several.join(", ")
            );
            Err(refused("TrafficControl.SeveralServices", message))
        }
    }
}

fn read(given: &Value) -> Result<Vec<Rule>, GatewayError> {
    let root = Node::root(PARAMETER, given);
    root.object(&["http"])?;
    let http = root.member("http").ok_or_else(|| root.error("\"http\" is missing."))?;
    http.object(&["rules"])?;
    let list = http.member("rules").ok_or_else(|| http.error("\"rules\" is missing."))?;
    let items = list.items()?;
    if items.len() > MOST_RULES {
        return Err(list.error(&format!("Give at most {MOST_RULES} rules.")));
    }
    let rules: Vec<Rule> = items.iter().map(rule).collect::<Result<_, _>>()?;
    if rules.iter().filter(|rule| rule.is_for_all()).count() > 1 {
        return Err(list.error("Only one rule can be a share of all requests."));
    }
    Ok(rules)
}

fn rule(node: &Node<'_>) -> Result<Rule, GatewayError> {
    node.object(&KNOWN)?;
    let percent = node.member(PERCENT).map(|percent| percent.integer(0, 100)).transpose()?;
    let conditions = node.member("conditions").or_else(|| node.member("restItems"));
    let conditions = conditions.map(|conditions| conditions.items()).transpose()?.unwrap_or_default();
    let kind = node.member("conditionType").map(|kind| kind.text().map(str::to_ascii_lowercase)).transpose()?;
    match kind.as_deref() {
        Some(PERCENT) if percent.is_none() => return Err(node.error("\"percent\" is missing.")),
        Some(PERCENT) if !conditions.is_empty() => {
            return Err(node.error("A rule of the type percent has no conditions: give \"conditionType\":\"rule\"."));
        }
        Some("rule") if conditions.is_empty() && node.member("path").is_none() => {
            return Err(node.error("\"conditions\" is missing."));
        }
        Some(PERCENT | "rule") => {}
        None if percent.is_some() || !conditions.is_empty() => {}
        Some(_) | None => return Err(node.error("\"conditionType\" is percent or rule.")),
    }
    Ok(Rule {
        path: path(node)?,
        any: is_any(node)?,
        conditions: conditions.iter().map(condition).collect::<Result<_, _>>()?,
        percent: percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100),
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sternway_core::route::{Path, Place};

    use super::*;

    fn read_one(rule: Value) -> Result<Rule, GatewayError> {
        Ok(read(&json!({"http": {"rules": [rule]}}))?.remove(0))
    }

    #[test]
    fn a_share_and_conditions_are_read() {
        let share = read_one(json!({"conditionType": "percent", "percent": 10})).unwrap();
        assert!(share.is_for_all());
        assert_eq!(share.percent, 10);
        let header = json!({"type": "header", "name": "user", "cond": "==", "value": "gray"});
        let cookie = json!({"type": "cookie", "name": "lane", "cond": "in", "value": "a, b"});
        let rule = json!({"conditionType": "rule", "path": "/a/*", "condition": "OR", "conditions": [header, cookie]});
        let rule = read_one(rule).unwrap();
        assert_eq!((&rule.path, rule.any, rule.percent), (&Path::Below("/a".to_owned()), true, 100));
        assert_eq!((rule.conditions[1].place, rule.conditions[1].values.len()), (Place::Cookie, 2));
        assert_eq!(read(&json!({"http": {"rules": []}})).unwrap(), []);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let item = |item: Value| json!({"conditionType": "rule", "conditions": [item]});
        for (rule, expected) in [
            (json!({"conditionType": "percent"}), "\"percent\" is missing"),
            (json!({"conditionType": "percent", "percent": 101}), "from 0 to 100"),
            (json!({"conditionType": "percent", "percent": 1, "conditions": [{}]}), "has no conditions"),
            (json!({"conditionType": "rule"}), "\"conditions\" is missing"),
            (json!({"conditionType": "dice", "percent": 1}), "percent or rule"),
            (json!({"percent": 1, "color": 1}), "not known"),
            (item(json!({"type": "header", "name": "a", "value": "1", "cond": "mod"})), "equality alone"),
            (item(json!({"type": "header", "name": "a", "value": "1", "cond": "!="})), "equality alone"),
            (item(json!({"type": "body", "name": "a", "value": "1"})), "header, cookie or param"),
        ] {
            let error = read_one(rule).unwrap_err();
            assert!(error.message.contains(expected), "{error}");
        }
        for (strategy, expected) in [
            (json!({"hsf": {}}), "not known"),
            (json!({"http": {}}), "\"rules\" is missing"),
            (json!({"http": {"rules": [{"percent": 1}, {"percent": 2}]}}), "Only one rule"),
        ] {
            let error = read(&strategy).unwrap_err();
            assert!(error.message.contains(expected), "{error}");
        }
    }
}
