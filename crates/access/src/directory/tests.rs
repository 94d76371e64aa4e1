use super::*;
use crate::action::Action;
use crate::authority::parse_actions;
use crate::policy::{Circumstances, Question, Verdict};
use crate::resource::Resource;

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.create_user("alice", "Alice", "", now()).unwrap();
    directory.create_group("team", "", now()).unwrap();
    directory
}

fn verdict(grants: &Grants, action: Action, resource: &Resource) -> Verdict {
    let circumstances = Circumstances { now: now(), address: "127.0.0.1".parse().unwrap(), secure: true };
    grants.verdict(&Question { action, resource, account: "1", circumstances: &circumstances })
}

fn may(directory: &Directory, action: Action, resource: &Resource) -> bool {
    verdict(&directory.grants_of_user("alice").unwrap(), action, resource) == Verdict::Allowed
}

fn app(id: &str) -> Resource {
    Resource::application(Some("cn-hangzhou:test"), id)
}

const DENY: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"edas:DeleteApplication","Resource":"*"}]}"#;
const READ: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"edas:Read*","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}]}"#;

#[test]
fn rights_come_from_the_user_and_from_its_groups() {
    let mut directory = directory();
    assert!(!may(&directory, Action::ReadApplication, &app("a")));
    directory.attach("AliyunEDASReadOnlyAccess", Holder::User("alice")).unwrap();
    assert!(may(&directory, Action::ReadApplication, &app("a")));
    assert!(!may(&directory, Action::ManageApplication, &app("a")));
    directory.attach("AliyunEDASFullAccess", Holder::Group("team")).unwrap();
    assert!(!may(&directory, Action::ManageApplication, &app("a")));
    directory.add_member("team", "alice").unwrap();
    assert!(may(&directory, Action::ManageApplication, &app("a")));
    assert!(!may(&directory, Action::CreateUser, &Resource::system()));
    directory.put_policy("careful", "", DENY, now()).unwrap();
    directory.attach("careful", Holder::Group("team")).unwrap();
    assert!(!may(&directory, Action::DeleteApplication, &app("a")));
    directory.remove_member("team", "alice").unwrap();
    directory.detach("AliyunEDASReadOnlyAccess", Holder::User("alice")).unwrap();
    assert!(!may(&directory, Action::ReadApplication, &app("a")));
}

#[test]
fn what_is_attached_cannot_be_deleted_and_what_is_deleted_is_attached_nowhere() {
    let mut directory = directory();
    directory.put_policy("careful", "", DENY, now()).unwrap();
    directory.attach("careful", Holder::User("alice")).unwrap();
    assert!(matches!(directory.delete_policy("careful"), Err(Refused::Attached { .. })));
    assert_eq!(directory.holders_of("careful"), [("user", "alice".to_owned())]);
    directory.detach("careful", Holder::User("alice")).unwrap();
    directory.delete_policy("careful").unwrap();
    assert!(matches!(directory.attach("careful", Holder::User("alice")), Err(Refused::Unknown { kind: "policy", .. })));
    assert!(matches!(directory.delete_policy("AliyunEDASFullAccess"), Err(Refused::Reserved(_))));
    assert!(matches!(directory.put_policy("AliyunEDASFullAccess", "", READ, now()), Err(Refused::Reserved(_))));
    assert!(matches!(directory.put_policy("bad", "", "{}", now()), Err(Refused::Malformed(_))));
}

#[test]
fn a_user_that_comes_again_has_nothing_of_the_one_before() {
    let mut directory = directory();
    directory.add_member("team", "alice").unwrap();
    directory.attach("AliyunEDASFullAccess", Holder::Group("team")).unwrap();
    directory.authorize_apps("alice", BTreeSet::from(["a".to_owned()])).unwrap();
    directory.delete_user("alice").unwrap();
    assert!(directory.grants_of_user("alice").is_err());
    directory.create_user("alice", "", "", now()).unwrap();
    assert_eq!(directory.grants_of_user("alice").unwrap(), Grants::default());
}

#[test]
fn the_root_user_is_out_of_reach() {
    let mut directory = directory();
    assert_eq!(directory.attach("AliyunEDASFullAccess", Holder::User("root")), Err(Refused::Root));
    assert_eq!(directory.add_member("team", "root"), Err(Refused::Root));
    assert_eq!(directory.delete_user("root"), Err(Refused::Root));
    for reserved in ["root", "sternway"] {
        assert_eq!(directory.create_user(reserved, "", "", now()).err(), Some(Refused::Reserved(reserved.to_owned())));
    }
    for name in ["", "a b", "a/b", "*", &"a".repeat(65)] {
        assert!(matches!(directory.create_user(name, "", "", now()), Err(Refused::Name(..))), "{name}");
    }
}

