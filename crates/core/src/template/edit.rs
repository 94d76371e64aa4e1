//! Edits of a pod template: the vocabulary in which a client says what to change.
//!
//! An edit that is absent keeps what is there; an empty value clears it. Structured values are Kubernetes's own JSON.

pub mod logs;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub use self::logs::LogSource;
use super::PodTemplate;
use super::package::{self, PackageRun};

/// The annotation by which `kubectl rollout restart` makes new pods of the same content.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// One edit. "The container" is the main container.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// The container's image.
    Image(String),
    /// Only the tag of the container's image.
    ImageTag(String),
    /// The container's command; empty clears.
    Command(Vec<String>),
    /// The container's arguments; empty clears.
    Args(Vec<String>),
    /// The container's environment (`[{name, value | valueFrom}]`); empty clears.
    Env(Vec<Value>),
    /// The container's `envFrom`; empty clears.
    EnvFrom(Vec<Value>),
    /// A resource of the container; `None` clears it.
    Resource {
        /// `limits` or `requests`.
        bound: ResourceBound,
        /// `cpu`, `memory`, `ephemeral-storage`.
        name: &'static str,
        /// A Kubernetes quantity.
        quantity: Option<String>,
    },
    /// A probe of the container; `None` clears it.
    Probe(Probe, Option<Value>),
    /// A lifecycle hook of the container; `None` clears it.
    Hook(Hook, Option<Value>),
    /// The container's security context; `None` clears it.
    SecurityContext(Option<Value>),
    /// All volumes of one kind of parameter, with the mounts of the container: what an earlier edit of the same group left is replaced.
    Volumes {
        /// A prefix of the volumes' names that tells the groups apart.
        group: &'static str,
        /// Volumes, whose names start with the group.
        volumes: Vec<Value>,
        /// Mounts of the container.
        mounts: Vec<Value>,
    },
    /// Volumes of the pod for whoever mounts them: these replace the ones an earlier edit set.
    CustomVolumes(Vec<Value>),
    /// The container's ports; empty clears.
    Ports(Vec<Value>),
    /// Labels of the pods, beside those that select them: these replace the ones an earlier edit set.
    Labels(BTreeMap<String, String>),
    /// Annotations of the pods: these replace the ones an earlier edit set.
    Annotations(BTreeMap<String, String>),
    /// `spec.affinity`; `None` clears.
    Affinity(Option<Value>),
    /// Tolerations; empty clears.
    Tolerations(Vec<Value>),
    /// `spec.terminationGracePeriodSeconds`.
    TerminationGrace(u32),
    /// `spec.runtimeClassName`; `None` clears.
    RuntimeClass(Option<String>),
    /// Init containers; empty clears.
    InitContainers(Vec<Value>),
    /// Containers beside the main one; empty clears.
    Sidecars(Vec<Value>),
    /// `spec.imagePullSecrets` by name; empty clears.
    ImagePullSecrets(Vec<String>),
    /// What of the container's logs a collector takes; empty clears.
    Logs(Vec<LogSource>),
    /// A JAR or WAR package: comes after all other edits of a request, because it looks at what they made of the container.
    Package(Box<PackageRun>),
    /// New pods of the same content.
    RestartMark(Timestamp),
}

/// Which side of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceBound {
    /// `limits`
    Limits,
    /// `requests`
    Requests,
}

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// `livenessProbe`
    Liveness,
    /// `readinessProbe`
    Readiness,
    /// `startupProbe`
    Startup,
}

/// Which hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// `postStart`
    PostStart,
    /// `preStop`
    PreStop,
}

/// An edit that makes no pod template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The template has nothing to edit.
    #[error("the pod template has no container")]
    NoContainer,
    /// Two volumes cannot be at one place.
    #[error("two volumes are mounted at {0}: each needs a path of its own")]
    MountTaken(String),
    /// The pod has a volume of that name.
    #[error("the pod has a volume named {0} already: give the volume another name")]
    VolumeTaken(String),
    /// A container without an image cannot run.
    #[error("no image is given")]
    NoImage,
    /// Options of the JVM would be lost.
    #[error(
        "the options of the JVM are given twice: in the variable {0} and in JavaStartUpConfig. Give them in one of the two"
    )]
    OptionsTaken(&'static str),
}

