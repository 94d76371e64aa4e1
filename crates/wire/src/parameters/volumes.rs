//! Volumes: six parameters that each describe some, and where the main container mounts them.
//!
//! Each parameter replaces what it gave before and leaves the others alone, so its volumes carry the name of its group. The
//! names are numbered in the order given: the same parameter always yields the same pod template.

use serde_json::{Map, Value, json};

use super::structure::{self, Node};
use super::{Given, Parameters};
use crate::error::GatewayError;

/// Prefix of the volumes of `LocalVolume`.
pub const LOCAL: &str = "local-volume";
/// Prefix of the volumes of `EmptyDirs`.
pub const EMPTY: &str = "empty-dir";
/// Prefix of the volumes of `ConfigMountDescs`.
pub const CONFIG: &str = "config-mount";
/// Prefix of the volumes of `PvcMountDescs`.
pub const CLAIM: &str = "pvc-mount";
/// Prefix of the volume of `NasId`, which `MountDescs` mounts.
pub const NAS: &str = "nas-mount";

/// What Kubernetes knows a path on a node to be; empty asks for no check.
const HOST_PATH_TYPES: [&str; 8] =
    ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

/// Volumes of the pod, and mounts of the main container, as Kubernetes has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mounted {
    pub volumes: Vec<Value>,
    pub mounts: Vec<Value>,
}

/// `LocalVolume`: `[{"type","nodePath","mountPath"}]`, paths of the node.
pub fn local(parameters: &Parameters) -> Result<Given<Mounted>, GatewayError> {
    read(
        parameters,
        "LocalVolume",
        |item, name, mounted| {
            item.object(&["type", "nodePath", "mountPath"])?;
            let mut source = Map::from_iter([("path".to_owned(), json!(required_path(item, "nodePath")?))]);
            if let Some(kind) = item.member("type") {
                let text = kind.text()?;
                if !HOST_PATH_TYPES.contains(&text) {
                    return Err(kind.error(&format!("Give one of {}, or nothing.", HOST_PATH_TYPES[1..].join(", "))));
                }
                source.insert("type".to_owned(), json!(text));
            }
            mounted.volumes.push(json!({ "name": name, "hostPath": source }));
            mounted.mounts.push(json!({ "name": name, "mountPath": required_path(item, "mountPath")? }));
            Ok(())
        },
        LOCAL,
    )
}

/// `EmptyDirs`: `[{"mountPath","readOnly"?,"subPathExpr"?}]`.
pub fn empty_dirs(parameters: &Parameters) -> Result<Given<Mounted>, GatewayError> {
    read(
        parameters,
        "EmptyDirs",
        |item, name, mounted| {
            item.object(&["mountPath", "readOnly", "subPathExpr"])?;
            mounted.volumes.push(json!({ "name": name, "emptyDir": {} }));
            mounted.mounts.push(mount(item, name)?);
            Ok(())
        },
        EMPTY,
    )
}

/// `ConfigMountDescs`: `[{"name","type":"ConfigMap"|"Secret","mountPath"}]`; each key becomes a file.
pub fn config(parameters: &Parameters) -> Result<Given<Mounted>, GatewayError> {
    read(
        parameters,
        "ConfigMountDescs",
        |item, name, mounted| {
            item.object(&["name", "type", "mountPath"])?;
            let source = item.required_text("name")?;
            let kind = item.required_text("type")?;
            let volume = if kind.eq_ignore_ascii_case("ConfigMap") {
                json!({ "name": name, "configMap": { "name": source } })
            } else if kind.eq_ignore_ascii_case("Secret") {
                json!({ "name": name, "secret": { "secretName": source } })
            } else {
                return Err(item.error("\"type\" is ConfigMap or Secret."));
            };
            mounted.volumes.push(volume);
            mounted.mounts.push(mount(item, name)?);
            Ok(())
        },
        CONFIG,
    )
}

