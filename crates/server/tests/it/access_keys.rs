//! Keys of users, and temporary keys of roles that were taken on.

use serde_json::Value;
use sternway_core::ports::{Record, Records as _, Store as _};
use sternway_wire::signature::client::{AccessKey, Call};
use sternway_wire::signature::roa;

use crate::permissions::user;
use crate::world::{CLUSTER, KEY, Reply, World, now, owned};

pub(crate) const TRUST_ALL: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1:root"]}}]}"#;
const ROLE: (&str, &str) = ("RoleArn", "acs:ram::1:role/reader");
const SESSION: (&str, &str) = ("RoleSessionName", "job-7");

#[tokio::test]
async fn a_user_has_two_keys_at_most_and_they_end_with_it() {
    let world = World::new().await;
    let first = user(&world, "alice", &["AliyunEDASReadOnlyAccess"]).await;
    let create = [("UserName", "alice")];
    let second = world.call("CreateAccessKey", &create).await.success();
    assert!(world.call("CreateAccessKey", &create).await.business(409).contains("Delete one first"));
    let list = world.call("ListAccessKeys", &create).await;
    assert!(!list.body.contains("Secret"), "secrets are shown once");
    assert_eq!(list.success()["AccessKeys"].as_array().unwrap().len(), 2);

    let disable = [("UserAccessKeyId", first.id.as_str()), ("Status", "Inactive")];
    world.call("UpdateAccessKey", &disable).await.success();
    first.call(&world, "ListCluster", &[]).await.gateway(403, "InvalidAccessKeyId.Inactive");
    world.call("DeleteAccessKey", &disable[..1]).await.success();
    first.call(&world, "ListCluster", &[]).await.gateway(404, "InvalidAccessKeyId.NotFound");
    world.call("DeleteAccessKey", &disable[..1]).await.business(404);

    world.call("DeleteUser", &create).await.success();
    world.call("CreateUser", &create).await.success();
    let left = world.call("ListAccessKeys", &create).await.success();
    assert_eq!(left["AccessKeys"], Value::Array(Vec::new()), "{}", second["AccessKeyId"]);
}

