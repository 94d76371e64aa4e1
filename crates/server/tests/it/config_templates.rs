//! Configuration templates, from their creation to their end.

use crate::world::World;

const JSON: &[(&str, &str)] = &[("Name", "web"), ("Format", "JSON"), ("Content", r#"{"a":1}"#), ("Description", "d")];

#[tokio::test]
async fn a_template_is_made_changed_listed_and_deleted() {
    let world = World::new().await;
    let first = world.call("CreateConfigTemplate", JSON).await.success()["Data"]["Id"].as_i64().unwrap().to_string();
    let second = [("Name", "api"), ("Content", "anything")];
    let second = world.call("CreateConfigTemplate", &second).await.success()["Data"]["Id"].to_string();
    assert_ne!(first, second);
    let all = world.call("ListConfigTemplates", &[]).await.success()["Data"].clone();
    assert_eq!((&all["TotalSize"], &all["CurrentPage"]), (&2.into(), &1.into()));
    assert_eq!(all["Result"][0]["Content"], r#"{"a":1}"#);
    assert_eq!(all["Result"][1]["Format"], "Custom");

    world.advance(60);
    let update = [("Id", first.as_str()), ("Format", "yaml"), ("Content", "a: 2"), ("Description", "")];
    world.call("UpdateConfigTemplate", &update).await.success();
    let found = world.call("ListConfigTemplates", &[("Name", "web")]).await.success()["Data"].clone();
    let template = &found["Result"][0];
    assert_eq!((&found["TotalSize"], &template["Content"]), (&1.into(), &"a: 2".into()));
    assert_eq!((&template["Format"], &template["Description"]), (&"YAML".into(), &"".into()));
    let (made, changed) = (template["GmtCreate"].as_i64().unwrap(), template["GmtModified"].as_i64().unwrap());
    assert_eq!(changed - made, 60_000);
    let page = [("PageSize", "1"), ("CurrentPage", "2")];
    let page = world.call("ListConfigTemplates", &page).await.success()["Data"].clone();
    assert_eq!((&page["TotalSize"], &page["Result"][0]["Name"]), (&2.into(), &"api".into()));

    world.call("DeleteConfigTemplate", &[("Id", &second)]).await.success();
    world.call("DeleteConfigTemplate", &[("Id", &second)]).await.business(404);
    let third = world.call("CreateConfigTemplate", &[("Name", "api")]).await.success()["Data"]["Id"].to_string();
    assert_ne!(third, second, "an id is not given twice");
    assert_eq!(world.call("ListConfigTemplates", &[("Id", &first)]).await.success()["Data"]["TotalSize"], 1);
}

#[tokio::test]
async fn templates_that_cannot_be() {
    let world = World::new().await;
    let id = world.call("CreateConfigTemplate", JSON).await.success()["Data"]["Id"].to_string();
    let id = ("Id", id.as_str());
    world.call("CreateConfigTemplate", &[("Name", "other")]).await.success();
    world.call("CreateConfigTemplate", &[]).await.gateway(400, "MissingParameter");
    for content in [("Content", "{"), ("Format", "INI")] {
        let parameters = [("Name", "x"), ("Format", "JSON"), content];
        let parameters = if content.0 == "Format" { vec![parameters[0], content] } else { parameters.to_vec() };
        world.call("CreateConfigTemplate", &parameters).await.gateway(400, "InvalidParameter");
    }
    let message = world.call("CreateConfigTemplate", JSON).await.business(400);
    assert!(message.contains("named web exists already"), "{message}");
    world.call("UpdateConfigTemplate", &[id, ("Name", "other")]).await.business(400);
    world.call("UpdateConfigTemplate", &[id, ("Name", "web")]).await.success();
    // The content that is there has to fit the new format as well.
    world.call("UpdateConfigTemplate", &[id, ("Format", "KeyValue")]).await.gateway(400, "InvalidParameter");
    world.call("UpdateConfigTemplate", &[("Id", "99"), ("Name", "y")]).await.business(404);
    world.call("UpdateConfigTemplate", &[("Name", "y")]).await.gateway(400, "MissingParameter");
    assert_eq!(world.call("ListConfigTemplates", &[id]).await.success()["Data"]["Result"][0]["Format"], "JSON");
}
