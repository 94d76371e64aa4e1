//! Clusters and logical regions, from their import to their end.

use crate::world::{CLUSTER, World};

#[tokio::test]
async fn a_cluster_is_imported_shown_and_forgotten() {
    let world = World::new().await;
    let import = [("ClusterId", "cs-new"), ("ClusterName", "edge"), ("KubeConfig", "kind: Config")];
    let id = world.call("ImportK8sCluster", &import).await.success()["Data"].clone();
    let id = id.as_str().unwrap();
    assert_eq!(world.clusters.connected().len(), 1);

    let shown = world.call("GetCluster", &[("ClusterId", id)]).await.success();
    let cluster = &shown["Cluster"];
    assert_eq!(cluster["ClusterImportStatus"], 1);
    assert_eq!(cluster["ClusterStatus"], 1);
    assert_eq!((&cluster["CsClusterId"], &cluster["ClusterName"]), (&"cs-new".into(), &"edge".into()));
    assert_eq!((&cluster["NodeNum"], &cluster["Cpu"]), (&3.into(), &24.into()));
    assert!(!shown.to_string().contains("kind: Config"), "credentials are never shown");

    // Again, by either id and without credentials: the same cluster, asked anew.
    for named in [id, "cs-new"] {
        let again = world.call("ImportK8sCluster", &[("ClusterId", named)]).await;
        assert_eq!(again.success()["Data"], id);
    }
    let all = world.call("ListCluster", &[]).await.success();
    assert_eq!(all["ClusterList"]["Cluster"].as_array().unwrap().len(), 2);

    let gone = world.call("DeleteCluster", &[("ClusterId", id), ("Mode", "0")]).await;
    assert_eq!(gone.success()["Data"], true);
    assert!(!world.clusters.connected().iter().any(|other| other.to_string() == id));
    let message = world.call("GetCluster", &[("ClusterId", id)]).await.business(601);
    assert!(message.contains("does not exist"));
}

#[tokio::test]
async fn an_import_without_credentials_says_how() {
    let world = World::new().await;
    let before = world.everything().await;
    let reply = world.call("ImportK8sCluster", &[("ClusterId", "cs-new")]).await;
    let message = reply.business(400);
    assert!(message.contains("KubeConfig"), "{message}");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn clusters_are_shown_in_pages_of_their_region() {
    let world = World::new().await;
    let page = |region, number| {
        let world = &world;
        async move {
            let parameters = [("RegionTag", region), ("CurrentPage", number), ("PageSize", "10")];
            let body = world.call("GetK8sCluster", &parameters).await.success();
            let page = &body["ClusterPage"];
            let count = page["ClusterList"]["Cluster"].as_array().unwrap().len();
            (page["TotalSize"].as_i64().unwrap(), count)
        }
    };
    assert_eq!(page("cn-hangzhou", "1").await, (1, 1));
    assert_eq!(page("cn-hangzhou:test", "1").await, (1, 1));
    assert_eq!(page("cn-hangzhou", "2").await, (1, 0));
    assert_eq!(page("cn-beijing", "1").await, (0, 0));
    let cluster = CLUSTER.to_string();
    let names = world.call("ListK8sNamespaces", &[("ClusterId", &cluster)]).await.success();
    assert_eq!(names["Data"][1]["Namespace"], "shop");
}

#[tokio::test]
async fn logical_regions_are_made_changed_and_deleted_unless_in_use() {
    let world = World::new().await;
    let make = [("RegionTag", "cn-hangzhou:test"), ("RegionName", "test"), ("DebugEnable", "True")];
    let made = world.call("InsertOrUpdateRegion", &make).await.success();
    let entity = &made["UserDefineRegionEntity"];
    assert_eq!((&entity["BelongRegion"], &entity["DebugEnable"]), (&"cn-hangzhou".into(), &true.into()));
    let id = entity["Id"].as_i64().unwrap().to_string();
    let message = world.call("InsertOrUpdateRegion", &make).await.business(400);
    assert!(message.contains("exists already"), "{message}");

    let change = [("Id", id.as_str()), ("RegionTag", "cn-hangzhou:test"), ("RegionName", "renamed")];
    world.call("InsertOrUpdateRegion", &change).await.success();
    let list = world.call("ListUserDefineRegion", &[]).await.success();
    let regions = list["UserDefineRegionList"]["UserDefineRegionEntity"].as_array().unwrap();
    assert_eq!((regions.len(), &regions[0]["RegionName"]), (1, &"renamed".into()));

    world.app_with("web", 1, &[("LogicalRegionId", "cn-hangzhou:test")]).await;
    let message = world.call("DeleteUserDefineRegion", &[("Id", &id)]).await.business(400);
    assert!(message.contains("Delete them first"), "{message}");
    let other = [("RegionTag", "cn-hangzhou:other"), ("RegionName", "other")];
    world.call("InsertOrUpdateRegion", &other).await.success();
    let gone = world.call("DeleteUserDefineRegion", &[("RegionTag", "cn-hangzhou:other")]).await;
    assert_eq!(gone.success()["RegionDefine"]["RegionName"], "other");
}
