//! `sternway app list|get`.

use clap::Args;
use serde_json::{Value, json};
use sternway_wire::model::{
    ApplicationDetail, DescribeAppInstanceList, GetApplication, GetK8sApplication, InstanceInfo, ListApplication,
};

use crate::arguments::{AppName, Connection, Form};
use crate::commands::names;
use crate::exit::Outcome;
use crate::output::{self, Table};
use crate::system;

/// See [`list`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only of this cluster, by name or id
    #[arg(long)]
    cluster: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// See [`get`].
#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    #[command(flatten)]
    name: AppName,
    #[command(flatten)]
    connection: Connection,
}

/// Lists applications.
pub(super) async fn list(arguments: ListArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let mut parameters = Vec::new();
    if let Some(cluster) = &arguments.cluster {
        parameters.push(("ClusterId", names::cluster_id(&client, Some(cluster)).await?));
    }
    let reply = client.call::<ListApplication>("ListApplication", parameters).await?;
    if arguments.connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(
        ["NAME", "STATE", "RUNNING", "NAMESPACE", "AGE", "ID"],
        "no applications: create one with `sternway app create`",
    );
    for application in reply.payload.application_list {
        table.row([
            application.name,
            application.state.to_lowercase(),
            format!("{}/{}", application.running_instance_count, application.instances),
            application.k8s_namespace,
            output::ago(application.create_time, system::now()),
            application.app_id,
        ]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

/// Shows an application: its particulars, and its pods. As JSON, the answers of the three operations it takes.
pub(super) async fn get(arguments: GetArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let app = names::app_id(&client, &arguments.name.app).await?;
    let id = || vec![("AppId", app.clone())];
    let general = client.call::<GetApplication>("GetApplication", id()).await?;
    let particular = client.call::<GetK8sApplication>("GetK8sApplication", id()).await?;
    let pods = client.call::<DescribeAppInstanceList>("DescribeAppInstanceList", id()).await?;
    if arguments.connection.output == Form::Json {
        output::json(&json!({
            "GetApplication": general.body,
            "GetK8sApplication": particular.body,
            "DescribeAppInstanceList": pods.body,
        }))?;
        return Ok(Outcome::Succeeded);
    }
    let ApplicationDetail {
        app_id,
        name,
        description,
        cluster_id,
        owner,
        create_time,
        instance_count,
        running_instance_count,
        ..
    } = general.payload.application;
    output::text(&output::details(&[
        ("Name", name),
        ("Id", app_id),
        ("Description", description),
        ("Image", particular.payload.applcation.image_info.image_url),
        ("Version", particular.payload.applcation.latest_version.package_version),
        ("Running", format!("{running_instance_count} of {instance_count}")),
        ("Cluster", cluster_id),
        ("Owner", owner),
        ("Created", output::moment(create_time)),
    ]))?;
    let mut table = Table::new(["POD", "READY", "PHASE", "VERSION", "NODE", "IP"], "no pods");
    for pod in pods.payload.instance_list {
        table.row(pod_row(pod));
    }
    output::text(&format!("\n{}", table.text()))?;
    Ok(Outcome::Succeeded)
}

/// A pod's row, from the pod as Kubernetes has it.
fn pod_row(instance: InstanceInfo) -> [String; 6] {
    let pod: Value = serde_json::from_str(&instance.pod_raw).unwrap_or_default();
    let text = |path: &str| pod.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    let leaving = pod.pointer("/metadata/deletionTimestamp").is_some();
    [
        text("/metadata/name"),
        if ready { "yes" } else { "no" }.to_owned(),
        if leaving { "Leaving".to_owned() } else { text("/status/phase") },
        instance.version,
        instance.node_name,
        text("/status/podIP"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_ready_by_its_condition_and_leaving_by_its_mark() {
        let raw = json!({
            "metadata": { "name": "shop-1", "deletionTimestamp": "2026-01-01T00:00:00Z" },
            "status": { "phase": "Running", "podIP": "10.0.0.1", "conditions": [{ "type": "Ready", "status": "True" }] },
        });
        let instance = InstanceInfo { pod_raw: raw.to_string(), version: "2".into(), ..InstanceInfo::default() };
        assert_eq!(pod_row(instance), ["shop-1", "yes", "Leaving", "2", "", "10.0.0.1"]);
        assert_eq!(pod_row(InstanceInfo::default())[1], "no");
    }
}
