//! What of a container's logs a collector on the node takes, said in the way of LoongCollector (formerly iLogtail): a variable
//! `aliyun_logs_<store>` names a source, and files are in a volume, where the collector finds them.
//!
//! Which variables are ours is noted in an annotation of the pods, so that neither a change of the environment takes them away nor a change of the
//! sources takes away a variable that somebody set by hand.

use serde_json::{Value, json};

use super::{prune, replace_volumes, set};

/// Prefix of the collector's variables.
const VARIABLE: &str = "aliyun_logs_";
/// The value of a variable that means what the container prints.
const STDOUT: &str = "stdout";
/// The stores whose variables are ours.
const NOTE: &str = "sternway.io/own-logs";
/// Prefix of the volumes.
const VOLUME: &str = "log-dir";

/// A source of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// Where the collector sends them; unique within a template.
    pub store: String,
    /// The files, a path with wildcards in its last part; `None` for what the container prints.
    pub files: Option<String>,
}

impl LogSource {
    fn variable(&self) -> Value {
        let value = self.files.as_deref().unwrap_or(STDOUT);
        json!({"name": format!("{VARIABLE}{}", self.store), "value": value})
    }

    fn directory(&self) -> Option<&str> {
        let (directory, _) = self.files.as_deref()?.rsplit_once('/')?;
        Some(directory)
    }
}

/// The sources that a template names by variables of ours, in their sequence.
pub fn sources(template: &Value) -> Vec<LogSource> {
    let named = |variable: &Value| {
        let store = variable["name"].as_str()?.strip_prefix(VARIABLE)?;
        let value = variable["value"].as_str()?;
        Some(LogSource { store: store.to_owned(), files: (value != STDOUT).then(|| value.to_owned()) })
    };
    own_variables(template).iter().filter_map(named).collect()
}

/// The variables of ours, which are no part of what people set.
pub fn own_variables(template: &Value) -> Vec<Value> {
    let note = template["metadata"]["annotations"][NOTE].as_str().unwrap_or_default();
    let names: Vec<String> = note.split(',').map(|store| format!("{VARIABLE}{store}")).collect();
    let variables = template["spec"]["containers"][0]["env"].as_array().into_iter().flatten();
    let is_own = |variable: &&Value| variable["name"].as_str().is_some_and(|name| names.iter().any(|own| own == name));
    variables.filter(is_own).cloned().collect()
}

/// Replaces the sources that an earlier edit named.
pub(super) fn replace(template: &mut Value, sources: &[LogSource]) {
    let own = own_variables(template);
    let container = &mut template["spec"]["containers"][0];
    let others = container["env"].as_array().into_iter().flatten().filter(|variable| !own.contains(variable));
    let variables: Vec<Value> = others.cloned().chain(sources.iter().map(LogSource::variable)).collect();
    set(container, "env", (!variables.is_empty()).then(|| json!(variables)));

    let (volumes, mounts) = volumes(container, sources);
    replace_volumes(template, VOLUME, &volumes, &mounts);
    let stores: Vec<_> = sources.iter().map(|source| source.store.as_str()).collect();
    let note = (!stores.is_empty()).then(|| json!(stores.join(",")));
    if note.is_some() || template["metadata"]["annotations"].is_object() {
        set(&mut template["metadata"]["annotations"], NOTE, note);
        prune(&mut template["metadata"], "annotations");
    }
}

/// A volume for each directory that has none of its own yet.
fn volumes(container: &Value, sources: &[LogSource]) -> (Vec<Value>, Vec<Value>) {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    let others = mounts.filter(|mount| !mount["name"].as_str().is_some_and(|name| name.starts_with(VOLUME)));
    let mut taken: Vec<&str> = others.filter_map(|mount| mount["mountPath"].as_str()).collect();
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    for directory in sources.iter().filter_map(LogSource::directory) {
        if taken.contains(&directory) {
            continue;
        }
        let name = format!("{VOLUME}-{}", volumes.len());
        volumes.push(json!({"name": name, "emptyDir": {}}));
        mounts.push(json!({"name": name, "mountPath": directory}));
        taken.push(directory);
    }
    (volumes, mounts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::PodTemplate;
    use crate::template::edit::{Edit, apply};

    fn template() -> PodTemplate {
        PodTemplate::new(json!({"spec": {"containers": [{"name": "web", "image": "web:v1"}]}}))
    }

    fn files(store: &str, path: &str) -> LogSource {
        LogSource { store: store.to_owned(), files: Some(path.to_owned()) }
    }

    fn stdout(store: &str) -> LogSource {
        LogSource { store: store.to_owned(), files: None }
    }

    #[test]
    fn sources_are_variables_and_volumes_and_can_be_taken_back() {
        let all = vec![stdout("out"), files("access", "/var/log/web/*.log"), files("error", "/var/log/web/error")];
        let edited = apply(&template(), &[Edit::Logs(all.clone())]).unwrap();
        let container = edited.main_container().unwrap();
        assert_eq!(
            container["env"],
            json!([
                {"name": "aliyun_logs_out", "value": "stdout"},
                {"name": "aliyun_logs_access", "value": "/var/log/web/*.log"},
                {"name": "aliyun_logs_error", "value": "/var/log/web/error"},
            ])
        );
        assert_eq!(container["volumeMounts"], json!([{"name": "log-dir-0", "mountPath": "/var/log/web"}]));
        assert_eq!(edited.json()["spec"]["volumes"], json!([{"name": "log-dir-0", "emptyDir": {}}]));
        assert_eq!(sources(edited.json()), all);
        assert_eq!(
            apply(&edited, &[Edit::Logs(vec![])]).unwrap(),
            PodTemplate::new(json!({
                "spec": {"containers": [{"name": "web", "image": "web:v1"}]}, "metadata": {},
            }))
        );
    }

    #[test]
    fn the_environment_and_the_sources_leave_each_other_alone() {
        let by_hand = json!({"name": "aliyun_logs_hand", "value": "stdout"});
        let env = vec![json!({"name": "A", "value": "b"}), by_hand.clone()];
        let both = [Edit::Env(env), Edit::Logs(vec![stdout("out")])];
        let edited = apply(&template(), &both).unwrap();
        assert_eq!(sources(edited.json()), [stdout("out")]);
        // Another environment keeps what is collected.
        let edited = apply(&edited, &[Edit::Env(vec![by_hand.clone()])]).unwrap();
        assert_eq!(
            edited.main_container().unwrap()["env"],
            json!([by_hand, {"name": "aliyun_logs_out", "value": "stdout"}])
        );
        // Other sources keep the environment.
        let edited = apply(&edited, &[Edit::Logs(vec![])]).unwrap();
        assert_eq!(edited.main_container().unwrap()["env"], json!([by_hand]));
    }

    #[test]
    fn a_directory_that_is_mounted_already_needs_no_volume() {
        let mount = Edit::Volumes {
            group: "empty-dir",
            volumes: vec![json!({"name": "empty-dir-0", "emptyDir": {}})],
            mounts: vec![json!({"name": "empty-dir-0", "mountPath": "/var/log"})],
        };
        let edited = apply(&template(), &[mount, Edit::Logs(vec![files("all", "/var/log/*")])]).unwrap();
        assert_eq!(edited.main_container().unwrap()["volumeMounts"].as_array().unwrap().len(), 1);
        // The same again changes nothing.
        assert_eq!(apply(&edited, &[Edit::Logs(vec![files("all", "/var/log/*")])]).unwrap(), edited);
    }
}
