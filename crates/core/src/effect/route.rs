//! Writes to an HTTPRoute that is there: its requests divided for the time of a gray batch, and put back.
//!
//! The route is not ours. Only its rules are touched, and what they were before is written beside them in the same patch, together with a `kubectl` line
//! that puts them back without Sternway. Several applications may divide requests of the same route: each has annotations of its own.
//!
//! Putting back changes the route's resourceVersion even where nothing is divided: a write that a server sent before it lost its lease, and that arrives
//! only now, then finds another route than it was made for, and is refused.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::ObjectWrite;
use super::{Refusal, Writer, entries, merge};
use crate::application::WorkloadRef;
use crate::ids::AppId;
use crate::ports::ObjectKind;
use crate::route::{Split, steered, unsteered};

/// How the requests of a route go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Routing {
    /// Divided between old and new pods.
    Divided,
    /// As before, with a mark of who put them back.
    PutBack,
    /// As before, and nothing of ours is left.
    Clean,
}

/// What becomes of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteChange {
    /// Its kind, as the cluster serves it.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// How its requests are divided.
    pub split: Split,
    /// Whether they are, from now on.
    pub routing: Routing,
}

/// What was there before, and how it was divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Before {
    split: Split,
    rules: Vec<Value>,
}

/// The annotation with what was there before.
fn before_annotation(app: AppId) -> String {
    format!("sternway.io/steered-{app}")
}

/// The annotation with the fence of who put it back.
fn put_back_annotation(app: AppId) -> String {
    format!("sternway.io/unsteered-{app}")
}

/// The annotation with the `kubectl` line that puts it back.
pub fn line_annotation(app: AppId) -> String {
    format!("sternway.io/unsteer-{app}")
}

