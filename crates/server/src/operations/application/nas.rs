//! `NasId` and `MountDescs`: directories of a file system that EDAS knows by its id, mounted into the pods.
//!
//! EDAS asks Alibaba Cloud where a NAS is. Here a setting of the cluster says it, given to ImportK8sCluster as `NasFileSystems`: an NFS export,
//! or a PersistentVolumeClaim that is in the application's namespace (for options of the mount, and for what is no NFS).
//!
//! ```text
//! {"0a1b2c-nas": {"nfs": {"server": "nas.example.com", "path": "/export"}}, "files": {"claim": "files"}}
//! ```
//!
//! The file system is one volume, and each directory a `subPath` of it: the node makes a directory that is missing, as EDAS does. What is
//! mounted is in the pod template and nowhere else, so a setting that changes later moves nobody's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sternway_core::ids::ClusterId;
use sternway_core::ports::Kept;
use sternway_core::template::edit::Edit;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::volumes::{self, NAS};
use sternway_wire::parameters::{Given, names};

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::cluster::setting::Setting;

const FILE_SYSTEM: &str = "NasId";
const MOUNTS: &str = "MountDescs";

/// The file systems of a cluster, by their NasId.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FileSystems(BTreeMap<String, FileSystem>);

/// What a cluster can mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum FileSystem {
    Nfs(Export),
    /// The name of a PersistentVolumeClaim.
    Claim(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    server: String,
    /// The exported directory that is the file system's root.
    #[serde(default = "root")]
    path: String,
}

fn root() -> String {
    "/".to_owned()
}

impl Kept for FileSystems {
    const KIND: &'static str = "nas-file-systems";
}

impl Setting for FileSystems {
    const PARAMETER: &'static str = "NasFileSystems";
    const EXAMPLE: &'static str =
        r#"{"0a1b2c-nas":{"nfs":{"server":"nas.example.com","path":"/export"}},"files":{"claim":"a-claim"}}"#;

    fn problem(&self) -> Option<String> {
        self.0.iter().find_map(|(id, file_system)| {
            let problem = match file_system {
                _ if id.is_empty() => "Give it a NasId that is not empty.",
                FileSystem::Nfs(export) => export.problem()?,
                FileSystem::Claim(name) if names::is_subdomain(name) => return None,
                FileSystem::Claim(_) => "Give the name of a PersistentVolumeClaim.",
            };
            Some(format!("At {id}: {problem}"))
        })
    }
}

impl Export {
    fn problem(&self) -> Option<&'static str> {
        if self.server.is_empty() || self.server.contains(|c: char| c.is_whitespace() || c == '/') {
            return Some("\"server\" is a host name or an address.");
        }
        let descends = self.path.starts_with('/') && self.path.split('/').all(|name| name != "..");
        (!descends).then_some("\"path\" is an absolute path without \"..\".")
    }
}

impl FileSystems {
    /// The volume of a file system.
    fn volume(&self, cluster: ClusterId, id: &str) -> Result<Value, BusinessError> {
        let source = match self.0.get(id) {
            Some(FileSystem::Nfs(Export { server, path })) => ("nfs", json!({ "server": server, "path": path })),
            Some(FileSystem::Claim(name)) => ("persistentVolumeClaim", json!({ "claimName": name })),
            None => return Err(self.unknown(cluster, id)),
        };
        Ok(volumes::nas_volume(Map::from_iter([(source.0.to_owned(), source.1)])))
    }

    fn unknown(&self, cluster: ClusterId, id: &str) -> BusinessError {
        let known = match self.0.keys().map(String::as_str).collect::<Vec<_>>() {
            known if known.is_empty() => "none yet".to_owned(),
            known => known.join(", "),
        };
        let message = format!(
            "The NasId {id} does not exist in the cluster {cluster}, which knows {known}. Add it with ImportK8sCluster, which takes all of a cluster's in the parameter {}, such as {}.",
            Self::PARAMETER,
            Self::EXAMPLE
        );
        BusinessError::new(404, "Nas.NotFound", message)
    }
}

/// The edit that a request asks for; `spec` is the present pods', null if there is none.
pub(super) async fn edit(call: &Call, cluster: ClusterId, spec: &Value) -> Result<Option<Edit>, Failure> {
    let volume = match call.parameters.given(FILE_SYSTEM)? {
        Given::Value(id) => Given::Value(FileSystems::of(call, cluster).await?.volume(cluster, id)?),
        Given::Cleared => Given::Cleared,
        Given::Absent => Given::Absent,
    };
    Ok(decide(volume, volumes::nas_mounts(&call.parameters)?, spec)?)
}

