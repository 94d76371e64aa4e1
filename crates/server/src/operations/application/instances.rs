//! QueryApplicationStatus, GetAppDeployment, DescribeAppInstanceList: what runs, as the cluster tells.

use std::sync::Arc;

use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::observation::Pod;
use sternway_core::order::Order;
use sternway_core::order::birth::Refused;
use sternway_core::order::job::Job;
use sternway_core::version::Version;
use sternway_engine::CommandError;
use sternway_wire::codes::InstanceState;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{
    AppInfo, ApplicationOverview, DeployRecord, DescribeAppInstanceList, Ecc, Ecu, Group, InstanceInfo,
    QueryApplicationStatus, TextData,
};

use super::quantity::{mebibytes, millicores};
use super::show::region_id;
use super::{pods, present_version};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::whole;

/// EDAS has one group per application on Kubernetes, and calls it so.
const GROUP_NAME: &str = "_DEFAULT_GROUP";

/// QueryApplicationStatus
pub(crate) async fn status(call: Arc<Call>) -> Result<QueryApplicationStatus, Failure> {
    let app = call.app().await?;
    let version = present_version(&call, &app).await?;
    let cluster = call.store().cluster(app.workload.cluster).await?;
    let region = region_id(cluster.as_ref(), &app);
    let pods = pods(&call, &app.workload).await;
    let active = call.store().active_order_of(app.id).await?;
    let runs = |pod: &Pod| version_of(&app, active.as_ref(), &pod.name);
    let present = version.as_ref().map(|version| version.number.to_string()).unwrap_or_default();
    Ok(QueryApplicationStatus {
        app_info: AppInfo {
            application: overview(&app, version.as_ref(), &region, &pods),
            deploy_record_list: pods.iter().map(|pod| record(pod, runs(pod))).collect(),
            ecc_list: pods.iter().map(|pod| instance(&app, pod)).collect(),
            ecu_list: hosts(&app, &region, &pods),
            group_list: vec![group(&app, present)],
        },
    })
}

/// GetAppDeployment
pub(crate) async fn deployment(call: Arc<Call>) -> Result<TextData, Failure> {
    let app = call.app().await?;
    let native = call.clusters().native(&app.workload, false).await;
    let native = native.map_err(|error| of_cluster(app.workload.cluster, &error))?;
    let none = || match app.current {
        Some(_) => Failure::from(CommandError::Refused(Refused::WorkloadGone(app.name.clone()))),
        None => BusinessError::not_deployed_yet(&app.id.to_string()).into(),
    };
    let deployment = native.deployment.ok_or_else(none)?;
    Ok(TextData { data: deployment.to_string() })
}

/// DescribeAppInstanceList
pub(crate) async fn list(call: Arc<Call>) -> Result<DescribeAppInstanceList, Failure> {
    let app = call.app().await?;
    let with_nodes = call.parameters.boolean("WithNodeInfo")?.unwrap_or(false);
    let native = call.clusters().native(&app.workload, with_nodes).await;
    let native = native.map_err(|error| of_cluster(app.workload.cluster, &error))?;
    let active = call.store().active_order_of(app.id).await?;
    let instance_list = native
        .pods
        .iter()
        .map(|pod| {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
            let labels = native.node_labels.get(node).map(|labels| serde_json::json!(labels));
            InstanceInfo {
                app_id: app.id.to_string(),
                canary: active.as_ref().is_some_and(|order| is_canary(order, name)),
                group_id: group_id(&app),
                group_name: GROUP_NAME.to_owned(),
                node_labels: labels.as_ref().map(Value::to_string).unwrap_or_default(),
                node_name: node.to_owned(),
                pod_raw: pod.to_string(),
                version: version_of(&app, active.as_ref(), name),
            }
        })
        .collect();
    Ok(DescribeAppInstanceList { instance_list })
}

/// The pod came with the gray batch of a release that is not finished.
fn is_canary(order: &Order, pod: &str) -> bool {
    let gray = order.batches.gray.and(order.pipelines.first());
    gray.is_some_and(|gray| gray.instances.iter().any(|instance| instance.pod == pod))
}