/// `PvcMountDescs`: `[{"pvcName","mountPaths":[{"mountPath","readOnly"?}]}]`.
pub fn claims(parameters: &Parameters) -> Result<Given<Mounted>, GatewayError> {
    read(
        parameters,
        "PvcMountDescs",
        |item, name, mounted| {
            item.object(&["pvcName", "mountPaths"])?;
            let claim = item.required_text("pvcName")?;
            let paths = item.member("mountPaths").ok_or_else(|| item.error("\"mountPaths\" is missing."))?.items()?;
            if paths.is_empty() {
                return Err(item.error("Give at least one of \"mountPaths\"."));
            }
            mounted.volumes.push(json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } }));
            for path in &paths {
                path.object(&["mountPath", "readOnly"])?;
                mounted.mounts.push(mount(path, name)?);
            }
            Ok(())
        },
        CLAIM,
    )
}

/// The volume of `NasId`: an application has one file system.
pub fn nas_volume(mut source: Map<String, Value>) -> Value {
    source.insert("name".to_owned(), json!(nas_name()));
    Value::Object(source)
}

/// `MountDescs`: `[{"nasPath","mountPath"}]`, directories of the file system that `NasId` names; Kubernetes makes those that are missing.
pub fn nas_mounts(parameters: &Parameters) -> Result<Given<Vec<Value>>, GatewayError> {
    const NAME: &str = "MountDescs";
    parameters.json(NAME)?.try_map(|value| {
        let mounts = Node::root(NAME, &value).items()?.into_iter().map(|item| {
            item.object(&["nasPath", "mountPath"])?;
            let mut mount = json!({ "name": nas_name(), "mountPath": required_path(&item, "mountPath")? });
            let directories = required_path(&item, "nasPath")?.split('/').filter(|name| !matches!(*name, "" | "."));
            let inside = directories.collect::<Vec<_>>().join("/");
            if !inside.is_empty() {
                mount["subPath"] = json!(inside);
            }
            Ok(mount)
        });
        mounts.collect()
    })
}

/// What [`nas_mounts`] was given, from the mounts of a container; nothing if it mounts none.
pub fn nas_shown(mounts: &Value) -> Vec<Value> {
    let shown = of_nas(mounts).map(|mount| {
        let inside = mount["subPath"].as_str().unwrap_or_default();
        json!({ "nasPath": format!("/{inside}"), "mountPath": mount["mountPath"] })
    });
    shown.collect()
}

/// Those of volumes or mounts that [`nas_volume`] and [`nas_mounts`] made.
pub fn of_nas(items: &Value) -> impl Iterator<Item = &Value> {
    let items = items.as_array().into_iter().flatten();
    items.filter(|item| item["name"].as_str().is_some_and(|name| name.starts_with(NAS)))
}

fn nas_name() -> String {
    format!("{NAS}-1")
}

/// `VolumesStr`: Kubernetes's own volumes, for init containers and sidecars to mount; JSON, or YAML in base64.
pub fn custom(parameters: &Parameters) -> Result<Given<Vec<Value>>, GatewayError> {
    const NAME: &str = "VolumesStr";
    structure::yaml(parameters, NAME)?.try_map(|value| {
        let root = Node::root(NAME, &value);
        for volume in root.items()? {
            volume.required_text("name")?;
        }
        Ok(root.value.as_array().cloned().unwrap_or_default())
    })
}

fn read(
    parameters: &Parameters,
    parameter: &str,
    one: impl Fn(&Node<'_>, &str, &mut Mounted) -> Result<(), GatewayError>,
    group: &str,
) -> Result<Given<Mounted>, GatewayError> {
    parameters.json(parameter)?.try_map(|value| {
        let mut mounted = Mounted::default();
        for (at, item) in Node::root(parameter, &value).items()?.iter().enumerate() {
            one(item, &format!("{group}-{}", at + 1), &mut mounted)?;
        }
        Ok(mounted)
    })
}

fn required_path<'a>(item: &Node<'a>, name: &str) -> Result<&'a str, GatewayError> {
    item.member(name).ok_or_else(|| item.error(&format!("\"{name}\" is missing.")))?.absolute_path()
}

