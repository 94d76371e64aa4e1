//! Replays recorded exchanges with a real API server on the sandbox and compares every answer.
//!
//! The recordings are files of `{name, purpose, exchanges}`; their folder is `STERNWAY_HTTP_VECTORS_DIR`, or else a
//! `shared/kube/http` next to the repository. Each file runs on a fresh sandbox in virtual time, which makes
//! runs exact and repeatable: between two requests the controllers do what they can do at once; time passes only
//! where the recording says that the controllers had settled.
//!
//! Status codes, headers and bodies are compared field by field. Placeholders (`<uid:1>`) must stand for the same
//! value wherever they appear in a file. What is not compared is listed in [`tolerances`], each with its reason, and a
//! tolerance that nothing needs fails the test too.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "http_vectors/compare.rs"]
mod compare;
#[path = "http_vectors/tolerances.rs"]
mod tolerances;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sternway_sandbox::api::{Body, Request, Watch};
use sternway_sandbox::{Options, Sandbox};

use compare::{Comparison, Difference};

macro_rules! vectors {
    ($($test:ident: $file:literal,)*) => {
        $(#[test]
        fn $test() {
            replay($file);
        })*
    };
}

vectors! {
    configmaps_crud: "configmaps-crud",
    configmaps_invalid: "configmaps-invalid",
    delete_collection: "delete-collection",
    delete_preconditions: "delete-preconditions",
    delete_propagation: "delete-propagation",
    deploy_create_full: "deploy-create-full",
    deploy_create_minimal: "deploy-create-minimal",
    deploy_invalid: "deploy-invalid",
    finalizers: "finalizers",
    generatename: "generatename",
    generation: "generation",
    leases: "leases",
    list_basics: "list-basics",
    list_label_selectors: "list-label-selectors",
    list_pagination: "list-pagination",
    list_resource_version: "list-resource-version",
    negotiation_bodies: "negotiation-bodies",
    partial_metadata: "partial-metadata",
    patch_json: "patch-json",
    patch_media_types: "patch-media-types",
    patch_merge: "patch-merge",
    patch_strategic: "patch-strategic",
    pdb: "pdb",
    pod_delete_graceful: "pod-delete-graceful",
    pods_eviction: "pods-eviction",
    pods_invalid: "pods-invalid",
    put_conflict: "put-conflict",
    rollout_history: "rollout-history",
    scale: "scale",
    secrets: "secrets",
    services_clusterip: "services-clusterip",
    services_invalid: "services-invalid",
    ssa_conflict_force: "ssa-conflict-force",
    ssa_create_update: "ssa-create-update",
    ssa_deployment: "ssa-deployment",
    ssa_dryrun: "ssa-dryrun",
    status: "status",
    table_workloads: "table-workloads",
    watch_basic: "watch-basic",
    watch_bookmarks: "watch-bookmarks",
    watch_deployment: "watch-deployment",
    watch_expired: "watch-expired",
    watch_finalizer: "watch-finalizer",
    watch_initial_events: "watch-initial-events",
    watch_selectors: "watch-selectors",
}

fn folder() -> PathBuf {
    let folder = match std::env::var_os("STERNWAY_HTTP_VECTORS_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/kube/http"),
    };
    assert!(
        folder.is_dir(),
        "no recorded HTTP vectors at {}: set STERNWAY_HTTP_VECTORS_DIR to their folder",
        folder.display()
    );
    folder
}

fn replay(name: &str) {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let vector: Value = serde_json::from_str(&text).unwrap();
    let differences = Runner::new(name).run(&vector);
    let unexpected = tolerances::apply(name, differences);
    assert!(unexpected.is_empty(), "{name}:\n{}", unexpected.join("\n"));
}

struct Runner {
    name: String,
    sandbox: Sandbox,
    now: Timestamp,
    comparison: Comparison,
    /// Watches still open, by the index of the exchange that opened them.
    open: BTreeMap<usize, OpenWatch>,
}

struct OpenWatch {
    watch: Box<Watch>,
    lines: Vec<Value>,
    ended: bool,
}

