//! Kinds that are served in two versions: one store, two shapes.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use sternway_sandbox::api::{Body, Request};
use sternway_sandbox::{Options, Sandbox};

struct Client(Sandbox);

impl Client {
    fn new() -> Self {
        Self(Sandbox::new(Options::default(), Timestamp::UNIX_EPOCH))
    }

    fn send(&mut self, method: &str, path: &str, content_type: &str, body: &Value) -> (u16, Body) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split_terminator('&').filter_map(|pair| pair.split_once('='));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) },
        };
        let response = self.0.handle(&request, Timestamp::UNIX_EPOCH);
        (response.status, response.body)
    }

    fn json(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let (status, body) = self.send(method, path, content_type, body);
        let Body::Full(bytes) = body else { panic!("{path} is no stream") };
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

fn event() -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "p"},
        "reason": "Tested",
        "note": "hi",
        "type": "Warning",
        "eventTime": "2020-01-01T00:00:00.000000Z",
        "reportingController": "example.com/rec",
        "reportingInstance": "rec-1",
        "action": "Testing",
    })
}

const NEW: &str = "/apis/events.k8s.io/v1/namespaces/default/events";
const CORE: &str = "/api/v1/namespaces/default/events";

#[test]
fn an_event_is_seen_in_both_shapes() {
    let mut client = Client::new();
    let (status, created) = client.json("POST", NEW, &event());
    assert_eq!((status, &created["apiVersion"], &created["note"]), (201, &json!("events.k8s.io/v1"), &json!("hi")));
    let (_, core) = client.json("GET", &format!("{CORE}/e"), &Value::Null);
    assert_eq!(core["apiVersion"], "v1");
    assert_eq!((&core["message"], &core["involvedObject"]["name"]), (&json!("hi"), &json!("p")));
    assert_eq!(core["reportingComponent"], "example.com/rec");
    let (_, patched) = client.json("PATCH", &format!("{NEW}/e"), &json!({"deprecatedCount": 3}));
    assert_eq!(patched["deprecatedCount"], 3);
    let (_, list) = client.json("GET", &format!("{NEW}?fieldSelector=regarding.name=p"), &Value::Null);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("EventList"), &json!("events.k8s.io/v1")));
    assert_eq!(list["items"][0]["deprecatedCount"], 3);
    assert_eq!(list["items"][0].get("kind"), None);
    let (_, none) = client.json("GET", &format!("{CORE}?fieldSelector=involvedObject.name=q"), &Value::Null);
    assert_eq!(none["items"], json!([]));
}

#[test]
fn a_watch_shows_the_version_it_was_asked_for() {
    let mut client = Client::new();
    client.json("POST", NEW, &event());
    let (_, body) = client.send("GET", &format!("{NEW}?watch=1&resourceVersion=0"), "", &Value::Null);
    let Body::Watch(mut watch) = body else { panic!("not a stream") };
    let polled = watch.poll(client.0.storage(), Timestamp::UNIX_EPOCH);
    let line: Value = serde_json::from_slice(&polled.lines[0]).unwrap();
    assert_eq!((&line["type"], &line["object"]["note"]), (&json!("ADDED"), &json!("hi")));
    assert_eq!(line["object"]["apiVersion"], "events.k8s.io/v1");
}

#[test]
fn each_version_has_its_own_demands() {
    let mut client = Client::new();
    let mut bare = event();
    bare["eventTime"] = Value::Null;
    let (status, refused) = client.json("POST", NEW, &bare);
    assert_eq!(status, 422);
    assert_eq!(refused["message"], "Event \"e\" is invalid: eventTime: Required value");
    let core =
        json!({"metadata": {"name": "c"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}});
    assert_eq!(client.json("POST", CORE, &core).0, 201);
}

#[test]
fn an_autoscaler_by_cpu_is_one_of_metrics() {
    const V1: &str = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
    let mut client = Client::new();
    let autoscaler = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    let (status, created) = client.json("POST", V1, &autoscaler);
    assert_eq!((status, &created["spec"]["targetCPUUtilizationPercentage"]), (201, &json!(50)));
    assert_eq!(created["status"], json!({"currentReplicas": 0, "desiredReplicas": 0}));
    let (_, v2) = client.json("GET", &format!("{}/h", V1.replace("v1", "v2")), &Value::Null);
    assert_eq!(v2["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
    let patch = json!({"spec": {"targetCPUUtilizationPercentage": 70}});
    let (_, patched) = client.json("PATCH", &format!("{V1}/h"), &patch);
    assert_eq!(patched["spec"]["targetCPUUtilizationPercentage"], 70);
}
