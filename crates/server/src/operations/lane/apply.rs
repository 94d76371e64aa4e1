//! Brings clusters to a plan.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sternway_core::ids::ClusterId;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef};
use sternway_wire::error::BusinessError;

use super::GROUP_LABEL;
use super::plan::{Wanted, application, routes};
use super::record::{Group, Lane};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};

/// The clusters on which objects of a group may be.
pub(super) async fn clusters(call: &Call, group: &Group, lanes: &[Lane]) -> Result<BTreeSet<ClusterId>, Failure> {
    let ids: BTreeSet<String> =
        group.all().into_iter().chain(lanes.iter().flat_map(|lane| lane.members(group))).collect();
    let mut clusters = BTreeSet::new();
    for id in ids {
        if let Some(app) = application(call, &id).await? {
            clusters.insert(app.workload.cluster);
        }
    }
    Ok(clusters)
}

/// Makes what is wanted and deletes what of the group is not. In an order in which no route names a Service that is not there: routes that are
/// not wanted go first, then Services come, then routes, and Services that are not wanted go last. Repeating it changes nothing.
pub(super) async fn apply(
    call: &Call,
    group: i64,
    wanted: &[Wanted],
    clusters: &BTreeSet<ClusterId>,
) -> Result<(), Failure> {
    let selector = format!("{GROUP_LABEL}={group}");
    let mut services_to_go = Vec::new();
    for &cluster in clusters {
        if let Some(kind) = routes(call, cluster).await? {
            for route in not_wanted(call, cluster, &kind, &selector, wanted).await? {
                delete(call, cluster, &route).await?;
            }
        }
        let services = not_wanted(call, cluster, &ObjectKind::SERVICE, &selector, wanted).await?;
        services_to_go.extend(services.into_iter().map(|service| (cluster, service)));
    }
    for one in wanted {
        put(call, one).await?;
    }
    for (cluster, service) in services_to_go {
        delete(call, cluster, &service).await?;
    }
    Ok(())
}

async fn not_wanted(
    call: &Call,
    cluster: ClusterId,
    kind: &ObjectKind,
    selector: &str,
    wanted: &[Wanted],
) -> Result<Vec<ObjectRef>, Failure> {
    let there =
        call.objects().list(cluster, kind, None, selector).await.map_err(|error| of_cluster(cluster, &error))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let there = there.into_iter().map(|object| {
        let metadata = &object["metadata"];
        ObjectRef::new(kind.clone(), text(&metadata["namespace"]), text(&metadata["name"]))
    });
    let is_wanted = |object: &ObjectRef| wanted.iter().any(|one| one.cluster == cluster && one.object == *object);
    Ok(there.filter(|object| !is_wanted(object)).collect())
}

async fn delete(call: &Call, cluster: ClusterId, object: &ObjectRef) -> Result<(), Failure> {
    call.objects().delete(cluster, object).await.map_err(|error| of_cluster(cluster, &error))?;
    Ok(())
}

async fn put(call: &Call, one: &Wanted) -> Result<(), Failure> {
    let failed = |error: ClusterError| of_cluster(one.cluster, &error);
    let Some(mut there) = call.objects().get(one.cluster, &one.object).await.map_err(failed)? else {
        let fresh = json!({
            "apiVersion": one.object.kind.api_version(),
            "kind": one.object.kind.kind,
            "metadata": {"name": one.object.name, "namespace": one.object.namespace, "labels": one.labels},
            "spec": one.spec,
        });
        call.objects().create(one.cluster, &one.object, &fresh).await.map_err(failed)?;
        return Ok(());
    };
    if there["metadata"]["labels"][GROUP_LABEL] != one.labels[GROUP_LABEL] {
        let message = format!(
            "The {} {}/{} is there already and is not of this group. Delete it, or give it another name.",
            one.object.kind.kind, one.object.namespace, one.object.name
        );
        return Err(BusinessError::new(400, "SwimmingLane.NameTaken", message).into());
    }
    let before = there.clone();
    // What the cluster adds (addresses, defaults) stays; what we say is said anew.
    if let Value::Object(spec) = &one.spec {
        for (name, value) in spec {
            there["spec"][name] = value.clone();
        }
    }
    if one.spec["hostnames"].is_null()
        && let Some(spec) = there["spec"].as_object_mut()
    {
        spec.remove("hostnames");
    }
    if let Value::Object(labels) = &one.labels {
        for (name, value) in labels {
            there["metadata"]["labels"][name] = value.clone();
        }
    }
    if there != before {
        call.objects().replace(one.cluster, &one.object, &there).await.map_err(failed)?;
    }
    Ok(())
}
