//! Replays every recorded trace of a real control plane on the sandbox, in virtual time, and compares.
//!
//! The recordings are in the folder that `STERNWAY_TRACES_DIR` names, by default `shared/kube/traces` beside the
//! repository. Each file is a scenario: a list of steps, each an action and what came of it.

#![expect(clippy::unwrap_used, reason = "in a test a missing field is a failure, and helpers are part of the test")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::SignedDuration;
use serde_json::{Value, json};
use sternway_sandbox::{object, resources};

use self::compare::{Bounds, Differences, Names};
use self::world::World;

#[path = "traces/compare.rs"]
mod compare;
#[path = "traces/driver.rs"]
mod driver;
#[path = "traces/kubectl.rs"]
mod kubectl;
#[path = "traces/seen.rs"]
mod seen;
#[path = "traces/state.rs"]
mod state;
#[path = "traces/world.rs"]
mod world;

/// Fewer recordings than this means that the folder is not the right one.
const LEAST_RECORDINGS: usize = 1;

#[test]
fn the_sandbox_behaves_as_recorded() {
    let folder = std::env::var_os("STERNWAY_TRACES_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kube/traces")),
        PathBuf::from,
    );
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!("no traces to replay in {}: {error}; set STERNWAY_TRACES_DIR to their folder", folder.display())
    });
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= LEAST_RECORDINGS, "no traces in {}", folder.display());

    let reports = replay_all(&files);
    assert!(
        reports.is_empty(),
        "{} of {} traces differ:\n{}",
        reports.len(),
        files.len(),
        reports.into_values().collect::<String>()
    );
}

/// Replays all files, a thread per processor, and gives the reports of those that differ.
fn replay_all(files: &[PathBuf]) -> BTreeMap<&PathBuf, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut reports = BTreeMap::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let scenario: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            let differences = replay(&scenario);
            if differences.is_empty() {
                continue;
            }
            let mut report = format!("{}: {}\n", scenario["name"], scenario["purpose"]);
            for difference in differences {
                writeln!(report, "    {difference}").unwrap();
            }
            reports.insert(file, report);
        }
        reports
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, |count| count.get());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a replay panicked, see above")).collect()
    })
}

fn replay(scenario: &Value) -> Differences {
    let mut world = World::new(scenario["name"].as_str().unwrap());
    let recorded_names = recorded_names(scenario);
    let mut differences = Vec::new();
    for (index, step) in object::items(scenario, "/steps").iter().enumerate() {
        let found = replay_step(&mut world, step, &recorded_names);
        let label = format!("step {index} ({})", step["do"]["op"].as_str().unwrap());
        differences.extend(found.into_iter().map(|one| format!("{label}: {one}")));
    }
    differences
}

fn replay_step(world: &mut World, step: &Value, recorded_names: &Names) -> Differences {
    world.seen.start_step();
    let ready_before = world.seen.ready();
    let spec_before = world.seen.spec_total();
    let mut differences = act(world, step);
    let how = step["settle"]["how"].as_str().unwrap();
    if how.starts_with("not-settled") {
        // A deliberate moment in the middle of a roll-out, or a refusal: not a state to compare.
        let seconds = step["settle"]["seconds"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "a second or two")]
        world.run_for(SignedDuration::from_millis((seconds * 1000.0) as i64));
        world.scalings.0 += object::items(step, "/rs_scales").len();
        world.scalings.1 += world.seen.scales.len();
        world.unsettled = step["response"]["http"] == 200;
        return differences;
    }
    if let Some(until) = step.get("until") {
        assert_eq!(until, "Progressing has reason ProgressDeadlineExceeded");
        world.run_until("the deadline is exceeded", deadline_exceeded);
    }
    world.settle(how == "ok");
    differences.extend(compare::states(&step["settled"], &world.state(), recorded_names, &world.seen.images));
    differences.extend(compare::pods_kept(step, world));
    let bounds = bounds(world, ready_before, spec_before);
    differences.extend(compare::extremes(step, world, &bounds));
    differences.extend(compare::events(step, world, recorded_names));
    differences.extend(compare::deletions(step, world));
    world.unsettled = how != "ok";
    differences
}

/// Does what the step did, and compares the answer.
fn act(world: &mut World, step: &Value) -> Differences {
    let action = &step["do"];
    let response = &step["response"];
    let web = world.path("deployments", "web");
    let body = &action["body"];
    let (code, answer) = match action["op"].as_str().unwrap() {
        "create" => create(world, "deployments", action),
        "create_rs" => create(world, "replicasets", action),
        "create_pod" => create(world, "pods", action),
        "patch" => match action["type"].as_str().unwrap() {
            "merge" => world.request("PATCH", &web, body),
            "json" => world.request_as("PATCH", &web, &[], "application/json-patch+json", body),
            "apply" => {
                let query = [("fieldManager", "second"), ("force", "true")];
                world.request_as("PATCH", &web, &query, "application/apply-patch+yaml", body)
            }
            other => panic!("patch type not known: {other}"),
        },
        "scale" => world.request("PATCH", &format!("{web}/scale"), &json!({"spec": {"replicas": action["replicas"]}})),
        "delete" => world.request("DELETE", &web, &json!({"propagationPolicy": action["propagation"]})),
        "wait" => {
            world.run_for(SignedDuration::from_secs(action["seconds"].as_i64().unwrap()));
            return Vec::new();
        }
        "kubectl" => {
            let (exit, printed) = kubectl::run(world, action);
            let mut differences = Vec::new();
            compare::differ("exit code", &response["rc"], &json!(exit), &mut differences);
            if let Some(printed) = printed {
                compare::differ("output", &response["stdout"], &json!(printed), &mut differences);
            }
            return differences;
        }
        _ => return act_on_some(world, action, response),
    };
    compare::responses(response, code, &answer)
}