/// Either parameter alone keeps the other as it is, and either as nothing unmounts.
fn decide(volume: Given<Value>, mounts: Given<Vec<Value>>, spec: &Value) -> Result<Option<Edit>, GatewayError> {
    let unnamed = || {
        let expected = format!("the file system that {MOUNTS} is about, none is bought here");
        GatewayError::missing_parameter(FILE_SYSTEM, &expected)
    };
    let (volumes, mounts) = match (volume, mounts) {
        (Given::Absent, Given::Absent) => return Ok(None),
        (_, Given::Cleared) | (Given::Cleared, Given::Absent) => (Vec::new(), Vec::new()),
        (Given::Value(volume), Given::Value(mounts)) => (vec![volume], mounts),
        (Given::Cleared, Given::Value(_)) => return Err(unnamed()),
        (Given::Absent, Given::Value(mounts)) => {
            let present = volumes::of_nas(&spec["volumes"]).next().ok_or_else(unnamed)?;
            (vec![present.clone()], mounts)
        }
        (Given::Value(volume), Given::Absent) => {
            let present: Vec<Value> = volumes::of_nas(&spec["containers"][0]["volumeMounts"]).cloned().collect();
            if present.is_empty() {
                return Err(GatewayError::missing_parameter(MOUNTS, "what of the file system to mount, and where"));
            }
            (vec![volume], present)
        }
    };
    Ok(Some(Edit::Volumes { group: NAS, volumes, mounts }))
}

#[cfg(test)]
mod tests {
    use sternway_wire::parameters::Parameters;
    use uuid::Uuid;

    use super::*;

    fn read(text: &str) -> Result<Given<FileSystems>, GatewayError> {
        let pairs = vec![(FileSystems::PARAMETER.to_owned(), text.to_owned())];
        FileSystems::read(&Parameters::from_pairs(pairs).unwrap())
    }

    #[test]
    fn a_setting_is_read_strictly() {
        let example = read(FileSystems::EXAMPLE).unwrap().value().unwrap();
        let kept = serde_json::to_value(&example).unwrap();
        assert_eq!(kept, serde_json::from_str::<Value>(FileSystems::EXAMPLE).unwrap());
        assert_eq!(read("{}").unwrap(), Given::Cleared);
        for wrong in [
            r#"["a"]"#,
            r#"{"a":{}}"#,
            r#"{"a":{"nfs":{}}}"#,
            r#"{"a":{"nfs":{"server":"s","options":"nolock"}}}"#,
            r#"{"a":{"nfs":{"server":"s:/export","path":"/"}}}"#,
            r#"{"a":{"nfs":{"server":"","path":"/"}}}"#,
            r#"{"a":{"nfs":{"server":"s","path":"export"}}}"#,
            r#"{"a":{"nfs":{"server":"s","path":"/a/../b"}}}"#,
            r#"{"a":{"claim":"Upper"}}"#,
            r#"{"":{"claim":"a"}}"#,
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.code == "InvalidParameter" && error.message.contains("NasFileSystems"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_file_system_is_what_the_setting_says() {
        let cluster = ClusterId::new(Uuid::nil());
        let setting = read(r#"{"a":{"nfs":{"server":"10.0.0.5"}},"b":{"claim":"files"}}"#).unwrap().value().unwrap();
        let nfs = setting.volume(cluster, "a").unwrap();
        assert_eq!(nfs, json!({"nfs": {"server": "10.0.0.5", "path": "/"}, "name": "nas-mount-1"}));
        let claim = setting.volume(cluster, "b").unwrap();
        assert_eq!(claim, json!({"persistentVolumeClaim": {"claimName": "files"}, "name": "nas-mount-1"}));
        let unknown = setting.volume(cluster, "c").unwrap_err().message;
        assert!(unknown.contains("knows a, b.") && unknown.contains(FileSystems::EXAMPLE), "{unknown}");
    }

    #[test]
    fn either_parameter_alone_keeps_the_other() {
        let volume = |server: &str| json!({"name": "nas-mount-1", "nfs": {"server": server, "path": "/"}});
        let mount = |path: &str| json!({"name": "nas-mount-1", "mountPath": path});
        let other = json!({"name": "empty-dir-1", "mountPath": "/tmp"});
        let spec = json!({
            "volumes": [{"name": "empty-dir-1", "emptyDir": {}}, volume("old")],
            "containers": [{"volumeMounts": [other, mount("/old")]}],
        });
        let edit = |volumes: &[Value], mounts: &[Value]| {
            Ok(Some(Edit::Volumes { group: NAS, volumes: volumes.to_vec(), mounts: mounts.to_vec() }))
        };
        let given = |value: &str| Given::Value(volume(value));
        let at = |path: &str| Given::Value(vec![mount(path)]);
        assert_eq!(decide(Given::Absent, Given::Absent, &spec), Ok(None));
        assert_eq!(decide(given("new"), at("/new"), &spec), edit(&[volume("new")], &[mount("/new")]));
        assert_eq!(decide(given("new"), Given::Absent, &spec), edit(&[volume("new")], &[mount("/old")]));
        assert_eq!(decide(Given::Absent, at("/new"), &spec), edit(&[volume("old")], &[mount("/new")]));
        for cleared in [
            decide(Given::Cleared, Given::Absent, &spec),
            decide(Given::Cleared, Given::Cleared, &spec),
            decide(Given::Absent, Given::Cleared, &spec),
            decide(given("new"), Given::Cleared, &spec),
        ] {
            assert_eq!(cleared, edit(&[], &[]));
        }
        let missing = |decided: Result<Option<Edit>, GatewayError>| {
            let error = decided.unwrap_err();
            assert_eq!(error.code, "MissingParameter");
            error.message
        };
        assert!(missing(decide(Given::Cleared, at("/new"), &spec)).contains("NasId"));
        assert!(missing(decide(Given::Absent, at("/new"), &Value::Null)).contains("NasId"));
        assert!(missing(decide(given("new"), Given::Absent, &Value::Null)).contains("MountDescs"));
    }
}