fn mount(item: &Node<'_>, volume: &str) -> Result<Value, GatewayError> {
    let mut mount = json!({ "name": volume, "mountPath": required_path(item, "mountPath")? });
    let read_only = item.member("readOnly").filter(|read_only| read_only.value != "");
    if read_only.map(|read_only| read_only.boolean()).transpose()? == Some(true) {
        mount["readOnly"] = json!(true);
    }
    if let Some(expression) = item.member("subPathExpr").filter(|expression| expression.value != "") {
        mount["subPathExpr"] = json!(expression.text()?);
    }
    Ok(mount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn a_path_of_the_node() {
        let text = r#"[{"type":"","nodePath":"/localfiles","mountPath":"/app/files"},
            {"type":"Directory","nodePath":"/mnt","mountPath":"/app/storage"}]"#;
        let mounted = local(&parse("LocalVolume", text)).unwrap().value().unwrap();
        assert_eq!(
            mounted.volumes[0],
            json!({"name": "local-volume-1", "hostPath": {"path": "/localfiles", "type": ""}})
        );
        assert_eq!(mounted.volumes[1]["hostPath"]["type"], "Directory");
        assert_eq!(mounted.mounts[1], json!({"name": "local-volume-2", "mountPath": "/app/storage"}));
        assert_eq!(local(&parse("LocalVolume", "[]")).unwrap(), Given::Cleared);
    }

    #[test]
    fn an_empty_directory() {
        let text = r#"[{"mountPath":"/a"},{"mountPath":"/b","readOnly":"true","subPathExpr":"$(POD)"}]"#;
        let mounted = empty_dirs(&parse("EmptyDirs", text)).unwrap().value().unwrap();
        assert_eq!(mounted.volumes[0], json!({"name": "empty-dir-1", "emptyDir": {}}));
        assert_eq!(mounted.mounts[0], json!({"name": "empty-dir-1", "mountPath": "/a"}));
        let expected = json!({"name": "empty-dir-2", "mountPath": "/b", "readOnly": true, "subPathExpr": "$(POD)"});
        assert_eq!(mounted.mounts[1], expected);
    }

    #[test]
    fn a_config_map_or_a_secret() {
        let text =
            r#"[{"name":"c","type":"ConfigMap","mountPath":"/c"},{"name":"s","type":"secret","mountPath":"/s"}]"#;
        let mounted = config(&parse("ConfigMountDescs", text)).unwrap().value().unwrap();
        let expected = json!([
            {"name": "config-mount-1", "configMap": {"name": "c"}},
            {"name": "config-mount-2", "secret": {"secretName": "s"}},
        ]);
        assert_eq!(Value::Array(mounted.volumes), expected);
    }

    #[test]
    fn a_claim_is_one_volume_with_several_mounts() {
        let text = r#"[{"pvcName":"p","mountPaths":[{"mountPath":"/a"},{"mountPath":"/b","readOnly":true}]}]"#;
        let mounted = claims(&parse("PvcMountDescs", text)).unwrap().value().unwrap();
        assert_eq!((mounted.volumes.len(), mounted.mounts.len()), (1, 2));
        assert_eq!(mounted.volumes[0]["persistentVolumeClaim"]["claimName"], "p");
        assert_eq!(mounted.mounts[1]["readOnly"], true);
    }

    #[test]
    fn a_file_system_is_one_volume_with_a_directory_for_each_mount() {
        let text = r#"[{"nasPath":"/","mountPath":"/all"},{"nasPath":"/team//files/","mountPath":"/app/files"}]"#;
        let mounts = nas_mounts(&parse("MountDescs", text)).unwrap().value().unwrap();
        let expected = json!([
            {"name": "nas-mount-1", "mountPath": "/all"},
            {"name": "nas-mount-1", "mountPath": "/app/files", "subPath": "team/files"},
        ]);
        assert_eq!(Value::Array(mounts.clone()), expected);
        let others = json!([{"name": "pvc-mount-1", "mountPath": "/p"}]);
        let all = Value::Array([mounts, others.as_array().unwrap().clone()].concat());
        let shown =
            json!([{"nasPath": "/", "mountPath": "/all"}, {"nasPath": "/team/files", "mountPath": "/app/files"}]);
        assert_eq!(Value::Array(nas_shown(&all)), shown);
        let source = Map::from_iter([("persistentVolumeClaim".to_owned(), json!({"claimName": "files"}))]);
        assert_eq!(nas_volume(source), json!({"name": "nas-mount-1", "persistentVolumeClaim": {"claimName": "files"}}));
        for empty in ["", "[]"] {
            assert_eq!(nas_mounts(&parse("MountDescs", empty)).unwrap(), Given::Cleared);
        }
    }

    #[test]
    fn what_cannot_be_mounted_of_a_file_system_is_refused() {
        for wrong in [
            "/mnt",
            r#"{"nasPath":"/a","mountPath":"/a"}"#,
            r#"[{"nasPath":"/a"}]"#,
            r#"[{"mountPath":"/a"}]"#,
            r#"[{"nasPath":"a","mountPath":"/a"}]"#,
            r#"[{"nasPath":"/a","mountPath":"a"}]"#,
            r#"[{"nasPath":"/a/../../b","mountPath":"/a"}]"#,
            r#"[{"nasPath":"/a","mountPath":"/a/.."}]"#,
            r#"[{"nasPath":"/a","mountPath":"/a","readOnly":true}]"#,
        ] {
            let error = nas_mounts(&parse("MountDescs", wrong)).unwrap_err();
            assert!(error.code == "InvalidParameter" && error.message.contains("MountDescs"), "{wrong}: {error}");
        }
    }

    #[test]
    fn custom_volumes_are_kubernetes_own() {
        let text = r#"[{"name":"shared","emptyDir":{}}]"#;
        assert_eq!(
            custom(&parse("VolumesStr", text)).unwrap(),
            Given::Value(vec![json!({"name": "shared", "emptyDir": {}})])
        );
        assert_eq!(custom(&parse("VolumesStr", "[{}]")).unwrap_err().code, "InvalidParameter");
    }

    #[test]
    fn what_cannot_be_mounted_is_refused() {
        let wrong = |name: &str, text: &str| {
            let parameters = parse(name, text);
            let results = [local(&parameters), empty_dirs(&parameters), config(&parameters), claims(&parameters)];
            let errors: Vec<String> =
                results.into_iter().filter_map(|result| Some(result.err()?.code.into_owned())).collect();
            assert_eq!(errors, ["InvalidParameter"], "{text}");
        };
        wrong("LocalVolume", r#"[{"nodePath":"relative","mountPath":"/a"}]"#);
        wrong("LocalVolume", r#"[{"nodePath":"/a"}]"#);
        wrong("LocalVolume", r#"[{"type":"Pipe","nodePath":"/a","mountPath":"/a"}]"#);
        wrong("LocalVolume", r#"[{"nodePath":"/a/../etc","mountPath":"/a"}]"#);
        wrong("EmptyDirs", r#"[{"mountPath":"/a:b"}]"#);
        wrong("EmptyDirs", r#"[{"mountPath":"/a","readOnly":"maybe"}]"#);
        wrong("ConfigMountDescs", r#"[{"name":"c","type":"File","mountPath":"/c"}]"#);
        wrong("ConfigMountDescs", r#"[{"type":"Secret","mountPath":"/c"}]"#);
        wrong("PvcMountDescs", r#"[{"pvcName":"p","mountPaths":[]}]"#);
        wrong("PvcMountDescs", r#"[{"pvcName":"p"}]"#);
    }
}
