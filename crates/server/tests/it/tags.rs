//! Tags, from the first to the last.

use serde_json::Value;
use sternway_core::ports::StoreWrite;

use crate::world::{CLUSTER, World};

const HERE: (&str, &str) = ("ResourceRegionId", "cn-hangzhou");
const APPLICATION: (&str, &str) = ("ResourceType", "application");

async fn listed(world: &World, more: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let mut parameters = vec![HERE, APPLICATION];
    parameters.extend(more);
    let reply = world.call("ListTagResources", &parameters).await.success();
    let tags = reply["TagResources"]["TagResource"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shown = |tag: &Value| {
        assert_eq!(tag["ResourceType"], "application");
        (text(&tag["ResourceId"]), text(&tag["TagKey"]), text(&tag["TagValue"]))
    };
    tags.iter().map(shown).collect()
}

fn tag(id: &str, key: &str, value: &str) -> (String, String, String) {
    (id.to_owned(), key.to_owned(), value.to_owned())
}

#[tokio::test]
async fn tags_are_set_found_and_taken_away() {
    let world = World::new().await;
    let (web, api) = (world.app("web", 1).await.to_string(), world.app("api", 1).await.to_string());
    let both = format!(r#"["{web}","{api}"]"#);
    let only_web = format!(r#"["{web}"]"#);
    let set = [HERE, APPLICATION, ("ResourceIds", &both), ("Tags", r#"[{"key":"team","value":"shop"}]"#)];
    world.call("TagResources", &set).await.success();
    world.call("TagResources", &set).await.success();
    let more = r#"[{"key":"team","value":"blog"},{"key":"tier","value":"front"}]"#;
    world.call("TagResources", &[HERE, APPLICATION, ("ResourceIds", &only_web), ("Tags", more)]).await.success();

    let mut expected = vec![tag(&api, "team", "shop"), tag(&web, "team", "blog"), tag(&web, "tier", "front")];
    expected.sort();
    assert_eq!(listed(&world, &[]).await, expected);
    assert_eq!(listed(&world, &[("ResourceIds", &only_web)]).await.len(), 2);
    assert_eq!(listed(&world, &[("Tags", r#"[{"key":"team","value":"shop"}]"#)]).await, [tag(&api, "team", "shop")]);
    let wanted = r#"[{"key":"tier"},{"key":"team"}]"#;
    assert_eq!(listed(&world, &[("Tags", wanted)]).await.len(), 2);
    assert_eq!(listed(&world, &[("Tags", r#"[{"key":"team","value":"none"}]"#)]).await, []);

    let untag = [HERE, APPLICATION, ("ResourceIds", &both)];
    let message = world.call("UntagResources", &untag).await.gateway(400, "MissingParameter");
    assert!(message.contains("DeleteAll=true"), "{message}");
    world.call("UntagResources", &[&untag[..], &[("TagKeys", r#"["team","gone"]"#)]].concat()).await.success();
    assert_eq!(listed(&world, &[]).await, [tag(&web, "tier", "front")]);
    world.call("UntagResources", &[&untag[..], &[("DeleteAll", "True")]].concat()).await.success();
    assert_eq!(listed(&world, &[]).await, []);
}

#[tokio::test]
async fn what_is_gone_has_no_tags() {
    let world = World::new().await;
    let web = world.app("web", 1).await;
    let ids = format!(r#"["{web}"]"#);
    let set = [HERE, APPLICATION, ("ResourceIds", &ids), ("Tags", r#"[{"key":"team","value":"shop"}]"#)];
    world.call("TagResources", &set).await.success();
    world.commit(vec![StoreWrite::DeleteApp(web)]).await;
    assert_eq!(listed(&world, &[]).await, []);
    let message = world.call("TagResources", &set).await.business(404);
    assert!(message.contains("does not exist in the region cn-hangzhou"), "{message}");
    assert_eq!(sternway_core::ports::Records::records(&*world.store, "tags", None).await.unwrap(), []);
}

#[tokio::test]
async fn clusters_have_tags_in_their_region() {
    let world = World::new().await;
    let ids = format!(r#"["{CLUSTER}"]"#);
    let cluster = ("ResourceType", "cluster");
    let tags = ("Tags", r#"[{"key":"stage","value":"lab"}]"#);
    world.call("TagResources", &[HERE, cluster, ("ResourceIds", &ids), tags]).await.success();
    let found = world.call("ListTagResources", &[HERE, cluster, tags]).await.success();
    assert_eq!(found["TagResources"]["TagResource"][0]["ResourceId"], CLUSTER.to_string());
    let elsewhere = ("ResourceRegionId", "cn-beijing");
    world.call("TagResources", &[elsewhere, cluster, ("ResourceIds", &ids), tags]).await.business(404);
    let found = world.call("ListTagResources", &[elsewhere, cluster]).await.success();
    assert_eq!(found["TagResources"]["TagResource"], serde_json::json!([]));
}

#[tokio::test]
async fn a_resource_has_twenty_tags_at_most() {
    let world = World::new().await;
    let ids = format!(r#"["{}"]"#, world.app("web", 1).await);
    let many: Vec<Value> = (0..20).map(|at| serde_json::json!({"key": format!("k{at}"), "value": "v"})).collect();
    let many = Value::Array(many).to_string();
    world.call("TagResources", &[HERE, APPLICATION, ("ResourceIds", &ids), ("Tags", &many)]).await.success();
    world.call("TagResources", &[HERE, APPLICATION, ("ResourceIds", &ids), ("Tags", &many)]).await.success();
    let one = ("Tags", r#"[{"key":"new","value":""}]"#);
    let message = world.call("TagResources", &[HERE, APPLICATION, ("ResourceIds", &ids), one]).await.business(400);
    assert!(message.contains("21 tags"), "{message}");
    assert_eq!(listed(&world, &[]).await.len(), 20);
}