#[tokio::test]
async fn nobody_locks_the_root_user_out() {
    let world = World::new().await;
    let admin = user(&world, "admin", &["AdministratorAccess"]).await;
    let key = ("UserAccessKeyId", KEY.id);
    for (operation, parameters) in [
        ("CreateAccessKey", vec![("UserName", "root")]),
        ("UpdateAccessKey", vec![key, ("Status", "Inactive")]),
        ("DeleteAccessKey", vec![key]),
        ("DeleteUser", vec![("UserName", "root")]),
        ("AttachPolicy", vec![("UserName", "root"), ("PolicyName", "AliyunEDASReadOnlyAccess")]),
    ] {
        admin.call(&world, operation, &parameters).await.business(403);
    }
    world.call("UpdateAccessKey", &[key, ("Status", "Inactive")]).await.business(409);
    world.call("DeleteAccessKey", &[key]).await.business(409);
    world.call("CreateAccessKey", &[]).await.success();
    world.call("DeleteAccessKey", &[key]).await.success();
    world.call("ListCluster", &[]).await.gateway(404, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted() {
    let world = World::new().await;
    let alice = user(&world, "alice", &[]).await;
    let shown = async || {
        let list = world.call("ListAccessKeys", &[("UserName", "alice")]).await.success();
        list["AccessKeys"][0]["LastUsedDate"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown().await, "");
    alice.call(&world, "ListCluster", &[]).await.success();
    // Noted beside the request; the server's end waits for it.
    world.cancel.cancel();
    world.served().await.unwrap();
    let noted = world.store.record("key-use", &alice.id).await.unwrap().unwrap();
    assert_eq!(noted.document["operation"], "ListCluster");
}

/// A temporary key.
pub(crate) struct Temporary {
    id: String,
    secret: String,
    token: String,
}

impl Temporary {
    pub(crate) fn of(reply: &Reply) -> Self {
        let credentials = reply.success()["Credentials"].clone();
        let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
        Self { id: text("AccessKeyId"), secret: text("AccessKeySecret"), token: text("SecurityToken") }
    }

    fn key<'a>(&'a self, token: Option<&'a str>) -> AccessKey<'a> {
        AccessKey { id: &self.id, secret: &self.secret, security_token: token }
    }

    pub(crate) async fn call(&self, world: &World, operation: &str, parameters: &[(&str, &str)]) -> Reply {
        let key = self.key(Some(&self.token));
        world.sign(operation, parameters, |call| call.sign_acs3(key, now(), &world.nonce())).await
    }
}

async fn world_with_role() -> World {
    let world = World::new().await;
    let role = [("RoleName", "reader"), ("AssumeRolePolicyDocument", TRUST_ALL), ("MaxSessionDuration", "3600")];
    world.call("PutRamRole", &role).await.success();
    world.call("AttachPolicy", &[("RoleName", "reader"), ("PolicyName", "AliyunEDASReadOnlyAccess")]).await.success();
    world
}

#[tokio::test]
async fn a_role_is_taken_on_for_a_while_by_both_kinds_of_signature() {
    let world = world_with_role().await;
    let alice = user(&world, "alice", &["AliyunSTSAssumeRoleAccess"]).await;
    let cluster = CLUSTER.to_string();
    let read = [("ClusterId", cluster.as_str())];
    alice.call(&world, "GetCluster", &read).await.gateway(403, "Forbidden.RAM");
    let reply = alice.call(&world, "AssumeRole", &[ROLE, SESSION, ("DurationSeconds", "900")]).await;
    assert_eq!(reply.success()["AssumedRoleUser"]["Arn"], "acs:ram::1:assumed-role/reader/job-7");
    assert_eq!(reply.success()["Credentials"]["Expiration"], "2026-11-26T04:15:00Z");
    let temporary = Temporary::of(&reply);

    temporary.call(&world, "GetCluster", &read).await.success();
    let roa = temporary.key(Some(&temporary.token));
    let signed =
        world.sign("GetCluster", &read, |call| call.sign_roa(roa, roa::Form::JAVA, now(), &world.nonce())).await;
    signed.success();
    let in_query = [read[0], ("SecurityToken", temporary.token.as_str())];
    let bare = temporary.key(None);
    world.sign("GetCluster", &in_query, |call| call.sign_acs3(bare, now(), &world.nonce())).await.success();
    let who = temporary.call(&world, "GetCallerIdentity", &[]).await.success();
    assert_eq!((&who["IdentityType"], &who["UserId"]), (&"AssumedRoleUser".into(), &"reader/job-7".into()));

    temporary.call(&world, "DeleteCluster", &read).await.gateway(403, "Forbidden.RAM");
    let sign = async |key| world.sign("GetCluster", &read, |call| call.sign_acs3(key, now(), &world.nonce())).await;
    sign(temporary.key(None)).await.gateway(400, "MissingSecurityToken");
    sign(temporary.key(Some("wrong"))).await.gateway(400, "InvalidSecurityToken.MismatchWithAccessKey");
    let forged = AccessKey { secret: "wrong", ..temporary.key(Some(&temporary.token)) };
    sign(forged).await.gateway(400, "SignatureDoesNotMatch");
    let permanent = AccessKey { security_token: Some(&temporary.token), ..KEY };
    sign(permanent).await.gateway(400, "InvalidSecurityToken.MismatchWithAccessKey");

    world.advance(899);
    temporary.call(&world, "GetCluster", &read).await.success();
    world.advance(1);
    temporary.call(&world, "GetCluster", &read).await.gateway(400, "InvalidSecurityToken.Expired");
}

#[tokio::test]
async fn a_session_is_narrowed_by_its_policy_and_ends_with_its_role() {
    let world = world_with_role().await;
    let nothing = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:*","Resource":"*"}]}"#;
    let narrow = Temporary::of(&world.call("AssumeRole", &[ROLE, SESSION, ("Policy", nothing)]).await);
    let whole = Temporary::of(&world.call("AssumeRole", &[ROLE, SESSION]).await);
    let cluster = CLUSTER.to_string();
    let read = [("ClusterId", cluster.as_str())];
    narrow.call(&world, "GetCluster", &read).await.gateway(403, "Forbidden.RAM");
    narrow.call(&world, "CreateUser", &[("UserName", "x")]).await.gateway(403, "Forbidden.RAM");
    whole.call(&world, "GetCluster", &read).await.success();
    world.call("AssumeRole", &[ROLE, SESSION, ("Policy", "{}")]).await.business(400);
    world.call("DeleteRamRole", &[("RoleName", "reader")]).await.success();
    whole.call(&world, "GetCluster", &read).await.gateway(404, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn a_role_is_taken_on_by_whom_it_trusts_and_who_may() {
    let world = world_with_role().await;
    let trust = TRUST_ALL.replace("acs:ram::1:root", "acs:ram::1:user/alice");
    world.call("PutRamRole", &[("RoleName", "reader"), ("AssumeRolePolicyDocument", &trust)]).await.success();
    let alice = user(&world, "alice", &["AliyunSTSAssumeRoleAccess"]).await;
    let bob = user(&world, "bob", &["AliyunSTSAssumeRoleAccess"]).await;
    let carol = user(&world, "carol", &[]).await;
    alice.call(&world, "AssumeRole", &[ROLE, SESSION]).await.success();
    assert!(bob.call(&world, "AssumeRole", &[ROLE, SESSION]).await.business(403).contains("does not trust"));
    carol.call(&world, "AssumeRole", &[ROLE, SESSION]).await.gateway(403, "Forbidden.RAM");
    for (name, value, status) in [("DurationSeconds", "899", 400), ("DurationSeconds", "3601", 400)] {
        let reply = alice.call(&world, "AssumeRole", &[ROLE, SESSION, (name, value)]).await;
        reply.gateway(status, "InvalidParameter");
    }
    let elsewhere = [("RoleArn", "acs:ram::1:role/none"), SESSION];
    alice.call(&world, "AssumeRole", &elsewhere).await.business(404);
}

#[tokio::test]
async fn clients_of_sts_find_it_where_they_look() {
    let world = world_with_role().await;
    let query = owned(&[ROLE, SESSION]);
    let ask = async |operation: &str, query: &[(String, String)]| {
        let call = Call { operation, method: "POST", host: &world.host, path: "/", query, form: &[] };
        world.send("POST", &call.sign_acs3(KEY, now(), &world.nonce())).await
    };
    let temporary = Temporary::of(&ask("AssumeRole", &query).await);
    temporary.call(&world, "ListCluster", &[]).await.success();
    assert_eq!(ask("GetCallerIdentity", &[]).await.success()["IdentityType"], "Account");
    ask("DeleteUser", &owned(&[("UserName", "x")])).await.gateway(404, "InvalidApi.NotFound");
}

#[tokio::test]
async fn secrets_are_sealed_where_they_are_stored() {
    let world = world_with_role().await;
    let temporary = Temporary::of(&world.call("AssumeRole", &[ROLE, SESSION]).await);
    let record = world.store.record("sts-session", &temporary.id).await.unwrap().unwrap();
    assert!(!record.document.to_string().contains(&temporary.secret));
    assert!(!record.document.to_string().contains(&temporary.token));
    assert!(world.store.key(KEY.id).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_taken_on_ends_with_the_user_and_does_not_come_again_with_the_role() {
    let world = world_with_role().await;
    let trust = ("AssumeRolePolicyDocument", TRUST_ALL);
    world.call("AttachPolicy", &[("RoleName", "reader"), ("PolicyName", "AliyunSTSAssumeRoleAccess")]).await.success();
    let alice = user(&world, "alice", &["AliyunSTSAssumeRoleAccess"]).await;
    let first = Temporary::of(&alice.call(&world, "AssumeRole", &[ROLE, SESSION]).await);
    let chained = Temporary::of(&first.call(&world, "AssumeRole", &[ROLE, SESSION]).await);
    let roots = Temporary::of(&world.call("AssumeRole", &[ROLE, SESSION]).await);
    let cluster = CLUSTER.to_string();
    let read = [("ClusterId", cluster.as_str())];
    for session in [&first, &chained, &roots] {
        session.call(&world, "GetCluster", &read).await.success();
    }
    world.call("DeleteUser", &[("UserName", "alice")]).await.success();
    for session in [&first, &chained] {
        session.call(&world, "GetCluster", &read).await.gateway(404, "InvalidAccessKeyId.NotFound");
    }
    roots.call(&world, "GetCluster", &read).await.success();

    world.call("DeleteRamRole", &[("RoleName", "reader")]).await.success();
    world.call("PutRamRole", &[("RoleName", "reader"), trust]).await.success();
    let administrator = [("RoleName", "reader"), ("PolicyName", "AdministratorAccess")];
    world.call("AttachPolicy", &administrator).await.success();
    roots.call(&world, "GetCluster", &read).await.gateway(404, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn nobody_takes_the_room_for_roles_from_others() {
    let world = world_with_role().await;
    let alice = user(&world, "alice", &["AliyunSTSAssumeRoleAccess"]).await;
    let reply = alice.call(&world, "AssumeRole", &[ROLE, SESSION, ("DurationSeconds", "900")]).await;
    let one = world.store.record("sts-session", &Temporary::of(&reply).id).await.unwrap().unwrap();
    let more = (1..1000).map(|number| Record { id: format!("STS.{number}"), ..one.clone() });
    futures::future::try_join_all(more.map(|record| world.store.put_record(record))).await.unwrap();
    alice.call(&world, "AssumeRole", &[ROLE, SESSION]).await.gateway(429, "Throttling.User");
    world.call("AssumeRole", &[ROLE, SESSION]).await.success();
    // What is over makes room, though it is still known for a day.
    world.advance(900);
    alice.call(&world, "AssumeRole", &[ROLE, SESSION]).await.success();
}
