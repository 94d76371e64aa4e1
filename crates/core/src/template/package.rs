//! A JAR or WAR package in a pod template: what runs is a runtime's image, into which an init container puts the package.
//!
//! ```text
//!  annotation sternway.io/package ── what was asked for (this module's Package, as JSON)
//!          │
//!          ├─► init container `package`: downloads by a signed URL, checks the digest, into an emptyDir
//!          ├─► main container: the runtime's image, that emptyDir, the command
//!          └─► WAR: server.xml as an annotation, which a downwardAPI volume makes a file
//! ```
//!
//! The annotation is the truth, the rest is derived from it (`apply`). So a version is complete in its template: going back
//! needs nothing else, and neither does taking over a Deployment that another Sternway made.

mod tomcat;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::tomcat::{ContextType, Tomcat, WebConfig};
use super::PodTemplate;
use super::edit::EditError;

/// Where a pod template says which package it runs.
pub const ANNOTATION: &str = "sternway.io/package";
/// Where it says how Tomcat is set up.
const SERVER_XML_ANNOTATION: &str = "sternway.io/server.xml";
/// The init container, and the prefix of the volumes.
const INIT_CONTAINER: &str = "package";
const VOLUME_GROUP: &str = "package-";
const FILE_VOLUME: &str = "package-file";
const CONFIGURATION_VOLUME: &str = "package-configuration";
/// Where EDAS has packages too.
const FILE_DIRECTORY: &str = "/home/admin/app";
const CONFIGURATION_DIRECTORY: &str = "/home/admin/conf";
const SERVER_XML: &str = "server.xml";
/// Tomcat's variable for the JVM's options.
const TOMCAT_OPTIONS: &str = "CATALINA_OPTS";
/// Digits of a digest that tell packages of one application apart.
const SHORT_DIGEST: usize = 12;

/// Downloads to another name first, so that a file under its own name is whole and right. A server that restarts is waited for.
const SCRIPT: &str = r#"part="$PACKAGE_PATH.part"
curl --fail --silent --show-error --connect-timeout 10 --retry 8 --retry-delay 2 --retry-all-errors --output "$part" "$PACKAGE_URL"
echo "$PACKAGE_SHA256  $part" | sha256sum -c -
chmod 644 "$part"
mv "$part" "$PACKAGE_PATH""#;

/// What kind of package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageKind {
    /// An executable JAR.
    FatJar,
    /// A web application for Tomcat.
    War,
}

/// The package of a version, and how it is run. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// JAR or WAR.
    pub kind: PackageKind,
    /// Where it was fetched from, without user and query.
    pub url: String,
    /// Its file name.
    pub file: String,
    /// SHA-256 of the content, in hex.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// EDAS's JDK: the name of a runtime.
    pub jdk: String,
    /// EDAS's WebContainer: the name of a Tomcat; empty for a JAR.
    #[serde(default)]
    pub web_container: String,
    /// EDAS's build pack, if one was chosen.
    #[serde(default)]
    pub build_pack: Option<i32>,
    /// An image of the user's in place of the runtime's.
    #[serde(default)]
    pub base_image: Option<String>,
    /// EDAS's JavaStartUpConfig, as given.
    #[serde(default)]
    pub java: Map<String, Value>,
    /// How Tomcat is set up; not looked at for a JAR.
    #[serde(default)]
    pub tomcat: Tomcat,
}

/// A package with what the cluster needs to run it.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageRun {
    /// The package.
    pub package: Package,
    /// The image it runs in.
    pub image: String,
    /// The image that downloads it: with `sh`, `curl` and `sha256sum`.
    pub download_image: String,
    /// Where pods get it. Who knows it can read this package, and nothing else.
    pub download_url: String,
}

impl Package {
    /// The package that a template runs, if it runs one.
    pub fn of(template: &PodTemplate) -> Option<Self> {
        let text = template.json()["metadata"]["annotations"][ANNOTATION].as_str()?;
        serde_json::from_str(text).ok()
    }

    /// The JVM's options, as given in EDAS's `startup` texts.
    pub fn java_options(&self) -> String {
        let texts = self.java.values().filter_map(|option| option["startup"].as_str());
        let texts: Vec<_> = texts.map(str::trim).filter(|text| !text.is_empty()).collect();
        texts.join(" ")
    }

    /// A short name for the content.
    pub fn short_digest(&self) -> &str {
        self.digest.get(..SHORT_DIGEST).unwrap_or(&self.digest)
    }

    /// The file's name in the pod: Tomcat takes a context path from it.
    fn target(&self) -> String {
        match self.kind {
            PackageKind::FatJar => format!("{FILE_DIRECTORY}/{}", self.file),
            PackageKind::War => format!("{FILE_DIRECTORY}/{}", self.tomcat.war_name(&self.file)),
        }
    }

    /// What is started. Arguments of the container come after it: they are the program's own.
    fn command(&self) -> Vec<String> {
        match self.kind {
            PackageKind::FatJar => {
                let mut command = vec!["java".to_owned()];
                command.extend(words::split(&self.java_options()));
                command.extend(["-jar".to_owned(), self.target()]);
                command
            }
            PackageKind::War => {
                let configuration = format!("{CONFIGURATION_DIRECTORY}/{SERVER_XML}");
                ["catalina.sh", "run", "-config", &configuration].map(str::to_owned).into()
            }
        }
    }