impl Runner {
    fn new(name: &str) -> Self {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let sandbox = Sandbox::new(Options::default(), now);
        let keep_managed_fields = name.starts_with("ssa-");
        let mut comparison = Comparison::new(keep_managed_fields);
        let nodes = sandbox.storage().list(sternway_sandbox::resources::NODES, None);
        comparison.nodes = nodes.map(|node| node["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        let mut runner = Self { name: name.to_owned(), sandbox, now, comparison, open: BTreeMap::new() };
        runner.settle();
        let body = json!({"metadata": {"name": format!("http-{name}")}});
        let request = Request {
            method: "POST".into(),
            path: "/api/v1/namespaces".into(),
            body: body.to_string().into(),
            ..Request::default()
        };
        assert_eq!(runner.sandbox.handle(&request, runner.now).status, 201);
        runner.settle();
        runner
    }

    fn run(mut self, vector: &Value) -> Vec<Difference> {
        let exchanges = vector["exchanges"].as_array().unwrap();
        for (index, exchange) in exchanges.iter().enumerate() {
            let note = exchange["note"].as_str().unwrap_or_default();
            if note.contains("had settled") || note.contains("collector ran") || tolerances::settles(&self.name, index)
            {
                self.settle();
            }
            self.exchange(index, exchange);
            if !tolerances::is_hasty(&self.name, index + 1) {
                self.act();
            }
            for (opened, watching) in exchanges.iter().enumerate().take(index + 1) {
                if watching["stream"]["open_through_exchange"] == json!(index) {
                    self.close(opened, watching);
                }
            }
        }
        assert!(self.open.is_empty(), "a recorded watch was never closed");
        self.comparison.into_differences()
    }

    fn exchange(&mut self, index: usize, exchange: &Value) {
        let request = self.request(index, &exchange["request"]);
        let response = self.sandbox.handle(&request, self.now);
        let expected = &exchange["response"];
        self.comparison.exchange = index;
        self.comparison.value("status", &expected["status"], &json!(response.status));
        self.compare_headers(&expected["headers"], &response);
        match response.body {
            Body::Watch(watch) => {
                assert!(exchange["stream"].is_object(), "exchange {index}: an unexpected watch");
                self.open.insert(index, OpenWatch { watch, lines: Vec::new(), ended: false });
            }
            Body::Full(bytes) => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                self.compare_body(expected, &text);
            }
        }
    }

    fn compare_headers(&mut self, expected: &Value, response: &sternway_sandbox::api::Response) {
        const KEPT: [&str; 9] = [
            "Content-Type",
            "Warning",
            "Retry-After",
            "Location",
            "WWW-Authenticate",
            "Vary",
            "Cache-Control",
            "Allow",
            "Transfer-Encoding",
        ];
        for name in KEPT {
            let values: Vec<&str> = response
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect();
            let actual = match values.as_slice() {
                [] => Value::Null,
                [one] => json!(one),
                several => json!(several),
            };
            self.comparison.value(&format!("header {name}"), &expected[name], &actual);
        }
    }

    fn compare_body(&mut self, expected: &Value, text: &str) {
        let body = &expected["body"];
        if body.is_null() {
            // Left out of the recording.
            return;
        }
        let content_type = expected["headers"]["Content-Type"].as_str().unwrap_or_default();
        let parsed = match (body, content_type) {
            (Value::String(yaml), "application/yaml") => {
                let expected: Value = serde_yaml_ng::from_str(yaml).unwrap();
                serde_yaml_ng::from_str(text).map(|actual: Value| (expected, actual)).map_err(|error| error.to_string())
            }
            (Value::String(_), _) => Ok((body.clone(), json!(text))),
            _ => serde_json::from_str(text).map(|actual| (body.clone(), actual)).map_err(|error| error.to_string()),
        };
        match parsed {
            Ok((expected, actual)) => {
                self.comparison.body(&tolerances::normalise(&expected), &tolerances::normalise(&actual));
            }
            Err(error) => self.comparison.note("body", &format!("{error} in {text:?}")),
        }
    }

    fn request(&mut self, index: usize, recorded: &Value) -> Request {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.comparison.meet_nodes(&recorded.to_string());
        let mut request = Request {
            method: text(&recorded["method"]),
            path: self.comparison.fill(&text(&recorded["path"])),
            ..Request::default()
        };
        for (key, value) in recorded["query"].as_object().into_iter().flatten() {
            let values = match value {
                Value::Array(values) => values.clone(),
                single => vec![single.clone()],
            };
            for value in values {
                let value =
                    self.craft_token(index, &text(&value)).unwrap_or_else(|| self.comparison.fill(&text(&value)));
                request.query.push((key.clone(), value));
            }
        }
        for (key, value) in recorded["headers"].as_object().into_iter().flatten() {
            request.headers.push((key.to_lowercase(), text(value)));
        }
        request.body = match &recorded["body"] {
            Value::Null => bytes::Bytes::new(),
            Value::String(raw) => self.comparison.fill(raw).into(),
            json => self.comparison.fill(&json.to_string()).into(),
        };
        request
    }

    /// Two tokens of the recording were made by hand: one with a revision of zero, and one like the first page's but
    /// at a revision that is compacted.
    fn craft_token(&mut self, index: usize, value: &str) -> Option<String> {
        let revision = match (self.name.as_str(), index, value) {
            ("list-pagination", 13, "<continue:4>") => 0,
            ("list-pagination", 16, "<continue:5>") => 1,
            _ => return None,
        };
        let first = URL_SAFE_NO_PAD.decode(self.comparison.fill("<continue:1>")).unwrap();
        let mut token: Value = serde_json::from_slice(&first).unwrap();
        token["rv"] = json!(revision);
        Some(URL_SAFE_NO_PAD.encode(token.to_string()))
    }

    /// Lets the controllers do what is due at this moment.
    fn act(&mut self) {
        while self.sandbox.tick(self.now).is_some_and(|next| next <= self.now) {}
        self.poll_watches();
    }

    /// Lets virtual time pass until nothing is due within ten seconds: what comes later are deadlines.
    fn settle(&mut self) {
        let limit = self.now + SignedDuration::from_secs(120);
        loop {
            let next = self.sandbox.tick(self.now);
            self.poll_watches();
            match next {
                Some(next) if next <= self.now + SignedDuration::from_secs(10) => self.now = self.now.max(next),
                _ => return,
            }
            assert!(self.now < limit, "{}: the controllers do not settle", self.name);
        }
    }

    fn poll_watches(&mut self) {
        for open in self.open.values_mut() {
            let polled = open.watch.poll(self.sandbox.storage(), self.now);
            for line in polled.lines {
                assert_eq!(line.last(), Some(&b'\n'));
                open.lines.push(serde_json::from_slice(&line).unwrap());
            }
            open.ended = polled.ended;
        }
    }

    /// Ends a watch as the recording did and compares what it told.
    fn close(&mut self, index: usize, exchange: &Value) {
        let stream = &exchange["stream"];
        if !self.open.contains_key(&index) {
            // Answered without a stream, and compared already.
            return;
        }
        if tolerances::settles_before_close(&self.name, index) {
            self.settle();
        }
        if stream["ended_by"] == "server" {
            let seconds = stream["seconds"].as_i64().unwrap_or(0);
            let end = self.now + SignedDuration::from_secs(seconds);
            while self.now < end {
                self.now = (self.now + SignedDuration::from_secs(1)).min(end);
                self.poll_watches();
            }
        }
        let open = self.open.remove(&index).unwrap();
        self.comparison.exchange = index;
        self.comparison.value("ended", &json!(stream["ended_by"] == "server"), &json!(open.ended));
        let (expected, actual) =
            tolerances::events(&self.name, index, &exchange["response"]["body"], &Value::Array(open.lines));
        self.comparison.body(&tolerances::normalise(&expected), &tolerances::normalise(&actual));
    }
}
