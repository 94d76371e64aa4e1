//! GetK8sApplication and GetApplication.

use std::sync::Arc;

use serde_json::Value;
use sternway_core::application::Application;
use sternway_core::ports::ClusterRecord;
use sternway_core::template::edit::logs::own_variables;
use sternway_core::template::package::Package;
use sternway_core::version::Version;
use sternway_wire::codes::ClusterType;
use sternway_wire::model::{
    App, Applcation, ApplicationDetail, Component, Conf, DeployGroup, Env, GetApplication, GetK8sApplication,
    ImageInfo, LatestVersion,
};
use sternway_wire::parameters::volumes::{self, CLAIM, LOCAL};

use super::edits::spread_of;
use super::quantity::{mebibytes, millicores};
use super::{pods, present_version};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::package::{JDK, TOMCAT};
use crate::operations::place::group;
use crate::operations::resource::slb::slb_info;
use crate::operations::whole;

/// GetK8sApplication
pub(crate) async fn kubernetes_application(call: Arc<Call>) -> Result<GetK8sApplication, Failure> {
    let app = call.app().await?;
    let version = present_version(&call, &app).await?;
    let cluster = call.store().cluster(app.workload.cluster).await?;
    let template = version.as_ref().map_or(Value::Null, |version| version.snapshot.template.json().clone());
    let shown = Shown {
        app: &app,
        cluster: cluster.as_ref(),
        version: version.as_ref(),
        template: &template,
        container: &template["spec"]["containers"][0],
        slb_info: slb_info(&call, &app).await,
        package: version.as_ref().and_then(|version| Package::of(&version.snapshot.template)),
    };
    Ok(GetK8sApplication { applcation: shown.applcation() })
}

/// GetApplication
pub(crate) async fn application(call: Arc<Call>) -> Result<GetApplication, Failure> {
    let app = call.app().await?;
    let version = present_version(&call, &app).await?;
    let cluster = call.store().cluster(app.workload.cluster).await?;
    let running = pods(&call, &app.workload).await;
    let running = running.iter().filter(|pod| pod.ready).count();
    let container =
        version.as_ref().and_then(|version| version.snapshot.template.main_container()).cloned().unwrap_or_default();
    let limits = &container["resources"]["limits"];
    Ok(GetApplication {
        application: ApplicationDetail {
            app_id: app.id.to_string(),
            application_type: app.package_type.clone(),
            cluster_id: app.workload.cluster.to_string(),
            cluster_type: ClusterType::Kubernetes.code().to_string(),
            cpu: millicores(&limits["cpu"]) / 1000,
            create_time: app.created_at.as_millisecond(),
            description: app.description.clone(),
            dockerize: true,
            email: app.attributes.get("Email").cloned().unwrap_or_default(),
            have_manage_access: "true".to_owned(),
            instance_count: whole(app.replicas),
            memory: mebibytes(&limits["memory"]),
            name: app.name.clone(),
            name_space: app.workload.namespace.clone(),
            owner: app.owner.clone(),
            region_id: region_id(cluster.as_ref(), &app),
            resource_group_id: group::of(&app).to_owned(),
            running_instance_count: whole(running),
            slb_info: slb_info(&call, &app).await,
            user_id: app.owner.clone(),
            workload_type: WORKLOAD_TYPE.to_owned(),
            ..ApplicationDetail::default()
        },
    })
}

/// Begins our annotations.
const OURS: &str = "sternway.io/";
/// EDAS's number for a package that runs in no build pack.
const NO_BUILD_PACK: i32 = -1;
const WORKLOAD_TYPE: &str = "Deployment";

/// The cluster's region; the logical region's, should the cluster be forgotten.
pub(crate) fn region_id(cluster: Option<&ClusterRecord>, app: &Application) -> String {
    let logical = app.logical_region.split(':').next().unwrap_or_default();
    cluster.map_or(logical, |cluster| &cluster.region).to_owned()
}

struct Shown<'a> {
    app: &'a Application,
    cluster: Option<&'a ClusterRecord>,
    version: Option<&'a Version>,
    template: &'a Value,
    container: &'a Value,
    slb_info: String,
    /// What runs, where it is no image of the user's.
    package: Option<Package>,
}

