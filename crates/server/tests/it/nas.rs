//! NasId and MountDescs: what a cluster's setting makes of them.

use serde_json::{Value, json};
use sternway_core::ids::AppId;
use sternway_core::order::Status;
use sternway_core::ports::{Records as _, Store as _};

use crate::world::{CLUSTER, Reply, World};

const SETTING: &str =
    r#"{"0a1b2c-nas":{"nfs":{"server":"nas.example.com","path":"/export"}},"files":{"claim":"shop-files"}}"#;
const MOUNTS: &str = r#"[{"nasPath":"/","mountPath":"/all"},{"nasPath":"/team/files","mountPath":"/app/files"}]"#;

/// A world whose cluster has the two file systems of [`SETTING`].
async fn with_file_systems() -> World {
    let world = World::new().await;
    set(&world, SETTING).await.success();
    world
}

async fn set(world: &World, setting: &str) -> Reply {
    let cluster = CLUSTER.to_string();
    world.call("ImportK8sCluster", &[("ClusterId", &cluster), ("NasFileSystems", setting)]).await
}

/// Deploys, ends the order without anything being done, and gives the pods' spec of the version that it brings.
async fn deployed(world: &World, app: AppId, parameters: &[(&str, &str)]) -> Value {
    let id = app.to_string();
    let parameters = [&[("AppId", id.as_str()), ("ImageTag", "v2")], parameters].concat();
    let order = world.call("DeployK8sApplication", &parameters).await.order_id();
    let brought = world.order(order).await.brings().unwrap();
    world.finish(order, Status::Succeeded).await;
    let version = world.store.version(app, brought).await.unwrap().unwrap();
    version.snapshot.template.json()["spec"].clone()
}

fn mounts(spec: &Value) -> &Value {
    &spec["containers"][0]["volumeMounts"]
}