/// Translates a change of a route into a write, on a fresh read.
///
/// # Errors
/// [`Refusal::Route`], and only if requests are to be divided: a route that is gone, or leads elsewhere by now, needs no putting back.
pub fn compile(
    change: &RouteChange,
    fresh: Option<&Value>,
    target: &WorkloadRef,
    writer: Writer,
) -> Result<ObjectWrite, Refusal> {
    let app = writer.app;
    let divides = change.routing == Routing::Divided;
    let there = fresh.filter(|route| !route["metadata"]["deletionTimestamp"].is_string());
    let Some(fresh) = there else {
        let gone = || Refusal::Route(format!("the HTTPRoute {} is not there any more", change.name));
        return if divides { Err(gone()) } else { Ok(ObjectWrite::Nothing) };
    };
    let rules = fresh["spec"]["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (before_name, line_name) = (before_annotation(app), line_annotation(app));
    let before = fresh["metadata"]["annotations"][&before_name].as_str();
    let before: Option<Before> = before.and_then(|text| serde_json::from_str(text).ok());
    // What an earlier order left is put back by its own names.
    let plain = match &before {
        Some(before) => unsteered(rules, Some(&before.rules), &before.split),
        None => unsteered(rules, None, &change.split),
    };
    let mut wanted = fresh.clone();
    if divides {
        let unsayable = |error| Refusal::Route(format!("the HTTPRoute {} cannot say it: {error}", change.name));
        let divided = steered(&plain, &change.split).map_err(unsayable)?;
        if divided == plain {
            let service = &change.split.service;
            let reason = format!("no rule of the HTTPRoute {} leads to the Service {service} any more", change.name);
            return Err(Refusal::Route(reason));
        }
        wanted["spec"]["rules"] = Value::Array(divided);
        let line = put_back_command(change, target, app, &plain);
        let kept = json!(Before { split: change.split.clone(), rules: plain });
        let annotations = entries(&mut wanted["metadata"]["annotations"]);
        annotations.insert(before_name, json!(kept.to_string()));
        annotations.insert(line_name, json!(line));
    } else {
        if rules != plain {
            wanted["spec"]["rules"] = Value::Array(plain);
        }
        if let Some(annotations) = wanted["metadata"]["annotations"].as_object_mut() {
            annotations.shift_remove(&before_name);
            annotations.shift_remove(&line_name);
        }
    }
    let put_back_name = put_back_annotation(app);
    if change.routing == Routing::PutBack {
        let fence = json!(writer.fence.to_string());
        entries(&mut wanted["metadata"]["annotations"]).insert(put_back_name, fence);
    } else if let Some(annotations) = wanted["metadata"]["annotations"].as_object_mut() {
        annotations.shift_remove(&put_back_name);
    }
    Ok(match merge::diff(fresh, &wanted) {
        None => ObjectWrite::Nothing,
        Some(mut patch) => {
            patch["metadata"]["resourceVersion"] = fresh["metadata"]["resourceVersion"].clone();
            ObjectWrite::Patch(patch)
        }
    })
}

/// The line that a person runs to put the route back when Sternway is gone.
fn put_back_command(change: &RouteChange, target: &WorkloadRef, app: AppId, rules: &[Value]) -> String {
    let patch = json!({
        "metadata": {"annotations": {before_annotation(app): null, line_annotation(app): null}},
        "spec": {"rules": rules},
    });
    format!(
        "kubectl -n {} patch {}.{} {} --type=merge -p '{}'",
        target.namespace,
        change.kind.plural,
        change.kind.group,
        change.name,
        patch.to_string().replace('\'', r"'\''")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::apply_merge;
    use crate::ids::{ClusterId, Fence, OrderId};
    use crate::route::{Path, Rule};
    use uuid::Uuid;

    fn app(number: u128) -> Writer {
        let id = Uuid::from_u128(number);
        Writer { app: AppId::new(id), order: OrderId::new(id), fence: Fence(1), object: None }
    }

    fn target() -> WorkloadRef {
        WorkloadRef {
            cluster: ClusterId::new(Uuid::from_u128(2)),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        }
    }

    fn change(service: &str, routing: Routing) -> RouteChange {
        let everything = Rule { path: Path::Below("/".to_owned()), any: false, conditions: vec![], percent: 10 };
        let split = Split {
            service: service.to_owned(),
            old: format!("{service}-old-1"),
            new: format!("{service}-new-1"),
            rules: vec![everything],
        };
        RouteChange { kind: ObjectKind::HTTP_ROUTE, name: "edge".to_owned(), split, routing }
    }

    fn route() -> Value {
        let to = |name: &str| json!({"group": "", "kind": "Service", "name": name, "port": 80, "weight": 1});
        json!({
            "metadata": {"name": "edge", "resourceVersion": "7", "annotations": {"team": "it's ours"}},
            "spec": {"hostnames": ["a.test"], "rules": [{"backendRefs": [to("web")]}, {"backendRefs": [to("shop")]}]},
        })
    }

    fn written(change: &RouteChange, route: &Value, app: Writer) -> Value {
        let ObjectWrite::Patch(patch) = compile(change, Some(route), &target(), app).unwrap() else {
            panic!("nothing to write");
        };
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let mut route = route.clone();
        apply_merge(&mut route, &patch);
        route
    }

    #[test]
    fn it_is_divided_once_and_put_back_exactly() {
        let there = written(&change("web", Routing::Divided), &route(), app(1));
        assert_eq!(there["spec"]["rules"][0]["backendRefs"][0]["name"], "web-new-1");
        assert_eq!(there["spec"]["rules"][1], route()["spec"]["rules"][1]);
        assert_eq!(
            compile(&change("web", Routing::Divided), Some(&there), &target(), app(1)),
            Ok(ObjectWrite::Nothing)
        );
        let back = written(&change("web", Routing::Clean), &there, app(1));
        assert_eq!(back, route());
        assert_eq!(compile(&change("web", Routing::Clean), Some(&back), &target(), app(1)), Ok(ObjectWrite::Nothing));
    }

    #[test]
    fn the_line_puts_it_back_too() {
        let there = written(&change("web", Routing::Divided), &route(), app(1));
        let line = there["metadata"]["annotations"][line_annotation(app(1).app)].as_str().unwrap();
        let patch =
            line.strip_prefix("kubectl -n shop patch httproutes.gateway.networking.k8s.io edge --type=merge -p '");
        let patch: Value = serde_json::from_str(patch.unwrap().strip_suffix('\'').unwrap()).unwrap();
        let mut back = there.clone();
        apply_merge(&mut back, &patch);
        assert_eq!(back, route());
    }

    #[test]
    fn putting_back_is_seen_on_a_route_that_was_never_divided_and_cleaned_after() {
        let put_back = written(&change("web", Routing::PutBack), &route(), app(1));
        assert_eq!(put_back["spec"], route()["spec"]);
        let again = |writer| compile(&change("web", Routing::PutBack), Some(&put_back), &target(), writer);
        assert_eq!(again(app(1)), Ok(ObjectWrite::Nothing));
        let overtaking = Writer { fence: Fence(2), ..app(1) };
        assert_ne!(again(overtaking), Ok(ObjectWrite::Nothing), "the next server's is another");
        assert_eq!(written(&change("web", Routing::Clean), &put_back, app(1)), route());
        let divided = written(&change("web", Routing::Divided), &put_back, app(1));
        assert_eq!(written(&change("web", Routing::Clean), &divided, app(1)), route());
    }

    #[test]
    fn two_applications_divide_one_route_and_end_in_any_sequence() {
        let both = written(
            &change("shop", Routing::Divided),
            &written(&change("web", Routing::Divided), &route(), app(1)),
            app(2),
        );
        let first = written(&change("web", Routing::Clean), &both, app(1));
        assert_eq!(written(&change("shop", Routing::Clean), &first, app(2)), route());
        let second = written(&change("shop", Routing::Clean), &both, app(2));
        assert_eq!(written(&change("web", Routing::Clean), &second, app(1)), route());
    }

    #[test]
    fn what_an_earlier_order_left_is_put_back_first() {
        let left = written(&change("web", Routing::Divided), &route(), app(1));
        let mut next = change("web", Routing::Divided);
        next.split.old = "web-old-2".to_owned();
        next.split.new = "web-new-2".to_owned();
        let there = written(&next, &left, app(1));
        assert!(!there["spec"].to_string().contains("web-old-1"));
        next.routing = Routing::Clean;
        assert_eq!(written(&next, &there, app(1)), route());
    }

    #[test]
    fn a_route_that_is_gone_or_leads_elsewhere_is_told_and_needs_no_putting_back() {
        let steer = |route: Option<&Value>| compile(&change("web", Routing::Divided), route, &target(), app(1));
        assert!(steer(None).unwrap_err().to_string().contains("not there any more"));
        let mut elsewhere = route();
        elsewhere["spec"]["rules"] = json!([{"backendRefs": [{"name": "shop", "port": 80}]}]);
        assert!(steer(Some(&elsewhere)).unwrap_err().to_string().contains("leads to the Service web any more"));
        let back = |route: Option<&Value>| compile(&change("web", Routing::Clean), route, &target(), app(1));
        assert_eq!(back(None), Ok(ObjectWrite::Nothing));
        assert_eq!(back(Some(&elsewhere)), Ok(ObjectWrite::Nothing));
    }
}