impl Shown<'_> {
    fn applcation(&self) -> Applcation {
        Applcation {
            app: self.app(),
            app_id: self.app.id.to_string(),
            conf: self.conf(),
            deploy_groups: vec![self.group()],
            image_info: image_info(self.image(), region_id(self.cluster, self.app)),
            latest_version: LatestVersion {
                package_version: self.package_version(),
                url: self.url().to_owned(),
                war_url: self.war_url().to_owned(),
            },
            description: self.app.description.clone(),
            name_space: self.app.workload.namespace.clone(),
        }
    }

    fn app(&self) -> App {
        let app = self.app;
        let resources = &self.container["resources"];
        let (limits, requests) = (&resources["limits"], &resources["requests"]);
        let metadata = &self.template["metadata"];
        let stopped = app.instances_before_stop.unwrap_or(app.replicas);
        App {
            annotations: json_text(&theirs(&metadata["annotations"])),
            app_id: app.id.to_string(),
            application_name: app.name.clone(),
            application_type: app.package_type.clone(),
            buildpack_id: self.package.as_ref().map_or(0, |package| package.build_pack.unwrap_or(NO_BUILD_PACK)),
            cluster_id: app.workload.cluster.to_string(),
            cmd: words(&self.container["command"]).join(" "),
            cmd_args: words(&self.container["args"]),
            cs_cluster_id: self.cluster.map(|cluster| cluster.cs_cluster_id.clone()).unwrap_or_default(),
            deploy_type: app.package_type.clone(),
            edas_container_version: String::new(),
            enable_empty_push_reject: self.flag("EnableEmptyPushReject"),
            enable_lossless_rule: self.flag("EnableLosslessRule"),
            env_list: environment(self.template),
            instances: whole(app.replicas),
            instances_before_scaling: whole(stopped),
            k8s_namespace: app.workload.namespace.clone(),
            labels: json_text(&metadata["labels"]),
            limit_cpu_m: millicores(&limits["cpu"]),
            limit_ephemeral_storage: plain_text(&limits["ephemeral-storage"]),
            limit_mem: mebibytes(&limits["memory"]),
            region_id: region_id(self.cluster, app),
            request_cpu_m: millicores(&requests["cpu"]),
            request_ephemeral_storage: plain_text(&requests["ephemeral-storage"]),
            request_mem: mebibytes(&requests["memory"]),
            security_context: json_text(&self.container["securityContext"]),
            slb_info: self.slb_info.clone(),
            tomcat_version: self.package.as_ref().map(|package| package.web_container.clone()).unwrap_or_default(),
            workload_type: WORKLOAD_TYPE.to_owned(),
            ..App::default()
        }
    }

    fn conf(&self) -> Conf {
        let spec = &self.template["spec"];
        let spread = spread_of(self.app.id, &spec["affinity"]);
        let flag = |set: Option<bool>| set.unwrap_or(false).to_string();
        Conf {
            affinity: json_text(&spec["affinity"]),
            ahas_enabled: self.flag("EnableAhas"),
            deploy_across_nodes: flag(spread.map(|spread| spread.across_nodes)),
            deploy_across_zones: flag(spread.map(|spread| spread.across_zones)),
            jar_start_args: self.package.as_ref().map(|_| words(&self.container["args"]).join(" ")).unwrap_or_default(),
            jar_start_options: self.package.as_ref().map(Package::java_options).unwrap_or_default(),
            k8s_cmd: words(&self.container["command"]).join(" "),
            k8s_cmd_args: json_text(&self.container["args"]),
            k8s_localvolume_info: self.volumes(LOCAL),
            k8s_nas_info: list_text(volumes::nas_shown(&self.container["volumeMounts"])),
            k8s_volume_info: self.volumes(CLAIM),
            liveness: json_text(&self.container["livenessProbe"]),
            post_start: json_text(&self.container["lifecycle"]["postStart"]),
            pre_stop: json_text(&self.container["lifecycle"]["preStop"]),
            readiness: json_text(&self.container["readinessProbe"]),
            runtime_class_name: plain_text(&spec["runtimeClassName"]),
            tolerations: json_text(&spec["tolerations"]),
            user_base_image_url: self
                .package
                .as_ref()
                .and_then(|package| package.base_image.clone())
                .unwrap_or_default(),
        }
    }

    fn group(&self) -> DeployGroup {
        let resources = &self.container["resources"];
        let (limits, requests) = (&resources["limits"], &resources["requests"]);
        let cores = |quantity| (millicores(quantity) / 1000).to_string();
        let memory = |quantity| mebibytes(quantity).to_string();
        DeployGroup {
            components: self.components(),
            env: json_text(&self.container["env"]),
            env_from: json_text(&self.container["envFrom"]),
            package_url: self.url().to_owned(),
            package_version: self.package_version(),
            memory_limit: memory(&limits["memory"]),
            memory_request: memory(&requests["memory"]),
            cpu_limit: cores(&limits["cpu"]),
            cpu_request: cores(&requests["cpu"]),
        }
    }

    fn image(&self) -> &str {
        self.container["image"].as_str().unwrap_or_default()
    }

    /// Where what runs comes from.
    fn url(&self) -> &str {
        self.package.as_ref().map_or(self.image(), |package| &package.url)
    }

    fn war_url(&self) -> &str {
        self.package.as_ref().map_or("", |package| &package.url)
    }

    /// The runtimes of a package.
    fn components(&self) -> Vec<Component> {
        let component = |kind: &str, name: &str| Component {
            component_id: name.to_owned(),
            component_key: name.to_owned(),
            r#type: kind.to_owned(),
        };
        let named = self
            .package
            .iter()
            .flat_map(|package| [component(JDK, &package.jdk), component(TOMCAT, &package.web_container)]);
        named.filter(|component| !component.component_key.is_empty()).collect()
    }

    fn package_version(&self) -> String {
        self.version.map(|version| version.package_version.clone()).unwrap_or_default()
    }

    fn attribute(&self, name: &str) -> String {
        self.app.attributes.get(name).cloned().unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.attribute(name).eq_ignore_ascii_case("true")
    }

    /// The volumes of one parameter, with their mounts, as JSON.
    fn volumes(&self, group: &str) -> String {
        let of_group = |list: &Value| -> Vec<Value> {
            let items = list.as_array().into_iter().flatten();
            items.filter(|item| item["name"].as_str().is_some_and(|name| name.starts_with(group))).cloned().collect()
        };
        let volumes = of_group(&self.template["spec"]["volumes"]);
        if volumes.is_empty() {
            return String::new();
        }
        let mounts = of_group(&self.container["volumeMounts"]);
        serde_json::json!({"volumes": volumes, "volumeMounts": mounts}).to_string()
    }
}