#[tokio::test]
async fn directories_of_a_file_system_are_mounted_shown_changed_and_unmounted() {
    let world = with_file_systems().await;
    let empty = ("EmptyDirs", r#"[{"mountPath":"/tmp"}]"#);
    let app = world.app_with("web", 1, &[("NasId", "0a1b2c-nas"), ("MountDescs", MOUNTS), empty]).await;
    let id = app.to_string();
    let shown = world.call("GetK8sApplication", &[("AppId", &id)]).await.success();
    let shown = shown["Applcation"]["Conf"]["K8sNasInfo"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(shown).unwrap(), serde_json::from_str::<Value>(MOUNTS).unwrap());

    let kept = deployed(&world, app, &[]).await;
    let temporary = json!({"name": "empty-dir-1", "emptyDir": {}});
    let nfs = json!({"name": "nas-mount-1", "nfs": {"server": "nas.example.com", "path": "/export"}});
    assert_eq!(kept["volumes"], json!([temporary, nfs]));
    let first = json!([
        {"name": "empty-dir-1", "mountPath": "/tmp"},
        {"name": "nas-mount-1", "mountPath": "/all"},
        {"name": "nas-mount-1", "mountPath": "/app/files", "subPath": "team/files"},
    ]);
    assert_eq!(*mounts(&kept), first);

    let other = deployed(&world, app, &[("MountDescs", r#"[{"nasPath":"/k8s","mountPath":"/mnt"}]"#)]).await;
    assert_eq!(other["volumes"], json!([temporary, nfs]));
    assert_eq!(mounts(&other)[1], json!({"name": "nas-mount-1", "mountPath": "/mnt", "subPath": "k8s"}));
    let moved = deployed(&world, app, &[("NasId", "files")]).await;
    let claim = json!({"name": "nas-mount-1", "persistentVolumeClaim": {"claimName": "shop-files"}});
    assert_eq!((&moved["volumes"], mounts(&moved)), (&json!([temporary, claim]), &first));
    for cleared in [[("NasId", "")], [("MountDescs", "[]")]] {
        let spec = deployed(&world, app, &cleared).await;
        assert_eq!(spec["volumes"], json!([temporary]));
        assert_eq!(*mounts(&spec), json!([{"name": "empty-dir-1", "mountPath": "/tmp"}]));
    }
}

#[tokio::test]
async fn a_file_system_that_the_cluster_does_not_know_is_refused_with_the_way_to_add_it() {
    let world = World::new().await;
    let app = world.app("web", 1).await.to_string();
    let cluster = CLUSTER.to_string();
    let nas = [("NasId", "0a1b2c-nas"), ("MountDescs", MOUNTS)];
    let insert = [&[("AppName", "other"), ("ClusterId", &cluster), ("ImageUrl", "web:v1")], &nas[..]].concat();
    let deploy = [&[("AppId", app.as_str())], &nas[..]].concat();
    let before = world.everything().await;
    for (operation, parameters) in [("InsertK8sApplication", &insert), ("DeployK8sApplication", &deploy)] {
        let message = world.call(operation, parameters).await.business(404);
        for said in ["0a1b2c-nas", "ImportK8sCluster", "NasFileSystems", "knows none yet"] {
            assert!(message.contains(said), "{said}: {message}");
        }
    }
    assert_eq!(world.everything().await, before);
    set(&world, SETTING).await.success();
    world.call("InsertK8sApplication", &insert).await.success();
    // The setting goes as a whole.
    set(&world, "{}").await.success();
    assert!(world.call("DeployK8sApplication", &deploy).await.business(404).contains("knows none yet"));
}

#[tokio::test]
async fn mounts_that_cannot_be_are_refused() {
    let world = with_file_systems().await;
    let more = [
        ("EmptyDirs", r#"[{"mountPath":"/empty"}]"#),
        ("LocalVolume", r#"[{"nodePath":"/data","mountPath":"/local"}]"#),
        ("PvcMountDescs", r#"[{"pvcName":"p","mountPaths":[{"mountPath":"/claimed"}]}]"#),
        ("ConfigMountDescs", r#"[{"name":"c","type":"ConfigMap","mountPath":"/etc/web"}]"#),
    ];
    let app = world.app_with("web", 1, &more).await.to_string();
    let before = world.everything().await;
    let deploy = async |nas: &[(&str, &str)]| {
        let parameters = [&[("AppId", app.as_str())], nas].concat();
        world.call("DeployK8sApplication", &parameters).await
    };
    for taken in ["/empty", "/local/", "/claimed", "/etc/web"] {
        let mounts = json!([{"nasPath": "/", "mountPath": taken}]).to_string();
        let message = deploy(&[("NasId", "files"), ("MountDescs", &mounts)]).await.business(400);
        assert!(message.contains(taken), "{message}");
    }
    let twice = r#"[{"nasPath":"/a","mountPath":"/mnt"},{"nasPath":"/b","mountPath":"/mnt/"}]"#;
    deploy(&[("NasId", "files"), ("MountDescs", twice)]).await.business(400);
    for wrong in [
        "[{",
        r#"{"nasPath":"/a"}"#,
        r#"[{"nasPath":"a","mountPath":"/a"}]"#,
        r#"[{"nasPath":"/../a","mountPath":"/a"}]"#,
        r#"[{"nasPath":"/a","mountPath":"a"}]"#,
    ] {
        let message = deploy(&[("NasId", "files"), ("MountDescs", wrong)]).await.gateway(400, "InvalidParameter");
        assert!(message.contains("MountDescs"), "{message}");
    }
    let message = deploy(&[("MountDescs", MOUNTS)]).await.gateway(400, "MissingParameter");
    assert!(message.contains("NasId"), "{message}");
    let message = deploy(&[("NasId", "files")]).await.gateway(400, "MissingParameter");
    assert!(message.contains("MountDescs"), "{message}");
    let message = set(&world, r#"{"a":{"smb":{"server":"s"}}}"#).await.gateway(400, "InvalidParameter");
    assert!(message.contains("NasFileSystems"), "{message}");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn file_systems_are_forgotten_with_their_cluster() {
    let world = World::new().await;
    let kubeconfig = [("ClusterId", "cs-new"), ("KubeConfig", "kind: Config"), ("NasFileSystems", SETTING)];
    let named = world.call("ImportK8sCluster", &kubeconfig).await.success()["Data"].clone();
    let kept = async || world.store.records("nas-file-systems", None).await.unwrap().len();
    assert_eq!(kept().await, 1);
    world.call("DeleteCluster", &[("ClusterId", named.as_str().unwrap())]).await.success();
    assert_eq!(kept().await, 0);
}