fn create(world: &mut World, plural: &str, action: &Value) -> (u16, Value) {
    let path = world.path(plural, "");
    world.request("POST", &path, &action["manifest"])
}

/// Actions on the first (by name) pods or ReplicaSets of an image.
fn act_on_some(world: &mut World, action: &Value, response: &Value) -> Differences {
    let op = action["op"].as_str().unwrap();
    let plural = if op.ends_with("_rs") { "replicasets" } else { "pods" };
    let prefix = if plural == "pods" { "" } else { "/spec/template" };
    let path = world.path(plural, "");
    let list = world.get(&path);
    let image = action["image"].as_str().unwrap();
    let count = usize::try_from(action["count"].as_i64().unwrap_or(i64::MAX)).unwrap();
    let objects: Vec<&Value> =
        object::items(&list, "/items").iter().filter(|one| state::image(one, prefix) == image).take(count).collect();
    let mut answers = Vec::new();
    for one in objects {
        let path = world.path(plural, object::name(one));
        let (code, _) = match op {
            "set_pod_ready" => {
                let conditions = with_readiness(one, action["ready"] == true, world);
                world.request("PATCH", &format!("{path}/status"), &json!({"status": {"conditions": conditions}}))
            }
            "patch_pod" | "patch_rs" => world.request("PATCH", &path, &action["body"]),
            "delete_pod" => world.request("DELETE", &path, &Value::Null),
            "delete_rs" => world.request("DELETE", &path, &json!({"propagationPolicy": action["propagation"]})),
            "scale_rs" => {
                world.request("PATCH", &format!("{path}/scale"), &json!({"spec": {"replicas": action["replicas"]}}))
            }
            other => panic!("action not known: {other}"),
        };
        answers.push(json!({"http": code}));
    }
    let mut differences = Vec::new();
    compare::differ("responses", response, &Value::Array(answers), &mut differences);
    differences
}

/// The conditions of a pod with Ready and ContainersReady set.
fn with_readiness(pod: &Value, ready: bool, world: &World) -> Value {
    let mut conditions = pod["status"]["conditions"].clone();
    for condition in conditions.as_array_mut().unwrap() {
        if condition["type"] == "Ready" || condition["type"] == "ContainersReady" {
            condition["status"] = json!(if ready { "True" } else { "False" });
            condition["lastTransitionTime"] = json!(object::format_time(world.driver.now));
        }
    }
    conditions
}

fn deadline_exceeded(world: &World) -> bool {
    let web = world.driver.sandbox.storage().get(resources::DEPLOYMENTS, &world.namespace, "web").unwrap();
    object::items(web, "/status/conditions").iter().any(|one| one["reason"] == "ProgressDeadlineExceeded")
}

/// The bounds of a rolling update under the spec as it is at the end of the step.
fn bounds(world: &World, ready_before: i64, spec_before: i64) -> Bounds {
    let web = world.driver.sandbox.storage().get(resources::DEPLOYMENTS, &world.namespace, "web");
    let spec = web.map_or(Value::Null, |web| web["spec"].clone());
    let replicas = object::integer(&spec, "/replicas").unwrap_or(0);
    let resolve = |field: &str, up: bool| {
        let value = spec.pointer("/strategy/rollingUpdate").and_then(|update| update.get(field)).cloned();
        match value.unwrap_or(json!(0)) {
            Value::String(text) => {
                let hundredths = text.trim_end_matches('%').parse::<i64>().unwrap() * replicas;
                if up { (hundredths + 99) / 100 } else { hundredths / 100 }
            }
            number => number.as_i64().unwrap(),
        }
    };
    let surge = resolve("maxSurge", true);
    let unavailable = match (surge, resolve("maxUnavailable", false)) {
        (0, 0) => 1,
        (_, unavailable) => unavailable.min(replicas),
    };
    let rolling = spec["strategy"]["type"] == "RollingUpdate";
    Bounds { replicas, surge, unavailable, ready_before, spec_before, rolling }
}

/// All names of ReplicaSets in a recording, with their images.
fn recorded_names(scenario: &Value) -> Names {
    object::items(scenario, "/steps")
        .iter()
        .flat_map(|step| object::items(step, "/settled/replicasets"))
        .map(|set| (object::text(set, "/name").to_owned(), object::text(set, "/image").to_owned()))
        .collect()
}
