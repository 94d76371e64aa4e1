//! Requests that name a thing in another way than usual, or not at all, are refused like those that name it plainly. Who asks here may do everything but one
//! thing.

use sternway_core::application::WorkloadRef;
use sternway_core::ports::{AppFilter, Store as _};

use crate::permissions::{Key, allow, policy, user};
use crate::world::{CLUSTER, World};

/// A user who may do everything to everything but `action` to `resource`.
async fn all_but(world: &World, action: &str, resource: &str) -> Key {
    let but = allow(action, resource).replace("Allow", "Deny");
    policy(world, "all-but", &[allow("edas:*", "*"), but].join(",")).await;
    user(world, "limited", &["all-but"]).await
}

fn lab() -> String {
    format!("acs:edas:*:*:namespace/cn-hangzhou/cluster/{CLUSTER}")
}

#[tokio::test]
async fn secrets_are_listed_of_clusters_whose_secrets_the_caller_may_see() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let secret = [
        ("ClusterId", cluster.as_str()),
        ("Namespace", "default"),
        ("Name", "database"),
        ("Data", r#"[{"Key":"password","Value":"planted"}]"#),
    ];
    world.call("CreateK8sSecret", &secret).await.success();
    assert_eq!(world.call("ListK8sSecrets", &[]).await.success()["Result"]["Total"], 1);
    let limited = all_but(&world, "edas:ManageCluster", &lab()).await;
    limited.call(&world, "ListK8sSecrets", &secret[..1]).await.gateway(403, "Forbidden.RAM");
    assert_eq!(limited.call(&world, "ListK8sSecrets", &[]).await.success()["Result"]["Total"], 0);
    let related = limited.call(&world, "ListK8sSecrets", &[("ShowRelatedApps", "true")]).await;
    assert_eq!(related.success()["Result"]["Total"], 0);
    limited.call(&world, "ListK8sConfigMaps", &[]).await.success();
}

#[tokio::test]
async fn a_list_about_one_cluster_is_for_those_who_may_see_it() {
    let world = World::new().await;
    let nobody = user(&world, "nobody", &[]).await;
    let cluster = CLUSTER.to_string();
    let named = [("ClusterId", cluster.as_str())];
    for operation in ["ListSlb", "ListK8sConfigMaps", "ListK8sIngressRules", "ListK8sSecrets"] {
        nobody.call(&world, operation, &named).await.gateway(403, "Forbidden.RAM");
        nobody.call(&world, operation, &[]).await.success();
    }
}

#[tokio::test]
async fn a_cluster_is_the_same_by_each_of_its_ids() {
    let world = World::new().await;
    let limited = all_but(&world, "edas:ReadCluster", &lab()).await;
    let cluster = CLUSTER.to_string();
    let wanted = [("AppName", "web"), ("ImageUrl", "registry.local/team/web:v1")];
    for named in [("ClusterId", cluster.as_str()), ("ClusterId", "cs-lab"), ("CsClusterId", "cs-lab")] {
        let reply = limited.call(&world, "InsertK8sApplication", &[wanted[0], wanted[1], named]).await;
        assert!(reply.gateway(403, "Forbidden.RAM").contains(&cluster), "{named:?}");
    }
    let creator =
        [allow("edas:CreateApplication", "acs:edas:*:*:namespace/cn-hangzhou/*"), allow("edas:ReadCluster", &lab())];
    policy(&world, "creator", &creator.join(",")).await;
    let creator = user(&world, "creator", &["creator"]).await;
    creator.call(&world, "InsertK8sApplication", &[wanted[0], wanted[1], ("CsClusterId", "cs-lab")]).await.success();
    // What is there already is of the cluster.
    let adopt = [("AppName", "other"), ("CsClusterId", "cs-lab"), ("Adopt", "true")];
    let refused = creator.call(&world, "InsertK8sApplication", &adopt).await.gateway(403, "Forbidden.RAM");
    assert!(refused.contains("edas:ManageCluster"), "{refused}");
}

#[tokio::test]
async fn a_migration_takes_nothing_where_the_caller_may_not() {
    let world = World::new().await;
    let app = world.app("web", 1).await.to_string();
    let at = world.app_record("web").await.workload;
    world.clusters.put(WorkloadRef { name: "found".to_owned(), ..at.clone() }, world.clusters.workload(&at));
    let limited = all_but(&world, "edas:*", "acs:edas:*:*:namespace/cn-hangzhou/*").await;
    limited.call(&world, "MigrateApplication", &[("cmd", "export"), ("appIds", &app)]).await.business(404);
    let document = format!(r#"{{"app_info":[{{"app_name":"found","cluster_id":"{CLUSTER}"}}]}}"#);
    let import = [("cmd", "import"), ("rawData", document.as_str())];
    limited.call(&world, "MigrateApplication", &import).await.success();
    assert_eq!(world.store.apps(AppFilter::default()).await.unwrap().len(), 1);
    let all = world.call("GetMigrateApplication", &[]).await.body;
    assert!(all.contains("acs:edas:cn-hangzhou:1:namespace/cn-hangzhou/application/*"), "{all}");
    world.call("MigrateApplication", &import).await.success();
    assert_eq!(world.store.apps(AppFilter::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_number_is_the_same_with_a_space_before_it() {
    let world = World::new().await;
    let app = world.app("web", 1).await.to_string();
    let entry = format!("EDAS:{app}");
    let group = [("LogicalRegionId", "cn-hangzhou"), ("Name", "all"), ("EntryApp", &*entry), ("AppIds", &*app)];
    let group = world.call("InsertSwimmingLaneGroup", &group).await.success()["Data"]["Id"].to_string();
    let limited = all_but(&world, "edas:*", "acs:edas:*:*:namespace/cn-hangzhou").await;
    for id in [group.clone(), format!(" {group}"), format!("{group} ")] {
        for operation in ["ListSwimmingLane", "UpdateSwimmingLaneGroup"] {
            limited.call(&world, operation, &[("GroupId", &id)]).await.gateway(403, "Forbidden.RAM");
        }
    }
}

#[tokio::test]
async fn what_uses_a_config_map_is_named_to_those_who_may_see_it() {
    let world = World::new().await;
    let mounts = r#"[{"name":"settings","type":"ConfigMap","mountPath":"/etc/web"}]"#;
    let app = world.app_with("web", 1, &[("ConfigMountDescs", mounts)]).await.to_string();
    let cluster = CLUSTER.to_string();
    let map = [("ClusterId", cluster.as_str()), ("Namespace", "default"), ("Name", "settings"), ("Data", "[]")];
    world.call("CreateK8sConfigMap", &map).await.success();
    let list = [("ShowRelatedApps", "true")];
    assert!(world.call("ListK8sConfigMaps", &list).await.body.contains(&app));
    let limited = all_but(&world, "edas:ReadApplication", "*").await;
    let seen = limited.call(&world, "ListK8sConfigMaps", &list).await;
    let maps = &seen.success()["Result"]["ConfigMaps"];
    assert_eq!((&maps[0]["Name"], &maps[0]["RelatedApps"]), (&"settings".into(), &serde_json::json!([])));
}
