//! UpdateApplicationBaseInfo: the older form of UpdateK8sApplicationBaseInfo, which can give another name as well.

use std::sync::Arc;

use sternway_engine::{About, CommandError};
use sternway_wire::codes::ClusterType;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{ApplicationBaseInfo, UpdateApplicationBaseInfo};
use sternway_wire::parameters::names;

use super::quantity::{mebibytes, millicores};
use super::show::region_id;
use super::{pods, present_version};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::whole;

const LONGEST_DESCRIPTION: usize = 256;
const LONGEST_OWNER: usize = 127;

/// UpdateApplicationBaseInfo
pub(crate) async fn rename(call: Arc<Call>) -> Result<UpdateApplicationBaseInfo, Failure> {
    let id = call.app().await?.id;
    let parameters = &call.parameters;
    let name = match parameters.optional("AppName")? {
        Some(_) => Some(names::application_name(parameters)?.to_owned()),
        None => None,
    };
    // An empty description is one: it takes the old one back.
    parameters.text("Desc", LONGEST_DESCRIPTION)?;
    let about = About {
        name: name.clone(),
        description: parameters.get("Desc")?.map(str::to_owned),
        owner: parameters.text("Owner", LONGEST_OWNER)?.map(str::to_owned),
        ..About::default()
    };
    call.engine().describe(id, &about).await.map_err(|error| match error {
        CommandError::NameTaken => BusinessError::application_exists(name.as_deref().unwrap_or_default()).into(),
        other => Failure::from(other),
    })?;
    Ok(UpdateApplicationBaseInfo { applcation: shown(&call).await? })
}

async fn shown(call: &Call) -> Result<ApplicationBaseInfo, Failure> {
    let app = call.app().await?;
    let version = present_version(call, &app).await?;
    let cluster = call.store().cluster(app.workload.cluster).await?;
    let running = pods(call, &app.workload).await.iter().filter(|pod| pod.ready).count();
    let container =
        version.as_ref().and_then(|version| version.snapshot.template.main_container()).cloned().unwrap_or_default();
    let limits = &container["resources"]["limits"];
    Ok(ApplicationBaseInfo {
        app_id: app.id.to_string(),
        application_type: app.package_type.clone(),
        cluster_id: app.workload.cluster.to_string(),
        cluster_type: ClusterType::Kubernetes.code(),
        cpu: millicores(&limits["cpu"]) / 1000,
        create_time: app.created_at.as_millisecond(),
        description: app.description.clone(),
        dockerize: true,
        instance_count: whole(app.replicas),
        memory: mebibytes(&limits["memory"]),
        name: app.name.clone(),
        owner: app.owner.clone(),
        region_id: region_id(cluster.as_ref(), &app),
        running_instance_count: whole(running),
        user_id: app.owner.clone(),
        ..ApplicationBaseInfo::default()
    })
}
