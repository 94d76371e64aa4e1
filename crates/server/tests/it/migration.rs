//! Applications out of the server and into it: the Deployments are found as they are and left as they are.

use serde_json::{Value, json};
use sternway_core::application::WorkloadRef;
use sternway_core::ports::{AppFilter, Store as _};

use crate::world::{CLUSTER, World};

/// A Deployment that somebody else made: one that the server made and forgot.
async fn stranger(world: &World, name: &str) {
    let id = world.app("template", 2).await;
    let at = world.store.app(id).await.unwrap().unwrap().workload;
    let found = world.clusters.workload(&at);
    world.clusters.put(WorkloadRef { name: name.to_owned(), ..at }, found);
}

async fn migrate(world: &World, parameters: &[(&str, &str)]) -> Value {
    let started = world.call("MigrateApplication", parameters).await.success();
    let id = started["data"]["migrationId"].as_str().unwrap().to_owned();
    let shown = world.call("GetMigrateApplication", &[("migrationId", &id)]).await.success();
    assert_eq!((&shown["code"], &shown["success"], &shown["message"]), (&json!(200), &json!(true), &json!("success")));
    assert_eq!(shown["data"]["totalSize"], 1);
    shown["data"]["result"][0].clone()
}

fn states(migration: &Value) -> Vec<Value> {
    let states: Value = serde_json::from_str(migration["appDetailState"].as_str().unwrap()).unwrap();
    states.as_object().unwrap().values().cloned().collect()
}

#[tokio::test]
async fn a_deployment_is_taken_as_it_is_and_once() {
    let world = World::new().await;
    stranger(&world, "found").await;
    let document = json!({"app_info": [
        {"app_name": "Found", "cluster_id": CLUSTER.to_string(), "description": "by Helm"},
        {"app_name": "missing", "cluster_id": "cs-lab"},
        {"app_name": "lost", "cluster_id": "nowhere"},
    ]});
    let import = [("cmd", "import"), ("rawData", &*document.to_string())];
    let first = migrate(&world, &import).await;
    assert_eq!((&first["migrationType"], &first["state"]), (&json!(1), &json!("failed")));
    let outcome = |migration: &Value, name: &str| {
        let state = states(migration).into_iter().find(|state| state["app_name"] == name).unwrap();
        (state["state"].clone(), state["error_msg"].as_str().unwrap().to_owned(), state["app_id"].clone())
    };
    let (state, error, id) = outcome(&first, "Found");
    assert_eq!((state, error.as_str()), (json!("success"), ""));
    assert!(outcome(&first, "missing").1.contains("missing"), "{first}");
    assert!(outcome(&first, "lost").1.contains("does not exist"), "{first}");
    let id = id.as_str().unwrap().parse().unwrap();
    let app = world.store.app(id).await.unwrap().unwrap();
    assert_eq!((app.workload.name.as_str(), app.description.as_str(), app.replicas), ("found", "by Helm", 2));
    assert!(world.store.orders_of(id, 10).await.unwrap().is_empty(), "nothing is done to it");

    let again = migrate(&world, &import).await;
    assert_eq!(outcome(&again, "Found").2, json!(id.to_string()));
    assert_eq!(world.store.apps(AppFilter::default()).await.unwrap().len(), 2);
    let all = world.call("GetMigrateApplication", &[("migrationType", "2")]).await.success();
    assert_eq!(all["data"]["result"], json!([]));
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let world = World::new().await;
    let id = world.app_with("Web", 2, &[("ApplicationDescription", "the shop")]).await.to_string();
    let exported = migrate(&world, &[("cmd", "export"), ("appIds", &id), ("config", "{withBinary:true}")]).await;
    assert_eq!((&exported["migrationType"], &exported["state"]), (&json!(2), &json!("success")));
    let file = exported["extraInfo"]["appJsonFile"].as_str().unwrap();
    let document: Value = serde_json::from_str(file).unwrap();
    let item = &document["app_info"][0];
    assert_eq!(
        (&item["app_name"], &item["deployment"], &item["cs_cluster_id"]),
        (&json!("Web"), &json!("web"), &json!("cs-lab"))
    );
    // Here it is managed already: that is what was asked for.
    let imported = migrate(&world, &[("cmd", "import"), ("rawData", file)]).await;
    assert_eq!(states(&imported)[0]["app_id"], json!(id));
    assert_eq!(imported["extraInfo"]["errorMsg"], "");
}

#[tokio::test]
async fn what_cannot_be_migrated_is_told() {
    let world = World::new().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let message = world.call("MigrateApplication", &[("cmd", "export"), ("appIds", unknown)]).await.business(404);
    assert!(message.contains("does not exist"), "{message}");
    let message = world.call("MigrateApplication", &[("cmd", "clone"), ("appIds", unknown)]).await.business(400);
    assert!(message.contains("InsertK8sApplication"), "{message}");
    for (parameters, code) in [
        (vec![], "MissingParameter"),
        (vec![("cmd", "export")], "MissingParameter"),
        (vec![("cmd", "import")], "MissingParameter"),
        (vec![("cmd", "move")], "InvalidParameter"),
        (vec![("cmd", "import"), ("rawData", "nothing")], "InvalidParameter"),
    ] {
        world.call("MigrateApplication", &parameters).await.gateway(400, code);
    }
    assert_eq!(world.call("GetMigrateApplication", &[]).await.success()["data"]["totalSize"], 0);
}
