//! Clusters that come, go and come back.

use std::time::Duration;

use sternway_cluster::{KubeClusters, Options};
use sternway_core::application::WorkloadRef;
use sternway_core::ids::ClusterId;
use sternway_core::observation::{Observation, Workload};
use sternway_core::ports::{ClusterAccess, ClusterError, Clusters as _, Secret};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::harness::{Server, V1, World};

#[tokio::test]
async fn a_cluster_tells_what_it_is() {
    let world = World::sandbox().await;
    let info = world.clusters.info(world.workload.cluster).await.unwrap();
    assert!(info.version.starts_with("v1."), "{info:?}");
    assert_eq!((info.nodes, info.nodes_ready), (3, 3));
    assert!(info.cpu_millis > 0 && info.memory_mib > 0, "{info:?}");
    let namespaces = world.clusters.namespaces(world.workload.cluster).await.unwrap();
    assert!(namespaces.contains(&"default".to_owned()) && namespaces.contains(&world.workload.namespace));
    world.end().await;
}

#[tokio::test]
async fn one_that_is_away_is_told_and_found_again() {
    let mut world = World::sandbox().await;
    world.create(2, V1).await;
    world.until_present(Workload::is_complete).await;
    world.server.as_ref().unwrap().stop().await;
    world.until_failed(ClusterError::is_transient).await;
    let away = world.perform(&sternway_core::effect::Effect::Scale { replicas: 3 }).await;
    assert!(matches!(away, Err(ClusterError::Unreachable { .. })), "{away:?}");
    world.server.as_mut().unwrap().restart().await;
    world.until_present(Workload::is_complete).await;
    world.perform_among_controllers(&sternway_core::effect::Effect::Scale { replicas: 3 }).await;
    world.until_present(|it| it.is_complete() && it.replicas == 3).await;
    world.end().await;
}

#[tokio::test]
async fn one_that_does_not_answer_yet_is_waited_for() {
    let clusters = KubeClusters::new(Options { request_timeout: Duration::from_millis(200), ..Options::default() });
    // The socket takes connections, but nobody answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kubeconfig = Secret::new(sternway_sandbox::http::kubeconfig(address));
    let access = ClusterAccess::Kubeconfig(kubeconfig);
    let workload = WorkloadRef {
        cluster: ClusterId::new(Uuid::new_v4()),
        namespace: "default".to_owned(),
        name: "web".to_owned(),
    };
    let refused = clusters.connect(workload.cluster, &access).await;
    assert!(matches!(refused, Err(ClusterError::Unreachable { .. })), "{refused:?}");
    let unknown = clusters.observe(&workload).await;
    assert!(matches!(unknown, Err(ClusterError::Unknown(_))), "a failed connect leaves nothing");

    clusters.connect_later(workload.cluster, &access).await;
    while !clusters.observe(&workload).await.is_err_and(|error| error.to_string().contains("no answer within")) {
        clusters.changed(&workload).await;
    }
    let server = Server::serve(listener);
    while clusters.observe(&workload).await.is_err() {
        clusters.changed(&workload).await;
    }
    assert_eq!(clusters.observe(&workload).await.unwrap(), Observation::Gone { pods: vec![] });
    clusters.shutdown().await;
    server.stop().await;
}

#[tokio::test]
async fn one_that_is_forgotten_is_unknown() {
    let world = World::sandbox().await;
    world.until(|it| matches!(it, Observation::Gone { .. })).await;
    let cluster = world.workload.cluster;
    world.clusters.disconnect(cluster).await;
    world.until_failed(|error| matches!(error, ClusterError::Unknown(_))).await;
    let unknown = world.clusters.info(cluster).await;
    assert!(matches!(unknown, Err(ClusterError::Unknown(id)) if id == cluster), "{unknown:?}");
    world.end().await;
}

#[tokio::test]
async fn new_credentials_replace_the_old_ones() {
    let world = World::sandbox().await;
    world.create(1, V1).await;
    world.until_present(Workload::is_complete).await;
    let other = Server::start().await;
    world.clusters.connect(world.workload.cluster, &other.access()).await.unwrap();
    world.until(|it| matches!(it, Observation::Gone { .. })).await;

    let bad = ClusterAccess::Kubeconfig(Secret::new("clusters: 3"));
    let rejected = world.clusters.connect(world.workload.cluster, &bad).await;
    assert!(matches!(rejected, Err(ClusterError::Rejected(_))), "{rejected:?}");
    world.until(|it| matches!(it, Observation::Gone { .. })).await;
    other.stop().await;
    world.end().await;
}