fn image_info(image: &str, region_id: String) -> ImageInfo {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    };
    let mut parts = repository.rsplitn(3, '/');
    let repo_name = parts.next().unwrap_or_default().to_owned();
    let repo_namespace = parts.next().unwrap_or_default().to_owned();
    ImageInfo {
        image_url: image.to_owned(),
        region_id,
        repo_name,
        repo_namespace,
        tag: tag.or(digest).unwrap_or_default().to_owned(),
        ..ImageInfo::default()
    }
}

/// The plain variables that people set; those that come from elsewhere are in the group's Env.
fn environment(template: &Value) -> Vec<Env> {
    let own = own_variables(template);
    let variables = template["spec"]["containers"][0]["env"].as_array().into_iter().flatten();
    variables
        .filter(|variable| variable.get("valueFrom").is_none() && !own.contains(variable))
        .map(|variable| Env { name: plain_text(&variable["name"]), value: plain_text(&variable["value"]) })
        .collect()
}

/// Annotations without those by which Sternway knows what it did.
fn theirs(annotations: &Value) -> Value {
    let Some(entries) = annotations.as_object() else {
        return Value::Null;
    };
    let theirs: serde_json::Map<_, _> = entries
        .iter()
        .filter(|(name, _)| !name.starts_with(OURS))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if theirs.is_empty() { Value::Null } else { theirs.into() }
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(plain_text).collect()
}

fn plain_text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A list as JSON text, an empty one as the empty text.
fn list_text(items: Vec<Value>) -> String {
    if items.is_empty() { String::new() } else { Value::Array(items).to_string() }
}

/// A structure as JSON text, nothing as the empty text.
fn json_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart() {
        let info = image_info("registry:5000/team/web:v1", String::new());
        assert_eq!((info.repo_namespace.as_str(), info.repo_name.as_str(), info.tag.as_str()), ("team", "web", "v1"));
        let info = image_info("web@sha256:ab", String::new());
        assert_eq!((info.repo_name.as_str(), info.tag.as_str()), ("web", "sha256:ab"));
    }
}
