//! Who is let in, and what the others are told. No refusal writes anything.

use jiff::SignedDuration;
use sternway_core::ports::Store as _;
use sternway_wire::signature::roa;

use crate::world::{KEY, World, access_key, now, owned};

#[tokio::test]
async fn both_schemes_are_let_in() {
    let world = World::new().await;
    world.call("ListCluster", &[]).await.success();
    world.call_roa("ListCluster", &[("LogicalRegionId", "cn-hangzhou")]).await.success();
    for form in [roa::Form::PYTHON, roa::Form::GO] {
        let reply = world
            .sign("ListCluster", &[("LogicalRegionId", "")], |call| call.sign_roa(KEY, form, now(), &world.nonce()));
        reply.await.success();
    }
}

#[tokio::test]
async fn who_cannot_prove_who_they_are_is_refused() {
    let world = World::new().await;
    world.store.insert_key(access_key("sleeping", false)).await.unwrap();
    let before = world.everything().await;
    let insert = [("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")];

    let mut wrong = KEY;
    wrong.secret = "another";
    let reply = world
        .sign("InsertOrUpdateRegion", &insert, |call| call.sign_roa(wrong, roa::Form::JAVA, now(), &world.nonce()));
    let message = reply.await.gateway(400, "SignatureDoesNotMatch");
    assert!(message.contains("string to sign is:POST\n"), "{message}");

    let mut unknown = KEY;
    unknown.id = "nobody";
    let reply = world.sign("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(unknown, now(), &world.nonce()));
    let message = reply.await.gateway(404, "InvalidAccessKeyId.NotFound");
    assert!(message.contains("\"nobody\""), "{message}");

    let mut sleeping = KEY;
    sleeping.id = "sleeping";
    let reply = world.sign("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(sleeping, now(), &world.nonce()));
    let message = reply.await.gateway(403, "InvalidAccessKeyId.Inactive");
    assert!(message.contains("Enable it"), "{message}");

    for minutes in [-16, 16] {
        let at = now() + SignedDuration::from_mins(minutes);
        let reply = world.sign("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(KEY, at, &world.nonce()));
        let message = reply.await.gateway(400, "InvalidTimeStamp.Expired");
        assert!(message.contains("Set the client's clock"), "{message}");
    }

    let (method, mut call) =
        world.signed("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(KEY, now(), &world.nonce()));
    call.headers.retain(|(name, _)| name != "authorization");
    world.send(method, &call).await.gateway(400, "IncompleteSignature");
    call.headers.push(("authorization".into(), "Bearer token".into()));
    world.send(method, &call).await.gateway(400, "IncompleteSignature");

    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_changed_request_is_refused() {
    let world = World::new().await;
    let before = world.everything().await;
    let insert = [("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")];
    let (method, call) =
        world.signed("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(KEY, now(), &world.nonce()));
    let mut changed = call.clone();
    changed.target = changed.target.replace("hangzhou%3Aa", "hangzhou%3Ab");
    assert_ne!(changed.target, call.target);
    world.send(method, &changed).await.gateway(400, "SignatureDoesNotMatch");
    let mut longer = call.clone();
    longer.body = b"RegionName=b".to_vec();
    world.send(method, &longer).await.gateway(400, "SignatureDoesNotMatch");
    assert_eq!(world.everything().await, before);
    world.send(method, &call).await.success();
}

#[tokio::test]
async fn a_nonce_is_good_once_and_not_spent_by_a_forgery() {
    let world = World::new().await;
    let mut wrong = KEY;
    wrong.secret = "another";
    let reply = world.sign("ListCluster", &[], |call| call.sign_acs3(wrong, now(), "n"));
    reply.await.gateway(400, "SignatureDoesNotMatch");

    let insert = [("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")];
    let (method, call) = world.signed("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(KEY, now(), "n"));
    world.send(method, &call).await.success();
    let before = world.everything().await;
    let message = world.send(method, &call).await.gateway(400, "SignatureNonceUsed");
    assert!(message.contains("new nonce"), "{message}");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_user_without_permission_is_refused_everything() {
    let world = World::new().await;
    let mut key = access_key("guest", true);
    key.user = "guest".to_owned();
    world.store.insert_key(key).await.unwrap();
    let before = world.everything().await;
    let mut guest = KEY;
    guest.id = "guest";
    let insert = [("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")];
    let reply = world.sign("InsertOrUpdateRegion", &insert, |call| call.sign_acs3(guest, now(), &world.nonce())).await;
    let message = reply.gateway(403, "Forbidden.RAM");
    assert!(message.contains("edas:CreateNamespace"), "{message}");
    assert_eq!(reply.json()["AccessDeniedDetail"]["AuthAction"], "edas:CreateNamespace");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn parameters_may_come_in_a_form_body() {
    let world = World::new().await;
    let form = owned(&[("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")]);
    let reply = world
        .sign("InsertOrUpdateRegion", &[], |call| {
            let call = sternway_wire::signature::client::Call { form: &form, ..call };
            call.sign_acs3(KEY, now(), &world.nonce())
        })
        .await;
    assert_eq!(reply.success()["UserDefineRegionEntity"]["RegionId"], "cn-hangzhou:a");
}
