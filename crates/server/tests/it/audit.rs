//! What is recorded of requests, and what is not.

use serde_json::Value;
use sternway_core::audit::{Entry, Stage};
use sternway_core::ports::{Audit as _, AuditFilter, AuditPage, verify_audit};
use sternway_server::Config;
use sternway_wire::catalog::Catalog;

use crate::world::{KEY, World, now};

pub(crate) async fn entries(world: &World) -> Vec<Entry> {
    let links = world.store.entries(AuditFilter::default(), AuditPage::After(0), 1000).await.unwrap();
    links.iter().map(|link| link.entry().unwrap()).collect()
}

#[tokio::test]
async fn a_change_is_recorded_before_and_after_it_with_what_it_was_about() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let parameters =
        [("AppId", app.as_str()), ("Image", "a:2"), ("Envs", r#"[{"name":"PASSWORD","value":"planted"}]"#)];
    let order = world.call("DeployK8sApplication", &parameters).await.order_id().to_string();
    let all = entries(&world).await;
    let [created, answered, asked, done] = &all[..] else { panic!("{all:?}") };
    assert_eq!((created.stage, answered.app_id.as_str()), (Stage::Asked, app.as_str()), "the id that the answer gave");
    assert_eq!((asked.stage, asked.code.as_str()), (Stage::Asked, ""));
    assert_eq!((done.stage, done.code.as_str()), (Stage::Answered, "200"));
    for entry in [asked, done] {
        assert_eq!((entry.user.as_str(), entry.access_key_id.as_str()), ("root", KEY.id));
        assert_eq!((entry.source.as_str(), entry.operation.as_str()), ("127.0.0.1", "DeployK8sApplication"));
        assert_eq!((entry.app_id.as_str(), entry.parameters["Image"].as_str()), (app.as_str(), "a:2"));
        assert_eq!(entry.withheld, ["Envs"], "its name, and not its value");
        assert_eq!(entry.trace_id, asked.trace_id);
    }
    assert_eq!(done.results["ChangeOrderId"], order);
    assert_eq!(world.order(order.parse().unwrap()).await.actor.trace_id, done.trace_id);
    assert!(!format!("{all:?}").contains("planted"));

    world.call("AbortChangeOrder", &[("ChangeOrderId", &order)]).await.success();
    world.call("AbortAndRollbackChangeOrder", &[("ChangeOrderId", &order)]).await.business(400);
    let all = entries(&world).await;
    let last = all.last().unwrap();
    assert_eq!(last.code, "Application.ChangerOrder.Not.Running", "refusals are outcomes, too");
    assert_eq!(last.app_id, app, "the application of the order");
    assert_eq!(verify_audit(world.store.as_ref()).await.unwrap().unwrap().sequence, all.len() as u64);
}

#[tokio::test]
async fn no_secret_of_a_request_is_recorded_or_stored_in_plain_text() {
    let world = World::with(Config { audit_reads: true, ..Config::default() }).await;
    let cluster = crate::world::CLUSTER.to_string();
    let secret = [
        ("ClusterId", cluster.as_str()),
        ("Namespace", "default"),
        ("Name", "database"),
        ("Data", r#"[{"Key":"password","Value":"planted-in-a-secret"}]"#),
    ];
    world.call("CreateK8sSecret", &secret).await.success();
    let kubeconfig = [("ClusterName", "other"), ("KubeConfig", "kind: Config # planted-in-a-kubeconfig")];
    world.call("ImportK8sCluster", &kubeconfig).await.success();
    world.call("CreateUser", &[("UserName", "alice")]).await.success();
    let key = world.call("CreateAccessKey", &[("UserName", "alice")]).await.success();
    let key = key["AccessKeySecret"].as_str().unwrap().to_owned();
    world.call("ListK8sSecrets", &[("ClusterId", &cluster), ("ShowRelatedApps", "false")]).await;

    let all = entries(&world).await;
    assert_eq!(all.iter().filter(|entry| entry.stage == Stage::Answered && entry.code == "200").count(), 5, "{all:?}");
    let recorded = format!("{all:?}");
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for planted in ["planted-in-a-secret", "planted-in-a-kubeconfig", &key] {
        assert!(!recorded.contains(planted), "{planted} is recorded");
        assert!(!world.files().iter().any(|file| holds(file, planted)), "{planted} is stored");
    }
    assert!(world.files().iter().any(|file| holds(file, "CreateK8sSecret")), "the search itself works");
}

#[tokio::test]
async fn reads_are_recorded_only_if_that_is_set() {
    let world = World::new().await;
    world.call("ListCluster", &[]).await.success();
    assert!(entries(&world).await.is_empty());
    let world = World::with(Config { audit_reads: true, ..Config::default() }).await;
    world.call("ListCluster", &[]).await.success();
    let all = entries(&world).await;
    assert_eq!((all.len(), all[0].stage, all[0].operation.as_str()), (1, Stage::Answered, "ListCluster"));
}

#[tokio::test]
async fn refusals_are_recorded_and_cannot_fill_the_disk() {
    let world = World::with(Config { bad_signatures: 0, ..Config::default() }).await;
    let mut wrong = KEY;
    wrong.secret = "a guess";
    let guess = async || {
        let reply = world.sign("ListCluster", &[], |call| call.sign_acs3(wrong, now(), &world.nonce())).await;
        reply.gateway(400, "SignatureDoesNotMatch");
    };
    guess().await;
    let all = entries(&world).await;
    assert_eq!((all[0].stage, all[0].code.as_str()), (Stage::Refused, "SignatureDoesNotMatch"));
    assert_eq!((all[0].user.as_str(), all[0].access_key_id.as_str()), ("", KEY.id), "claimed, not proven");
    for _ in 0..300 {
        guess().await;
    }
    assert_eq!(entries(&world).await.len(), 200);
    world.advance(60);
    guess().await;
    assert_eq!(entries(&world).await.last().unwrap().unrecorded, 101, "how many there were is not lost");
}

#[tokio::test]
async fn who_is_not_allowed_is_recorded_by_name() {
    let world = World::new().await;
    let mut key = crate::world::access_key("guest", true);
    key.user = "guest".to_owned();
    sternway_core::ports::Store::insert_key(world.store.as_ref(), key).await.unwrap();
    let mut guest = KEY;
    guest.id = "guest";
    let insert = [("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")];
    let reply = world.sign("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(guest, now(), &world.nonce()));
    reply.await.gateway(403, "Forbidden.RAM");
    let all = entries(&world).await;
    assert_eq!((all.len(), all[0].stage, all[0].user.as_str()), (1, Stage::Refused, "guest"));
    assert_eq!(all[0].parameters["RegionTag"], "cn-hangzhou:a");
}

#[tokio::test]
async fn the_log_is_listed_by_the_api() {
    let world = World::new().await;
    for name in ["a", "b"] {
        let tag = format!("cn-hangzhou:{name}");
        world.call("InsertOrUpdateRegion", &[("RegionTag", &tag), ("RegionName", name)]).await.success();
    }
    let sequences = async |parameters: &[(&str, &str)]| -> Vec<u64> {
        let body = world.call("ListAuditEntries", parameters).await.success();
        let lines = body["AuditEntryList"].as_array().unwrap().clone();
        lines.iter().map(|line| line["Sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(sequences(&[]).await, [4, 3, 2, 1], "newest first");
    assert_eq!(sequences(&[("OnlyOutcomes", "true")]).await, [4, 2]);
    assert_eq!(sequences(&[("After", "1"), ("Limit", "2")]).await, [2, 3], "oldest first");
    assert_eq!(sequences(&[("Before", "3")]).await, [2, 1]);
    assert!(sequences(&[("UserName", "nobody")]).await.is_empty());
    assert!(sequences(&[("Since", "2030-01-01T00:00:00Z")]).await.is_empty());
    world.call("ListAuditEntries", &[("After", "1"), ("Before", "3")]).await.gateway(400, "InvalidParameter");
    world.call("ListAuditEntries", &[("Since", "yesterday")]).await.gateway(400, "InvalidParameter");

    let body = world.call("ListAuditEntries", &[("After", "0")]).await.success();
    let mut head = sternway_core::audit::Head::default();
    for line in body["AuditEntryList"].as_array().unwrap() {
        head.follow(&sternway_core::audit::Link::from_line(&line.to_string()).unwrap()).unwrap();
    }
    let sealed = world.call("GetAuditHead", &[]).await.success();
    assert_eq!((&sealed["Sequence"], &sealed["Hash"]), (&Value::from(4), &Value::from(head.hash)));
    assert_eq!(sealed["Problem"], "");
    assert!(Catalog::by_name("ListAuditEntries").is_some());
}

#[tokio::test]
async fn a_grant_is_recorded_with_what_is_granted_to_whom() {
    let world = World::new().await;
    let app = world.app("web", 1).await.to_string();
    crate::permissions::user(&world, "alice", &[]).await;
    world.call("AuthorizeApplication", &[("TargetUserId", "alice"), ("AppIds", &app)]).await.success();
    let last = entries(&world).await.pop().unwrap();
    assert_eq!((last.parameters["TargetUserId"].as_str(), &last.parameters["AppIds"]), ("alice", &app));
    let long = vec!["app"; 400].join(";");
    world.call("AuthorizeApplication", &[("TargetUserId", "alice"), ("AppIds", &long)]).await.business(404);
    let last = entries(&world).await.pop().unwrap();
    assert!(last.parameters["AppIds"].ends_with("app;…"), "that there was more is seen: {last:?}");
}

#[tokio::test]
async fn the_noise_of_strangers_hides_nobody() {
    let world = World::with(Config { bad_signatures: 0, ..Config::default() }).await;
    let guest = crate::permissions::user(&world, "guest", &[]).await;
    let mut wrong = KEY;
    wrong.secret = "a guess";
    for _ in 0..300 {
        world.sign("ListCluster", &[], |call| call.sign_acs3(wrong, now(), &world.nonce())).await;
    }
    guest.call(&world, "DeleteUser", &[("UserName", "root")]).await.gateway(403, "Forbidden.RAM");
    let last = entries(&world).await.pop().unwrap();
    assert_eq!((last.stage, last.user.as_str(), last.operation.as_str()), (Stage::Refused, "guest", "DeleteUser"));
}