#[test]
fn authorised_applications_can_be_operated_and_roles_add_to_that() {
    let mut directory = directory();
    directory.authorize_apps("alice", BTreeSet::from(["a".to_owned()])).unwrap();
    directory.authorize_resource_groups("alice", BTreeSet::from(["7".to_owned()])).unwrap();
    let in_group = app("g").in_group(Some(&"7".to_owned()));
    for (resource, allowed) in [(app("a"), true), (app("b"), false), (in_group, true)] {
        assert_eq!(may(&directory, Action::ManageApplication, &resource), allowed);
        assert!(!may(&directory, Action::DeleteApplication, &resource));
    }
    let actions = parse_actions("3:5;2:1").unwrap();
    let role = directory.create_action_role("deleter", &actions, now()).unwrap();
    directory.authorize_roles("alice", BTreeSet::from([role])).unwrap();
    assert!(may(&directory, Action::DeleteApplication, &app("a")));
    assert!(!may(&directory, Action::DeleteApplication, &app("b")));
    assert!(may(&directory, Action::ReadCluster, &Resource::cluster(Some("cn-hangzhou"), "c")));
    assert!(matches!(directory.delete_action_role(role), Err(Refused::InUse { .. })));
    assert!(directory.authorize_roles("alice", BTreeSet::from([role, 99])).is_err());
    directory.authorize_roles("alice", BTreeSet::new()).unwrap();
    directory.delete_action_role(role).unwrap();
    assert_ne!(directory.create_action_role("next", &[], now()).unwrap(), role);
}

#[test]
fn a_denial_wins_over_an_authorised_application() {
    let mut directory = directory();
    directory.authorize_apps("alice", BTreeSet::from(["a".to_owned()])).unwrap();
    let deny = DENY.replace("DeleteApplication", "ManageApplication");
    directory.put_policy("frozen", "", &deny, now()).unwrap();
    directory.attach("frozen", Holder::User("alice")).unwrap();
    assert!(!may(&directory, Action::ManageApplication, &app("a")));
}

#[test]
fn a_session_policy_narrows_a_role_and_gives_nothing() {
    let mut directory = directory();
    directory.put_role("deployer", "", TRUST, 3600, now()).unwrap();
    let all = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let none = directory.grants_of_role("deployer", Some(all)).unwrap();
    assert_eq!(verdict(&none, Action::ReadApplication, &app("a")), Verdict::NotAllowed);
    directory.attach("AliyunEDASFullAccess", Holder::Role("deployer")).unwrap();
    let whole = directory.grants_of_role("deployer", None).unwrap();
    let narrow = directory.grants_of_role("deployer", Some(READ)).unwrap();
    for (action, in_whole, in_narrow) in [
        (Action::ReadApplication, true, true),
        (Action::ManageApplication, true, false),
        (Action::ListUsers, false, false),
    ] {
        assert_eq!(verdict(&whole, action, &app("a")) == Verdict::Allowed, in_whole);
        assert_eq!(verdict(&narrow, action, &app("a")) == Verdict::Allowed, in_narrow);
    }
    directory.put_role("deployer", "changed", TRUST, 100, now()).unwrap();
    let role = directory.role("deployer").unwrap();
    assert_eq!((role.policies.len(), role.longest_session), (1, SHORTEST_SESSION));
    directory.delete_role("deployer").unwrap();
    assert!(directory.grants_of_role("deployer", None).is_err());
}

#[test]
fn it_is_stored_and_read_again_as_it_was() {
    let mut directory = directory();
    directory.put_policy("careful", "d", DENY, now()).unwrap();
    directory.put_role("deployer", "", TRUST, 3600, now()).unwrap();
    directory.create_action_role("r", &[Action::ReadCluster], now()).unwrap();
    let text = serde_json::to_string(&directory).unwrap();
    assert_eq!(serde_json::from_str::<Directory>(&text).unwrap(), directory);
    assert_eq!(serde_json::from_str::<Directory>("{}").unwrap(), Directory::default());
}

#[test]
fn a_stored_policy_that_cannot_be_read_lets_nobody_in() {
    let mut directory = directory();
    directory.put_policy("careful", "", DENY, now()).unwrap();
    directory.attach("careful", Holder::User("alice")).unwrap();
    let newer = serde_json::to_string(&directory).unwrap().replace("Deny", "Audit");
    let directory: Directory = serde_json::from_str(&newer).unwrap();
    assert!(matches!(directory.grants_of_user("alice"), Err(Unusable::Policy { .. })));
}
