//! Regions, networks, resource groups, tokens of logical regions, and the line that imports a cluster.

use serde_json::{Value, json};

use crate::world::{CLUSTER, World};

#[tokio::test]
async fn regions_are_those_that_something_is_in() {
    let world = World::new().await;
    world.call("InsertOrUpdateRegion", &[("RegionTag", "cn-beijing:test"), ("RegionName", "test")]).await.success();
    let regions = world.call("ListAliyunRegion", &[]).await.success();
    let expected = json!([{"Id": "cn-beijing", "Name": "cn-beijing"}, {"Id": "cn-hangzhou", "Name": "cn-hangzhou"}]);
    assert_eq!(regions["RegionEntityList"]["RegionEntity"], expected);
    assert_eq!(world.call("ListVpc", &[]).await.success()["VpcList"]["VpcEntity"], json!([]));
    let config = world.call("QueryRegionConfig", &[]).await.success();
    assert_eq!((&config["RegionConfig"]["Id"], &config["RegionConfig"]["No"]), (&json!("cn-hangzhou"), &json!(0)));
}

#[tokio::test]
async fn resource_groups_are_what_applications_name() {
    let world = World::new().await;
    let groups = async || {
        let body = world.call("ListResourceGroup", &[]).await.success();
        let groups = body["ResourceGroupList"]["ResGroupEntity"].as_array().unwrap().clone();
        groups.into_iter().map(|group| (group["Name"].clone(), group["Id"].to_string())).collect::<Vec<_>>()
    };
    assert_eq!(groups().await.len(), 1);
    world.app("plain", 1).await;
    world.app_with("web", 1, &[("ResourceGroupId", "shop")]).await;
    let shop = groups().await.remove(1);
    assert_eq!(shop.0, "shop");
    // The number means the same group.
    world.app_with("stock", 1, &[("ResourceGroupId", &shop.1)]).await;
    assert_eq!(groups().await.len(), 2);

    let named = async |group: &str| {
        let body = world.call("ListApplication", &[("ResourceGroupId", group)]).await.success();
        let apps = body["ApplicationList"]["Application"].as_array().unwrap().clone();
        apps.iter().map(|app| (app["Name"].clone(), app["ResourceGroupId"].clone())).collect::<Vec<_>>()
    };
    let pair = |name: &str, group: &str| (json!(name), json!(group));
    assert_eq!(named("default").await, [pair("plain", "default")]);
    let mut both = named(&shop.1).await;
    both.sort_by_key(|(name, _)| name.to_string());
    assert_eq!(both, [pair("stock", "shop"), pair("web", "shop")]);
    assert_eq!(named("other").await, []);

    let clusters = async |group: &str| {
        let body = world.call("ListCluster", &[("ResourceGroupId", group)]).await.success();
        body["ClusterList"]["Cluster"].as_array().unwrap().len()
    };
    assert_eq!((clusters("shop").await, clusters("default").await, clusters("other").await), (1, 1, 0));
}

#[tokio::test]
async fn a_logical_region_has_a_token_that_stays() {
    let world = World::new().await;
    let tag = "cn-hangzhou:test";
    let message = world.call("GetSecureToken", &[("NamespaceId", tag)]).await.business(404);
    assert!(message.contains("does not exist"), "{message}");
    world.call("InsertOrUpdateRegion", &[("RegionTag", tag), ("RegionName", "test")]).await.success();
    let token = async || world.call("GetSecureToken", &[("NamespaceId", tag)]).await.success()["SecureToken"].clone();
    let first = token().await;
    assert_eq!((&first["RegionName"], &first["BelongRegion"]), (&json!("test"), &json!("cn-hangzhou")));
    let length = |token: &Value, key: &str| token[key].as_str().unwrap().len();
    assert_eq!((length(&first, "AccessKey"), length(&first, "SecretKey")), (24, 32));
    assert_eq!(token().await, first);
    let default = world.call("GetSecureToken", &[("NamespaceId", "cn-hangzhou")]).await.success();
    assert_ne!(default["SecureToken"]["SecretKey"], first["SecretKey"]);

    world.call("DeleteUserDefineRegion", &[("RegionTag", tag)]).await.success();
    world.call("InsertOrUpdateRegion", &[("RegionTag", tag), ("RegionName", "test")]).await.success();
    assert_ne!(token().await["SecretKey"], first["SecretKey"], "a region made anew is another one");
}

#[tokio::test]
async fn the_line_that_imports_a_cluster_names_it_and_us() {
    let world = World::new().await;
    let line = world.call("CreateIDCImportCommand", &[("ClusterId", &CLUSTER.to_string())]).await.success();
    let line = line["Data"].as_str().unwrap();
    assert!(line.contains(&format!("sternway cluster import --id {CLUSTER} ")), "{line}");
    assert!(line.contains(&format!("http://{}", world.host)), "{line}");
    let message =
        world.call("CreateIDCImportCommand", &[("ClusterId", "a; rm -r /")]).await.gateway(400, "InvalidParameter");
    assert!(message.contains("letters, digits"), "{message}");
}