    /// What is in the container's environment beside what the user put there.
    fn environment(&self) -> Option<Value> {
        let options = self.java_options();
        let needed = self.kind == PackageKind::War && !options.is_empty();
        needed.then(|| json!({"name": TOMCAT_OPTIONS, "value": options}))
    }

    fn volumes(&self) -> (Vec<Value>, Vec<Value>) {
        let mut volumes = vec![json!({"name": FILE_VOLUME, "emptyDir": {}})];
        let mut mounts = vec![json!({"name": FILE_VOLUME, "mountPath": FILE_DIRECTORY})];
        if self.kind == PackageKind::War {
            let field = json!({"fieldPath": format!("metadata.annotations['{SERVER_XML_ANNOTATION}']")});
            let items = json!([{"path": SERVER_XML, "fieldRef": field}]);
            volumes.push(json!({"name": CONFIGURATION_VOLUME, "downwardAPI": {"items": items}}));
            mounts.push(json!({"name": CONFIGURATION_VOLUME, "mountPath": CONFIGURATION_DIRECTORY}));
        }
        (volumes, mounts)
    }
}

/// Makes a template run this package, in place of the one it ran before. A command that is not ours is the user's and stays.
///
/// # Errors
/// [`EditError::OptionsTaken`] if Tomcat's options are given twice.
pub(super) fn apply(template: &mut Value, run: &PackageRun) -> Result<(), EditError> {
    let before = Package::of(&PodTemplate::new(template.clone()));
    let package = &run.package;
    let (volumes, mounts) = package.volumes();
    super::edit::replace_volumes(template, VOLUME_GROUP, &volumes, &mounts);

    let annotations = &mut template["metadata"]["annotations"];
    annotations[ANNOTATION] = json!(json!(package).to_string());
    match package.kind {
        PackageKind::FatJar => remove(annotations, SERVER_XML_ANNOTATION),
        PackageKind::War => annotations[SERVER_XML_ANNOTATION] = json!(package.tomcat.server_xml(FILE_DIRECTORY)),
    }

    let container = &mut template["spec"]["containers"][0];
    container["image"] = json!(run.image);
    let ours = before.as_ref().map(|before| json!(before.command()));
    if container["command"].is_null() || ours.as_ref() == Some(&container["command"]) {
        container["command"] = json!(package.command());
    }
    environment(container, before.as_ref(), package)?;

    let kept = template["spec"]["initContainers"].as_array().into_iter().flatten();
    let kept = kept.filter(|container| container["name"] != INIT_CONTAINER).cloned();
    let all: Vec<Value> = std::iter::once(init_container(run)).chain(kept).collect();
    template["spec"]["initContainers"] = json!(all);
    Ok(())
}

/// Gives the init container the main container's bounds and rights, so that it needs no more of a namespace's quota and policies than
/// the application itself. Does nothing where there is none.
pub(super) fn settle(template: &mut Value) {
    let main = template["spec"]["containers"][0].clone();
    let containers = template["spec"].get_mut("initContainers").and_then(Value::as_array_mut);
    let Some(ours) = containers.into_iter().flatten().find(|container| container["name"] == INIT_CONTAINER) else {
        return;
    };
    for field in ["resources", "securityContext"] {
        match main.get(field) {
            Some(value) => ours[field] = value.clone(),
            None => remove(ours, field),
        }
    }
}

fn init_container(run: &PackageRun) -> Value {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    json!({
        "name": INIT_CONTAINER,
        "image": run.download_image,
        "command": ["sh", "-euc", SCRIPT],
        "env": [
            variable("PACKAGE_URL", &run.download_url),
            variable("PACKAGE_SHA256", &run.package.digest),
            variable("PACKAGE_PATH", &run.package.target()),
        ],
        "volumeMounts": [{"name": FILE_VOLUME, "mountPath": FILE_DIRECTORY}],
    })
}

/// Replaces our variable. One of the same name by the user's own hand is not overwritten.
fn environment(container: &mut Value, before: Option<&Package>, package: &Package) -> Result<(), EditError> {
    let ours = before.and_then(Package::environment);
    let present = container["env"].as_array().into_iter().flatten();
    let mut kept: Vec<Value> = present.filter(|variable| Some(*variable) != ours.as_ref()).cloned().collect();
    if let Some(variable) = package.environment() {
        if kept.iter().any(|kept| kept["name"] == TOMCAT_OPTIONS) {
            return Err(EditError::OptionsTaken(TOMCAT_OPTIONS));
        }
        kept.push(variable);
    }
    if kept.is_empty() {
        remove(container, "env");
    } else {
        container["env"] = json!(kept);
    }
    Ok(())
}

fn remove(object: &mut Value, key: &str) {
    if let Some(entries) = object.as_object_mut() {
        entries.shift_remove(key);
    }
}

#[cfg(test)]
mod tests;