/// The template after all edits, in sequence.
///
/// # Errors
/// [`EditError`]; the template is unchanged then.
pub fn apply(template: &PodTemplate, edits: &[Edit]) -> Result<PodTemplate, EditError> {
    let mut json = template.json().clone();
    if json["spec"]["containers"].get(0).is_none() {
        return Err(EditError::NoContainer);
    }
    for edit in edits {
        apply_one(&mut json, edit)?;
    }
    package::settle(&mut json);
    check(&json)?;
    Ok(PodTemplate::new(json))
}

fn apply_one(template: &mut Value, edit: &Edit) -> Result<(), EditError> {
    match edit {
        Edit::Package(run) => package::apply(template, run)?,
        Edit::Labels(labels) => replace_own(template, "labels", labels),
        Edit::Annotations(annotations) => replace_own(template, "annotations", annotations),
        Edit::RestartMark(at) => template["metadata"]["annotations"][RESTARTED_AT] = json!(at.to_string()),
        Edit::Volumes { group, volumes, mounts } => replace_volumes(template, group, volumes, mounts),
        Edit::Logs(sources) => logs::replace(template, sources),
        Edit::Env(env) => replace_environment(template, env),
        Edit::CustomVolumes(volumes) => replace_custom_volumes(template, volumes),
        Edit::Sidecars(sidecars) => {
            if let Some(containers) = template["spec"]["containers"].as_array_mut() {
                containers.truncate(1);
                containers.extend(sidecars.iter().cloned());
            }
        }
        Edit::Affinity(affinity) => set(&mut template["spec"], "affinity", affinity.clone()),
        Edit::Tolerations(tolerations) => set(&mut template["spec"], "tolerations", list(tolerations)),
        Edit::TerminationGrace(seconds) => {
            set(&mut template["spec"], "terminationGracePeriodSeconds", Some(json!(seconds)))
        }
        Edit::RuntimeClass(class) => {
            set(&mut template["spec"], "runtimeClassName", class.as_ref().map(|class| json!(class)))
        }
        Edit::InitContainers(containers) => set(&mut template["spec"], "initContainers", list(containers)),
        Edit::ImagePullSecrets(names) => {
            let names: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            set(&mut template["spec"], "imagePullSecrets", list(&names));
        }
        Edit::Image(_)
        | Edit::ImageTag(_)
        | Edit::Command(_)
        | Edit::Args(_)
        | Edit::EnvFrom(_)
        | Edit::Resource { .. }
        | Edit::Probe(..)
        | Edit::Hook(..)
        | Edit::SecurityContext(_)
        | Edit::Ports(_) => apply_to_container(&mut template["spec"]["containers"][0], edit),
    }
    Ok(())
}

fn apply_to_container(container: &mut Value, edit: &Edit) {
    match edit {
        Edit::Image(image) => set(container, "image", Some(json!(image))),
        Edit::ImageTag(tag) => {
            let retagged = format!("{}:{tag}", without_tag(container["image"].as_str().unwrap_or_default()));
            set(container, "image", Some(json!(retagged)));
        }
        Edit::Command(command) => set(container, "command", texts(command)),
        Edit::Args(args) => set(container, "args", texts(args)),
        Edit::EnvFrom(sources) => set(container, "envFrom", list(sources)),
        Edit::Ports(ports) => set(container, "ports", list(ports)),
        Edit::Resource { bound, name, quantity } => {
            let bound = match bound {
                ResourceBound::Limits => "limits",
                ResourceBound::Requests => "requests",
            };
            if quantity.is_some() || container["resources"][bound].is_object() {
                set(&mut container["resources"][bound], name, quantity.as_ref().map(|quantity| json!(quantity)));
                prune(&mut container["resources"], bound);
            }
        }
        Edit::Probe(probe, value) => {
            let name = match probe {
                Probe::Liveness => "livenessProbe",
                Probe::Readiness => "readinessProbe",
                Probe::Startup => "startupProbe",
            };
            set(container, name, value.clone());
        }
        Edit::Hook(hook, value) => {
            let name = match hook {
                Hook::PostStart => "postStart",
                Hook::PreStop => "preStop",
            };
            if value.is_some() || container["lifecycle"].is_object() {
                set(&mut container["lifecycle"], name, value.clone());
                prune(container, "lifecycle");
            }
        }
        Edit::SecurityContext(context) => set(container, "securityContext", context.clone()),
        Edit::Labels(_)
        | Edit::Annotations(_)
        | Edit::RestartMark(_)
        | Edit::Volumes { .. }
        | Edit::Logs(_)
        | Edit::Env(_)
        | Edit::CustomVolumes(_)
        | Edit::Sidecars(_)
        | Edit::Affinity(_)
        | Edit::Tolerations(_)
        | Edit::TerminationGrace(_)
        | Edit::RuntimeClass(_)
        | Edit::InitContainers(_)
        | Edit::ImagePullSecrets(_)
        | Edit::Package(_) => {}
    }
}

