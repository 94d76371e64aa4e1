//! What a precheck is about: an application that is there, or one that is to be.

use serde_json::{Value, json};
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ids::AppId;
use sternway_core::order::birth::Refused;
use sternway_core::ports::ClusterRecord;
use sternway_core::template::PodTemplate;
use sternway_core::template::edit::{Edit, apply};
use sternway_core::version::Version;
use sternway_engine::CommandError;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::{names, resources};

use super::jobs::Job;
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::application::{edits, present_version};

/// Stands for the image where none is given: what is checked does not depend on it.
const NO_IMAGE: &str = "sternway.invalid/image";

pub(super) struct Plan {
    pub(super) cluster: ClusterRecord,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The application that is to be changed; `None` if one is to be made.
    pub(super) app: Option<Application>,
    /// What runs of it.
    pub(super) version: Option<Version>,
    /// What would run.
    pub(super) template: Value,
    pub(super) replicas: Option<u32>,
}

impl Plan {
    pub(super) async fn read(call: &Call) -> Result<Self, Failure> {
        let parameters = &call.parameters;
        let app = match parameters.optional("AppId")? {
            Some(_) => Some(call.app().await?),
            None => None,
        };
        let cluster = call.cluster().await?;
        let namespace = names::namespace(parameters)?.to_owned();
        let named = match parameters.optional("AppName")? {
            Some(_) => Some(names::application_name(parameters)?.to_owned()),
            None => None,
        };
        let name = match (&app, named) {
            // Under another name, the result would be taken for another application's.
            (Some(app), Some(named)) if !named.eq_ignore_ascii_case(&app.name) => {
                let reason = format!("The application in AppId is {}. Give that name, or leave AppName out.", app.name);
                return Err(BusinessError::unprocessable(&reason).into());
            }
            (Some(app), _) => app.name.clone(),
            (None, Some(named)) => named,
            (None, None) => return Err(GatewayError::missing_parameter("AppName", "it, or AppId").into()),
        };
        if let Some(app) = &app
            && (app.workload.cluster, app.workload.namespace.as_str()) != (cluster.id, namespace.as_str())
        {
            let reason = format!(
                "The application {} is in the namespace {} of the cluster {}. Give these.",
                app.name, app.workload.namespace, app.workload.cluster
            );
            return Err(BusinessError::unprocessable(&reason).into());
        }
        let version = match &app {
            Some(app) => present_version(call, app).await?,
            None => None,
        };
        let replicas = call.replicas(0)?;
        let template = template(call, app.as_ref(), version.as_ref(), &name)?;
        Ok(Self { cluster, namespace, name, app, version, template, replicas })
    }

    /// The checks that there are for it.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let own = match self.app {
            Some(_) => &[Job::ChangeOrder, Job::Release][..],
            None => &[Job::Name][..],
        };
        [&[Job::Cluster, Job::Namespace, Job::Rights], own, &[Job::References, Job::Admission]].concat()
    }

    pub(super) fn workload(&self) -> WorkloadRef {
        match &self.app {
            Some(app) => app.workload.clone(),
            None => WorkloadRef {
                cluster: self.cluster.id,
                namespace: self.namespace.clone(),
                name: self.name.to_ascii_lowercase(),
            },
        }
    }
}

fn template(call: &Call, app: Option<&Application>, version: Option<&Version>, name: &str) -> Result<Value, Failure> {
    let parameters = &call.parameters;
    let container = name.to_ascii_lowercase();
    let blank = PodTemplate::new(json!({"spec": {"containers": [{"name": container, "image": NO_IMAGE}]}}));
    let base = version.map_or(&blank, |version| &version.snapshot.template);
    let id = app.map_or_else(|| AppId::new(call.engine().ports().ids.fresh()), |app| app.id);
    let mut edits = edits::common(parameters, "CommandArgs", id, &base.json()["spec"]["affinity"])?;
    edits.extend(edits::resources(resources::of_insert(parameters)?));
    edits.extend(names::image(parameters, "ImageUrl")?.map(|image| Edit::Image(image.to_owned())));
    let refused = |error| Failure::from(CommandError::Refused(Refused::Edit(error)));
    Ok(apply(base, &edits).map_err(refused)?.json().clone())
}
