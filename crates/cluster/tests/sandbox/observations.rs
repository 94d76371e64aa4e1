//! What the watches show.

use http::Method;
use serde_json::{Value, json};
use sternway_core::effect::Effect;
use sternway_core::observation::{Observation, Problem, ProblemKind, Workload};
use sternway_core::ports::Clusters as _;

use crate::harness::{V1, World};

fn problem(workload: &Workload) -> Option<&Problem> {
    workload.pods.iter().find_map(|pod| pod.problem.as_ref())
}

/// A workload whose only container does as an annotation for the sandbox says; on a real cluster it does so by itself.
async fn create(world: &World, behaviour: &str, container: Value) {
    let mut manifest = world.manifest(1, V1);
    let template = &mut manifest["spec"]["template"];
    template["metadata"]["annotations"] = json!({"sandbox.sternway.io/behaviour": behaviour});
    template["spec"]["containers"] = json!([container]);
    world.perform(&Effect::Create { manifest }).await.unwrap();
}

#[tokio::test]
async fn a_crash_loop_is_told_with_the_last_words() {
    let world = World::new().await;
    let container = json!({
        "name": "app", "image": "busybox:1.36",
        "command": ["sh", "-c", "echo there is no database; exit 1"],
    });
    create(&world, "crash", container).await;
    let workload = world.until_present(|it| problem(it).is_some_and(|problem| problem.last_log.is_some())).await;
    let problem = problem(&workload).unwrap();
    assert_eq!((problem.kind, problem.container.as_str()), (ProblemKind::CrashLoop, "app"));
    assert!(problem.message.contains("exit code 1"), "{problem:?}");
    assert!(!problem.last_log.as_ref().unwrap().is_empty());
    assert!(workload.pods.iter().all(|pod| !pod.ready));
    world.end().await;
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_told() {
    let world = World::new().await;
    create(&world, "nopull", json!({"name": "app", "image": "registry.invalid/nothing:1"})).await;
    let workload = world.until_present(|it| problem(it).is_some()).await;
    let problem = problem(&workload).unwrap();
    assert_eq!(problem.kind, ProblemKind::ImagePull);
    assert!(["ErrImagePull", "ImagePullBackOff"].contains(&problem.reason.as_str()), "{problem:?}");
    world.end().await;
}

#[tokio::test]
async fn a_pod_that_fits_nowhere_is_told() {
    let world = World::new().await;
    let container = json!({
        "name": "app", "image": V1, "resources": {"requests": {"cpu": "100000"}},
    });
    create(&world, "", container).await;
    let workload = world.until_present(|it| problem(it).is_some()).await;
    let problem = problem(&workload).unwrap();
    assert_eq!((problem.kind, problem.reason.as_str()), (ProblemKind::Unschedulable, "Unschedulable"));
    assert!(!problem.message.is_empty());
    world.end().await;
}

#[tokio::test]
async fn what_others_do_is_seen() {
    let world = World::new().await;
    world.create(4, V1).await;
    let scale = json!({"spec": {"replicas": 2}});
    world.until_present(|it| it.new_ready() == 4).await;
    world.send(Method::PATCH, &world.deployment_path(), &scale).await;
    world.until_present(|it| it.pods.len() == 2 && it.new_ready() == 2).await;

    let budgets = world.path("policy/v1/namespaces/NS/poddisruptionbudgets");
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"maxUnavailable": "50%", "selector": {"matchExpressions": [
            {"key": "app", "operator": "In", "values": ["web", "api"]},
        ]}},
    });
    world.send(Method::POST, &budgets, &budget).await;
    let workload = world.until_present(|it| it.disruption_floor.is_some()).await;
    assert_eq!(workload.disruption_floor, Some(1));
    world.send(Method::DELETE, &format!("{budgets}/web"), &json!({})).await;
    world.until_present(|it| it.disruption_floor.is_none()).await;
    world.end().await;
}

#[tokio::test]
async fn a_fresh_read_sees_what_the_watches_see() {
    let world = World::new().await;
    world.create(3, V1).await;
    let workload = world.until_present(Workload::is_complete).await;
    let read = world.clusters.read(&world.workload).await.unwrap();
    assert_eq!(read, Observation::Present(Box::new(workload.clone())));

    let native = world.clusters.native(&world.workload, true).await.unwrap();
    let deployment = native.deployment.unwrap();
    assert_eq!(deployment["metadata"]["uid"], workload.uid.as_str());
    assert_eq!(native.pods.len(), 3);
    for pod in &native.pods {
        let node = pod["spec"]["nodeName"].as_str().unwrap();
        let labels = &native.node_labels[node];
        assert!(labels.contains_key("kubernetes.io/hostname"), "{labels:?}");
    }
    let without = world.clusters.native(&world.workload, false).await.unwrap();
    assert!(without.node_labels.is_empty());

    let mut nothing = world.workload.clone();
    nothing.name = "nothing".to_owned();
    let native = world.clusters.native(&nothing, true).await.unwrap();
    assert_eq!((native.deployment, native.pods), (None, vec![]));
    world.end().await;
}