/// The image without tag and digest; a port in the registry's name is no tag.
fn without_tag(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

fn texts(items: &[String]) -> Option<Value> {
    (!items.is_empty()).then(|| json!(items))
}

fn list(items: &[Value]) -> Option<Value> {
    (!items.is_empty()).then(|| json!(items))
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    match value {
        Some(value) => object[key] = value,
        None => {
            if let Some(entries) = object.as_object_mut() {
                entries.shift_remove(key);
            }
        }
    }
}

/// Removes an entry that has become an empty object: the API stores none.
fn prune(object: &mut Value, key: &str) {
    if object[key].as_object().is_none_or(Map::is_empty) {
        set(object, key, None);
    }
}

/// Our own note of which labels, annotations or volumes an earlier edit set, so that a later one can take them back.
fn own_note(field: &str) -> String {
    format!("sternway.io/own-{field}")
}

fn replace_own(template: &mut Value, field: &str, entries: &BTreeMap<String, String>) {
    for key in noted(template, field) {
        set(&mut template["metadata"][field], &key, None);
    }
    for (key, value) in entries {
        template["metadata"][field][key] = json!(value);
    }
    note(template, field, &entries.keys().map(String::as_str).collect::<Vec<_>>());
    prune(&mut template["metadata"], field);
}

/// What an earlier edit set.
fn noted(template: &Value, field: &str) -> Vec<String> {
    let before = template["metadata"]["annotations"][&own_note(field)].as_str().unwrap_or_default();
    before.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

fn note(template: &mut Value, field: &str, keys: &[&str]) {
    let keys = (!keys.is_empty()).then(|| json!(keys.join(",")));
    if keys.is_some() || template["metadata"]["annotations"].is_object() {
        set(&mut template["metadata"]["annotations"], &own_note(field), keys);
        prune(&mut template["metadata"], "annotations");
    }
}

fn replace_custom_volumes(template: &mut Value, volumes: &[Value]) {
    let before = noted(template, "volumes");
    let is_own = |item: &Value| item["name"].as_str().is_some_and(|name| before.iter().any(|own| own == name));
    let spec = &mut template["spec"];
    spec["volumes"] = json!(replaced(&spec["volumes"], is_own, volumes));
    if spec["volumes"].as_array().is_some_and(Vec::is_empty) {
        set(spec, "volumes", None);
    }
    note(template, "volumes", &volumes.iter().filter_map(|volume| volume["name"].as_str()).collect::<Vec<_>>());
}

/// Another environment; what names sources of logs stays.
fn replace_environment(template: &mut Value, env: &[Value]) {
    let named = |variable: &Value| env.iter().any(|other| other["name"] == variable["name"]);
    let own = logs::own_variables(template).into_iter().filter(|variable| !named(variable));
    let all: Vec<Value> = env.iter().cloned().chain(own).collect();
    set(&mut template["spec"]["containers"][0], "env", list(&all));
}

pub(super) fn replace_volumes(template: &mut Value, group: &str, volumes: &[Value], mounts: &[Value]) {
    let of_group = |item: &Value| item["name"].as_str().is_some_and(|name| name.starts_with(group));
    let spec = &mut template["spec"];
    spec["volumes"] = json!(replaced(&spec["volumes"], of_group, volumes));
    if spec["volumes"].as_array().is_some_and(Vec::is_empty) {
        set(spec, "volumes", None);
    }
    let container = &mut spec["containers"][0];
    container["volumeMounts"] = json!(replaced(&container["volumeMounts"], of_group, mounts));
    if container["volumeMounts"].as_array().is_some_and(Vec::is_empty) {
        set(container, "volumeMounts", None);
    }
}

fn replaced(before: &Value, of_group: impl Fn(&Value) -> bool, items: &[Value]) -> Vec<Value> {
    let kept = before.as_array().into_iter().flatten().filter(|item| !of_group(item)).cloned();
    kept.chain(items.iter().cloned()).collect()
}

fn check(template: &Value) -> Result<(), EditError> {
    let container = &template["spec"]["containers"][0];
    if container["image"].as_str().is_none_or(str::is_empty) {
        return Err(EditError::NoImage);
    }
    let mut paths = Vec::new();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let path = mount["mountPath"].as_str().unwrap_or_default();
        let place = path.trim_end_matches('/');
        if paths.contains(&place) {
            return Err(EditError::MountTaken(path.to_owned()));
        }
        paths.push(place);
    }
    let mut names = Vec::new();
    for volume in template["spec"]["volumes"].as_array().into_iter().flatten() {
        let name = volume["name"].as_str().unwrap_or_default();
        if names.contains(&name) {
            return Err(EditError::VolumeTaken(name.to_owned()));
        }
        names.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> PodTemplate {
        PodTemplate::new(json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "registry:5000/team/web:v1"}]},
        }))
    }

    fn container(edits: &[Edit]) -> Value {
        apply(&template(), edits).unwrap().main_container().unwrap().clone()
    }

    #[test]
    fn a_tag_replaces_only_the_tag() {
        assert_eq!(container(&[Edit::ImageTag("v2".into())])["image"], "registry:5000/team/web:v2");
        assert_eq!(without_tag("registry:5000/team/web"), "registry:5000/team/web");
        assert_eq!(without_tag("web@sha256:ab"), "web");
    }

    #[test]
    fn clearing_leaves_no_trace() {
        let set = [
            Edit::Env(vec![json!({"name": "A", "value": "1"})]),
            Edit::Resource { bound: ResourceBound::Limits, name: "cpu", quantity: Some("1".into()) },
            Edit::Hook(Hook::PreStop, Some(json!({"exec": {"command": ["x"]}}))),
            Edit::Labels([("tier".to_owned(), "front".to_owned())].into()),
            Edit::Volumes {
                group: "empty-",
                volumes: vec![json!({"name": "empty-0", "emptyDir": {}})],
                mounts: vec![json!({"name": "empty-0", "mountPath": "/tmp"})],
            },
        ];
        let clear = [
            Edit::Env(vec![]),
            Edit::Resource { bound: ResourceBound::Limits, name: "cpu", quantity: None },
            Edit::Hook(Hook::PreStop, None),
            Edit::Labels(BTreeMap::new()),
            Edit::Volumes { group: "empty-", volumes: vec![], mounts: vec![] },
        ];
        let edited = apply(&template(), &set).unwrap();
        assert_eq!(edited.json()["metadata"]["labels"]["tier"], "front");
        let mut cleared = apply(&edited, &clear).unwrap().json().clone();
        prune(&mut cleared["spec"]["containers"][0], "resources");
        assert_eq!(cleared, *template().json());
    }

    #[test]
    fn custom_volumes_replace_the_earlier_ones_and_no_others() {
        let own = Edit::Volumes {
            group: "empty-",
            volumes: vec![json!({"name": "empty-1", "emptyDir": {}})],
            mounts: vec![],
        };
        let volume = |name: &str| json!({"name": name, "emptyDir": {}});
        let first = apply(&template(), &[own, Edit::CustomVolumes(vec![volume("a"), volume("b")])]).unwrap();
        let second = apply(&first, &[Edit::CustomVolumes(vec![volume("b"), volume("c")])]).unwrap();
        assert_eq!(second.json()["spec"]["volumes"], json!([volume("empty-1"), volume("b"), volume("c")]));
        let cleared = apply(&second, &[Edit::CustomVolumes(vec![])]).unwrap();
        assert_eq!(cleared.json()["spec"]["volumes"], json!([volume("empty-1")]));
        assert!(cleared.json()["metadata"].get("annotations").is_none());
        let taken = apply(&second, &[Edit::CustomVolumes(vec![volume("empty-1")])]);
        assert_eq!(taken, Err(EditError::VolumeTaken("empty-1".into())));
    }

    #[test]
    fn what_makes_no_template_is_refused() {
        let twice = Edit::Volumes {
            group: "host-",
            volumes: vec![],
            mounts: vec![json!({"name": "host-0", "mountPath": "/a"}), json!({"name": "host-1", "mountPath": "/a/"})],
        };
        assert_eq!(apply(&template(), &[twice]), Err(EditError::MountTaken("/a/".into())));
        assert_eq!(apply(&template(), &[Edit::Image(String::new())]), Err(EditError::NoImage));
        assert_eq!(apply(&PodTemplate::new(json!({"spec": {}})), &[]), Err(EditError::NoContainer));
    }
}
