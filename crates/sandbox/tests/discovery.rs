//! Discovery against the recordings of a real server: the sandbox serves fewer resources, and describes each as the
//! real one does.
//!
//! The recordings' folder is `STERNWAY_HTTP_VECTORS_DIR`, or else a `shared/kube/http` next to the repository.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use sternway_sandbox::api::{Body, Request};
use sternway_sandbox::{Options, Sandbox};

/// The recorded exchanges of a file: path, Accept, and the answer's status and body.
fn recorded(name: &str) -> Vec<(String, String, u64, Value)> {
    let folder = std::env::var_os("STERNWAY_HTTP_VECTORS_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/kube/http"), PathBuf::from);
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; set STERNWAY_HTTP_VECTORS_DIR to the folder of the recordings", path.display())
    });
    let vector: Value = serde_json::from_str(&text).unwrap();
    let exchanges = vector["exchanges"].as_array().unwrap().iter();
    exchanges
        .map(|exchange| {
            let (request, response) = (&exchange["request"], &exchange["response"]);
            (
                request["path"].as_str().unwrap().to_owned(),
                request["headers"]["Accept"].as_str().unwrap_or_default().to_owned(),
                response["status"].as_u64().unwrap(),
                response["body"].clone(),
            )
        })
        .collect()
}

fn ask(path: &str, accept: &str) -> (u64, Value) {
    ask_one_with(Options::default(), path, accept)
}

fn ask_one_with(options: Options, path: &str, accept: &str) -> (u64, Value) {
    let mut sandbox = Sandbox::new(options, Timestamp::UNIX_EPOCH);
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: vec![("accept".to_owned(), accept.to_owned())],
        ..Request::default()
    };
    let response = sandbox.handle(&request, Timestamp::UNIX_EPOCH);
    let Body::Full(bytes) = response.body else { panic!("{path} is no stream") };
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
    (u64::from(response.status), body)
}

/// What identifies an element of a list in a discovery document.
fn identity(element: &Value) -> Option<&Value> {
    ["name", "resource", "subresource", "version", "groupVersion"]
        .into_iter()
        .find_map(|key| element.get(key))
        .or_else(|| element.get("metadata"))
}

/// Asserts that everything in `ours` is in `real` too, in the same words. Lists of things with a name may be shorter.
fn assert_within(ours: &Value, real: &Value, place: &str) {
    match (ours, real) {
        (Value::Object(fields), Value::Object(real_fields)) => {
            for (key, value) in fields {
                let expected = real.get(key).unwrap_or_else(|| panic!("{place}/{key} is ours alone"));
                assert_within(value, expected, &format!("{place}/{key}"));
            }
            // A hash of how a real server stores the kind: there is nothing like it here.
            let lacking = |key: &&String| !fields.contains_key(*key) && *key != "storageVersionHash";
            let lacking: Vec<&String> = real_fields.keys().filter(lacking).collect();
            assert!(lacking.iter().all(|key| *key == "subresources"), "{place} lacks {lacking:?}");
        }
        (Value::Array(list), Value::Array(real_list)) if list.iter().all(|one| identity(one).is_some()) => {
            assert!(!list.is_empty(), "{place} is empty");
            for element in list {
                let name = identity(element);
                let expected = real_list.iter().find(|other| identity(other) == name);
                let expected = expected.unwrap_or_else(|| panic!("{place} has {name:?}, which is ours alone"));
                assert_within(element, expected, &format!("{place}/{}", name.unwrap()));
            }
        }
        _ => assert_eq!(ours, real, "{place}"),
    }
}

/// Groups of the recording that the sandbox does not have.
const ABSENT: [&str; 2] = ["/apis/apiextensions.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1"];

#[test]
fn every_document_is_a_part_of_the_recorded_one() {
    for file in ["discovery-legacy.json", "discovery-aggregated.json"] {
        for (path, accept, status, body) in recorded(file) {
            let (our_status, ours) = ask(&path, &accept);
            if ABSENT.contains(&path.as_str()) {
                assert_eq!(our_status, 404, "{path}");
                continue;
            }
            assert_eq!(our_status, status, "{path} {accept}");
            assert_within(&ours, &body, &path);
        }
    }
}

#[test]
fn every_resource_is_discovered() {
    for resource in sternway_sandbox::resources::all() {
        let path = match resource.group {
            "" => format!("/api/{}", resource.version),
            group => format!("/apis/{group}/{}", resource.version),
        };
        let everything = Options { gateway_api: true, ..Options::default() };
        let (_, body) = ask_one_with(everything, &path, "application/json");
        let listed = body["resources"].as_array().unwrap();
        assert!(listed.iter().any(|entry| entry["name"] == resource.plural), "{resource:?}");
    }
}

#[test]
fn the_version_has_the_recorded_fields() {
    let real = recorded("discovery-version.json").remove(0).3;
    let (_, ours) = ask("/version", "application/json");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&real));
    assert_eq!(ours["gitVersion"], real["gitVersion"]);
}

#[test]
fn the_gateway_api_is_there_only_if_it_was_installed() {
    for gateway_api in [false, true] {
        let mut sandbox = Sandbox::new(Options { gateway_api, ..Options::default() }, Timestamp::UNIX_EPOCH);
        let mut ask = |method: &str, path: &str, body: Value| {
            let request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: body.to_string().into(),
                ..Request::default()
            };
            let response = sandbox.handle(&request, Timestamp::UNIX_EPOCH);
            let Body::Full(bytes) = response.body else { panic!("{path} is no stream") };
            (response.status, String::from_utf8_lossy(&bytes).into_owned())
        };
        let (_, groups) = ask("GET", "/apis", Value::Null);
        assert_eq!(groups.contains("gateway.networking.k8s.io"), gateway_api, "{groups}");
        let version = "/apis/gateway.networking.k8s.io/v1";
        let expected = if gateway_api { 200 } else { 404 };
        assert_eq!(ask("GET", version, Value::Null).0, expected);
        let matches = json!([{"path": {"type": "PathPrefix", "value": "/"}, "method": "GET"}]);
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "web"},
            "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"matches": matches}]},
        });
        let routes = format!("{version}/namespaces/default/httproutes");
        let (status, answer) = ask("POST", &routes, route.clone());
        assert_eq!(status, if gateway_api { 201 } else { 404 }, "{answer}");
        if gateway_api {
            let stored: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(stored["spec"], route["spec"]);
            let mut wrong = route;
            wrong["metadata"]["name"] = json!("wrong");
            wrong["spec"]["rules"][0]["matches"][0]["path"]["value"] = json!("no/slash");
            let (status, answer) = ask("POST", &routes, wrong);
            assert!(status == 422 && answer.contains("absolute path"), "{status} {answer}");
        }
    }
}