/// Which version a pod runs: during a release there are two.
fn version_of(app: &Application, active: Option<&Order>, pod: &str) -> String {
    let is_new = |order: &Order| {
        let mut instances = order.pipelines.iter().flat_map(|pipeline| &pipeline.instances);
        instances.any(|instance| instance.pod == pod)
    };
    let (from, to) = match active.map(|order| (order, &order.job)) {
        Some((order, Job::Release(release))) if is_new(order) => (None, Some(release.to.number)),
        Some((_, Job::Release(release))) => (Some(release.from.number), None),
        _ => (app.current, None),
    };
    to.or(from).map(|number| number.to_string()).unwrap_or_default()
}

fn group_id(app: &Application) -> String {
    app.id.to_string()
}

fn overview(app: &Application, version: Option<&Version>, region: &str, pods: &[Pod]) -> ApplicationOverview {
    let container = version.and_then(|version| version.snapshot.template.main_container());
    let limit = |name: &str| {
        let quantity = container.map(|container| &container["resources"]["limits"][name]);
        quantity.cloned().unwrap_or_default()
    };
    ApplicationOverview {
        application_id: app.id.to_string(),
        cluster_id: app.workload.cluster.to_string(),
        cpu: millicores(&limit("cpu")) / 1000,
        create_time: app.created_at.as_millisecond(),
        dockerize: true,
        email: app.attributes.get("Email").cloned().unwrap_or_default(),
        phone: app.attributes.get("PhoneNumber").cloned().unwrap_or_default(),
        instance_count: whole(app.replicas),
        launch_time: version.map(|version| version.created_at.as_millisecond()).unwrap_or_default(),
        memory: mebibytes(&limit("memory")),
        name: app.name.clone(),
        owner: app.owner.clone(),
        region_id: region.to_owned(),
        running_instance_count: whole(pods.iter().filter(|pod| pod.ready).count()),
        user_id: app.owner.clone(),
        ..ApplicationOverview::default()
    }
}

fn record(pod: &Pod, version: String) -> DeployRecord {
    DeployRecord {
        create_time: pod.created_at.as_millisecond(),
        deploy_record_id: pod.name.clone(),
        ecc_id: pod.name.clone(),
        ecu_id: pod.node.clone().unwrap_or_default(),
        package_version_id: version,
        ..DeployRecord::default()
    }
}

fn instance(app: &Application, pod: &Pod) -> Ecc {
    let state = match (pod.ready, pod.phase.as_str()) {
        (true, _) => InstanceState::Running,
        (false, "Running") => InstanceState::CheckFailed,
        (false, _) => InstanceState::Stopped,
    };
    let changed = pod.ready_since.unwrap_or(pod.created_at);
    Ecc {
        app_id: app.id.to_string(),
        app_state: state.code(),
        container_status: pod.phase.clone(),
        create_time: pod.created_at.as_millisecond(),
        ecc_id: pod.name.clone(),
        ecu_id: pod.node.clone().unwrap_or_default(),
        group_id: group_id(app),
        ip: pod.ip.clone().unwrap_or_default(),
        update_time: changed.as_millisecond(),
        ..Ecc::default()
    }
}

fn hosts(app: &Application, region: &str, pods: &[Pod]) -> Vec<Ecu> {
    let mut nodes: Vec<&String> = pods.iter().filter_map(|pod| pod.node.as_ref()).collect();
    nodes.sort();
    nodes.dedup();
    nodes
        .into_iter()
        .map(|node| Ecu {
            docker_env: true,
            ecu_id: node.clone(),
            group_id: group_id(app),
            instance_id: node.clone(),
            name: node.clone(),
            online: true,
            region_id: region.to_owned(),
            user_id: app.owner.clone(),
            ..Ecu::default()
        })
        .collect()
}

fn group(app: &Application, version: String) -> Group {
    Group {
        app_id: app.id.to_string(),
        app_version_id: version.clone(),
        cluster_id: app.workload.cluster.to_string(),
        create_time: app.created_at.as_millisecond(),
        group_id: group_id(app),
        group_name: GROUP_NAME.to_owned(),
        package_version_id: version,
        update_time: app.created_at.as_millisecond(),
        ..Group::default()
    }
}
