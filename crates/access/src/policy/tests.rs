use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::resource::Path;

const CIRCUMSTANCES: Circumstances = Circumstances {
    now: Timestamp::UNIX_EPOCH,
    address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 2, 3)),
    secure: false,
};

fn noon() -> Circumstances {
    Circumstances { now: "2026-11-26T12:00:00Z".parse().unwrap(), ..CIRCUMSTANCES }
}

fn ask(policies: &[&str], action: Action, resource: &Resource, circumstances: &Circumstances) -> Verdict {
    let policies: Vec<Policy> = policies.iter().map(|text| Policy::parse(text).unwrap()).collect();
    Verdict::of(&policies, &Question { action, resource, account: "1", circumstances })
}

/// A policy of one statement.
fn one(effect: &str, action: &str, resource: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Action":{action},"Resource":"{resource}"{condition}}}]}}"#
    )
}

fn app() -> Resource {
    Resource::application(Some("cn-hangzhou:test"), "a1")
}

#[test]
fn a_resource_is_matched_part_by_part() {
    let table = [
        ("*", true),
        ("acs:edas:*:*:*", true),
        ("acs:edas:cn-hangzhou:1:namespace/cn-hangzhou:test/application/a1", true),
        ("acs:edas:cn-hangzhou:*:namespace/*/application/a1", true),
        ("acs:edas:*:*:namespace/cn-hangzhou:test/*", true),
        ("acs:edas:*:*:namespace/*", true),
        ("acs:edas:*:*:namespace/cn-hangzhou:test", false),
        ("acs:edas:*:*:namespace/cn-hangzhou:test/cluster/*", false),
        ("acs:edas:*:*:namespace/cn-hangzhou:tes?/application/a?", true),
        ("acs:edas:*:*:namespace/cn-hangzhou/application/a1", false),
        ("acs:edas:*:*:namespace/cn-hangzhou:TEST/application/a1", false),
        ("acs:edas:cn-beijing:*:*", false),
        ("acs:edas:*:2:*", false),
        ("acs:edas:*:*:namespace/cn-hangzhou:test/application/a", false),
        ("acs:ecs:*:*:*", false),
    ];
    for (pattern, matches) in table {
        let verdict = ask(&[&one("Allow", r#""edas:*""#, pattern, "")], Action::ReadApplication, &app(), &noon());
        assert_eq!(verdict == Verdict::Allowed, matches, "{pattern}");
    }
}

#[test]
fn what_cannot_be_found_is_matched_by_wildcards_only() {
    let gone = Resource::application(None, "a1");
    for (pattern, matches) in [
        ("acs:edas:*:*:namespace/*/application/a1", true),
        ("acs:edas:*:*:namespace/cn-hangzhou:test/*", false),
        ("acs:edas:cn-hangzhou:*:*", false),
    ] {
        let verdict = ask(&[&one("Allow", r#""edas:*""#, pattern, "")], Action::ReadApplication, &gone, &noon());
        assert_eq!(verdict == Verdict::Allowed, matches, "{pattern}");
    }
}

#[test]
fn a_wildcard_of_one_part_does_not_reach_into_the_next() {
    let cluster = Resource::cluster(Some("cn-hangzhou"), "c");
    let verdict =
        ask(&[&one("Allow", r#""*""#, "acs:*:1:namespace/x:y:user/*", "")], Action::ReadCluster, &cluster, &noon());
    assert_eq!(verdict, Verdict::NotAllowed);
    let ram = Resource::ram(Path::User("alice".to_owned()));
    let verdict = ask(&[&one("Allow", r#""ram:*""#, "acs:ram::1:user/*", "")], Action::CreateUser, &ram, &noon());
    assert_eq!(verdict, Verdict::Allowed);
}

#[test]
fn actions_are_named_alone_in_lists_or_by_exception() {
    let policy = |key: &str, value: &str| {
        format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","{key}":{value},"Resource":"*"}}]}}"#)
    };
    let table = [
        (policy("Action", r#""edas:ReadApplication""#), true, false),
        (policy("Action", r#"["edas:Read*","arms:*"]"#), true, false),
        (policy("Action", r#""EDAS:*application""#), true, true),
        (policy("NotAction", r#"["edas:Manage*"]"#), true, false),
        (policy("NotAction", r#"["ram:*","sts:*"]"#), true, true),
        (policy("Action", r#""ecs:*""#), false, false),
    ];
    for (policy, reads, manages) in table {
        assert_eq!(ask(&[&policy], Action::ReadApplication, &app(), &noon()) == Verdict::Allowed, reads, "{policy}");
        assert_eq!(
            ask(&[&policy], Action::ManageApplication, &app(), &noon()) == Verdict::Allowed,
            manages,
            "{policy}"
        );
    }
}

#[test]
fn conditions_are_all_met_or_the_statement_is_silent() {
    let table = [
        (r#"{"IpAddress":{"acs:SourceIp":["10.0.0.0/8"]}}"#, true),
        (r#"{"IpAddress":{"acs:SourceIp":"10.1.2.3"}}"#, true),
        (r#"{"IpAddress":{"acs:SourceIp":["192.168.0.0/16","10.1.2.0/24"]}}"#, true),
        (r#"{"IpAddress":{"acs:SourceIp":["10.1.3.0/24"]}}"#, false),
        (r#"{"IpAddress":{"acs:SourceIp":["0.0.0.0/0"]}}"#, true),
        (r#"{"IpAddress":{"acs:SourceIp":["::/0"]}}"#, false),
        (r#"{"NotIpAddress":{"acs:SourceIp":["10.0.0.0/8"]}}"#, false),
        (r#"{"NotIpAddress":{"acs:SourceIp":["192.168.0.0/16","172.16.0.0/12"]}}"#, true),
        (r#"{"NotIpAddress":{"acs:SourceIp":["192.168.0.0/16","10.0.0.0/8"]}}"#, false),
        (r#"{"DateLessThan":{"acs:CurrentTime":"2026-11-26T20:00:01+08:00"}}"#, true),
        (r#"{"DateLessThan":{"acs:CurrentTime":"2026-11-26T20:00:00+08:00"}}"#, false),
        (r#"{"DateLessThanEquals":{"acs:CurrentTime":"2026-11-26T12:00:00Z"}}"#, true),
        (r#"{"DateGreaterThan":{"acs:CurrentTime":"2026-11-26T12:00:00Z"}}"#, false),
        (r#"{"DateGreaterThanEquals":{"acs:CurrentTime":"2026-11-26T12:00:00Z"}}"#, true),
        (r#"{"DateEquals":{"acs:CurrentTime":"2026-11-26T12:00:00Z"}}"#, true),
        (r#"{"DateNotEquals":{"acs:CurrentTime":["2026-11-26T12:00:00Z","2020-01-01T00:00:00Z"]}}"#, false),
        (
            r#"{"DateGreaterThan":{"acs:CurrentTime":"2026-11-01T00:00:00Z"},"DateLessThan":{"acs:CurrentTime":"2026-12-01T00:00:00Z"}}"#,
            true,
        ),
        (r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"},"Bool":{"acs:SecureTransport":"true"}}"#, false),
        (r#"{"Bool":{"acs:SecureTransport":["false"]}}"#, true),
        (r#"{"Bool":{"acs:SecureTransport":true}}"#, false),
    ];
    for (condition, met) in table {
        let verdict = ask(&[&one("Allow", r#""edas:*""#, "*", condition)], Action::ReadApplication, &app(), &noon());
        assert_eq!(verdict == Verdict::Allowed, met, "{condition}");
    }
    let six = Circumstances { address: "2001:db8::7".parse().unwrap(), secure: true, ..noon() };
    let policy = one(
        "Allow",
        r#""edas:*""#,
        "*",
        r#"{"IpAddress":{"acs:SourceIp":["2001:db8::/32"]},"Bool":{"acs:SecureTransport":"true"}}"#,
    );
    assert_eq!(ask(&[&policy], Action::ReadApplication, &app(), &six), Verdict::Allowed);
}

#[test]
fn a_malformed_policy_is_refused_at_the_place_that_is_wrong() {
    let with = |statement: &str| format!(r#"{{"Version":"1","Statement":[{statement}]}}"#);
    let condition = |condition: &str| one("Allow", r#""edas:*""#, "*", condition);
    let table = [
        ("".to_owned(), "the document"),
        ("[]".to_owned(), "the document"),
        (r#"{"Version":"1"}"#.to_owned(), "the document"),
        (r#"{"Version":"1","Statement":[]}"#.to_owned(), "Statement"),
        (r#"{"Version":"1","Statement":{}}"#.to_owned(), "Statement"),
        (r#"{"Version":"2012-10-17","Statement":[{}]}"#.to_owned(), "Version"),
        (r#"{"Version":"1","Statement":[{}],"Id":"x"}"#.to_owned(), "Id"),
        (with(r#"{"Effect":"Allow","Action":"edas:*","Resource":"*","Principal":"*"}"#), "Statement[0].Principal"),
        (with(r#"{"Effect":"Allow","Action":"edas:*","NotResource":"*"}"#), "Statement[0].NotResource"),
        (with(r#"{"Effect":"allow","Action":"edas:*","Resource":"*"}"#), "Statement[0].Effect"),
        (with(r#"{"Effect":"Deny","Resource":"*"}"#), "Statement[0]"),
        (with(r#"{"Effect":"Deny","Action":"edas:*"}"#), "Statement[0]"),
        (with(r#"{"Effect":"Deny","Action":[],"Resource":"*"}"#), "Statement[0].Action"),
        (with(r#"{"Effect":"Deny","Action":["edas:*",7],"Resource":"*"}"#), "Statement[0].Action[1]"),
        (with(r#"{"Effect":"Deny","Action":"edas:ManageAplication","Resource":"*"}"#), "Statement[0].Action"),
        (with(r#"{"Effect":"Deny","Action":"Manage*","Resource":"*"}"#), "Statement[0].Action"),
        (with(r#"{"Effect":"Deny","Action":"edas:*","NotAction":"ram:*","Resource":"*"}"#), "Statement[0].NotAction"),
        (with(r#"{"Effect":"Deny","Effect":"Allow","Action":"edas:*","Resource":"*"}"#), "the document"),
        (one("Deny", r#""edas:*""#, "namespace/x", ""), "Statement[0].Resource"),
        (one("Deny", r#""edas:*""#, "acs:edas:*:*", ""), "Statement[0].Resource"),
        (one("Deny", r#""edas:*""#, "acs:edas:*:*:namspace/x/*", ""), "Statement[0].Resource"),
        (one("Deny", r#""ram:*""#, "acs:ram:*:*:users/x", ""), "Statement[0].Resource"),
        (condition("[]"), "Statement[0].Condition"),
        (condition("{}"), "Statement[0].Condition"),
        (condition(r#"{"IpAddres":{"acs:SourceIp":"10.0.0.0/8"}}"#), "Statement[0].Condition.IpAddres.acs:SourceIp"),
        (
            condition(r#"{"StringEquals":{"acs:SourceIp":"10.0.0.1"}}"#),
            "Statement[0].Condition.StringEquals.acs:SourceIp",
        ),
        (condition(r#"{"IpAddress":{"acs:SourceIP":"10.0.0.1"}}"#), "Statement[0].Condition.IpAddress.acs:SourceIP"),
        (
            condition(r#"{"IpAddress":{"acs:CurrentTime":"10.0.0.1"}}"#),
            "Statement[0].Condition.IpAddress.acs:CurrentTime",
        ),
        (condition(r#"{"IpAddress":{"acs:SourceIp":[]}}"#), "Statement[0].Condition.IpAddress.acs:SourceIp"),
        (
            condition(r#"{"IpAddress":{"acs:SourceIp":["10.0.0.0/8","10.0.0.0/33"]}}"#),
            "Statement[0].Condition.IpAddress.acs:SourceIp[1]",
        ),
        (condition(r#"{"IpAddress":{"acs:SourceIp":"10.0.0/8"}}"#), "Statement[0].Condition.IpAddress.acs:SourceIp"),
        (condition(r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/+8"}}"#), "Statement[0].Condition.IpAddress.acs:SourceIp"),
        (
            condition(r#"{"IpAddress":{"acs:SourceIp":"::ffff:10.0.0.1"}}"#),
            "Statement[0].Condition.IpAddress.acs:SourceIp",
        ),
        (
            condition(r#"{"DateLessThan":{"acs:CurrentTime":"2026-11-26 12:00"}}"#),
            "Statement[0].Condition.DateLessThan.acs:CurrentTime",
        ),
        (condition(r#"{"Bool":{"acs:SecureTransport":"yes"}}"#), "Statement[0].Condition.Bool.acs:SecureTransport"),
        (condition(r#"{"Bool":{"acs:MFAPresent":"true"}}"#), "Statement[0].Condition.Bool.acs:MFAPresent"),
        (
            format!("{}{}", " ".repeat(LONGEST_POLICY), condition(r#"{"Bool":{"acs:SecureTransport":"true"}}"#)),
            "the document",
        ),
    ];
    for (text, place) in table {
        let malformed = Policy::parse(&text).expect_err(&text);
        assert_eq!(malformed.place, place, "{malformed}: {text}");
    }
}

#[test]
fn who_may_take_on_a_role_is_named() {
    let role = Resource::ram(Path::Role("deployer".to_owned()));
    let circumstances = noon();
    let question =
        Question { action: Action::AssumeRole, resource: &role, account: "1", circumstances: &circumstances };
    let trust = |effect: &str, principal: &str| {
        format!(r#"{{"Effect":"{effect}","Action":"sts:AssumeRole","Principal":{{"RAM":["{principal}"]}}}}"#)
    };
    let policy = |statements: &[String]| {
        TrustPolicy::parse(&format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","))).unwrap()
    };
    let alice = "acs:ram::1:user/alice";
    let only_alice = policy(&[trust("Allow", alice)]);
    assert!(only_alice.trusts(alice, &question));
    assert!(!only_alice.trusts("acs:ram::1:user/alicea", &question));
    assert!(policy(&[trust("Allow", "acs:ram::1:root")]).trusts(alice, &question));
    assert!(!policy(&[trust("Allow", "acs:ram::2:root")]).trusts(alice, &question));
    let all_but_alice = policy(&[trust("Allow", "acs:ram::1:root"), trust("Deny", alice)]);
    assert!(!all_but_alice.trusts(alice, &question) && all_but_alice.trusts("acs:ram::1:role/x", &question));
    for malformed in [
        trust("Allow", "*"),
        trust("Allow", "alice"),
        trust("Allow", "acs:ram::1:user/*"),
        r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#.to_owned(),
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["ecs.aliyuncs.com"]}}"#.to_owned(),
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Principal":{"RAM":["acs:ram::1:root"]}}"#
            .to_owned(),
    ] {
        let text = format!(r#"{{"Version":"1","Statement":[{malformed}]}}"#);
        assert!(TrustPolicy::parse(&text).is_err(), "{text}");
    }
}

fn any_statement() -> impl Strategy<Value = String> {
    let effect = prop_oneof![Just("Allow"), Just("Deny")];
    let action =
        prop_oneof![Just("*"), Just("edas:*"), Just("edas:Read*"), Just("edas:ManageApplication"), Just("ram:*")];
    let resource = prop_oneof![
        Just("*"),
        Just("acs:edas:*:*:namespace/cn-hangzhou:test/*"),
        Just("acs:edas:*:*:namespace/*/application/a1"),
        Just("acs:edas:*:*:namespace/*/cluster/*"),
    ];
    let address = prop_oneof![Just("10.0.0.0/8"), Just("192.168.0.0/16")];
    (effect, action, resource, prop::option::of(address)).prop_map(|(effect, action, resource, address)| {
        let condition = address
            .map_or(String::new(), |address| format!(r#","Condition":{{"IpAddress":{{"acs:SourceIp":"{address}"}}}}"#));
        format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"{condition}}}"#)
    })
}

fn any_policy() -> impl Strategy<Value = String> {
    prop::collection::vec(any_statement(), 1..5)
        .prop_map(|statements| format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(",")))
}

fn any_question() -> impl Strategy<Value = (Action, Resource)> {
    let resource = prop_oneof![
        Just(app()),
        Just(Resource::application(Some("cn-hangzhou"), "a2")),
        Just(Resource::cluster(Some("cn-hangzhou"), "c")),
        Just(Resource::system()),
        Just(Resource::ram(Path::User("alice".to_owned()))),
    ];
    (prop::sample::select(Action::ALL), resource)
}

proptest! {
    #[test]
    fn a_denial_wins_wherever_it_stands(policies in prop::collection::vec(any_policy(), 0..4), denial in any_policy(), (action, resource) in any_question()) {
        let alone = ask(&[&denial], action, &resource, &noon());
        let mut all: Vec<&str> = policies.iter().map(String::as_str).collect();
        let without = ask(&all, action, &resource, &noon());
        all.insert(all.len() / 2, &denial);
        let with = ask(&all, action, &resource, &noon());
        if alone == Verdict::Denied || without == Verdict::Denied {
            prop_assert_eq!(with, Verdict::Denied);
        } else {
            prop_assert_eq!(with == Verdict::Allowed, alone == Verdict::Allowed || without == Verdict::Allowed);
        }
        let backwards: Vec<&str> = all.iter().rev().copied().collect();
        prop_assert_eq!(ask(&backwards, action, &resource, &noon()), with);
    }

    #[test]
    fn no_policy_allows_nothing((action, resource) in any_question()) {
        prop_assert_eq!(ask(&[], action, &resource, &noon()), Verdict::NotAllowed);
    }

    #[test]
    fn reading_any_text_ends_and_never_panics(text in ".{0,200}") {
        let _ = Policy::parse(&text);
        let _ = TrustPolicy::parse(&text);
    }

    #[test]
    fn a_changed_letter_is_noticed_unless_it_names_another_service(at in 0_usize..200, letter in "[a-z]") {
        let text = one("Deny", r#""edas:ReadApplication""#, "*", r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#);
        let at = at % text.len();
        prop_assume!(text.is_char_boundary(at) && text[at..].starts_with(|c: char| c.is_ascii_alphabetic()));
        prop_assume!(!text[at..].to_ascii_lowercase().starts_with(&letter));
        let service = text.find("edas").unwrap();
        prop_assume!(!(service..service + 4).contains(&at));
        let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
        prop_assert!(Policy::parse(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn networks_are_what_their_masks_say(bits in any::<u32>(), length in 0_u32..=32, other in any::<u32>()) {
        let address = std::net::Ipv4Addr::from_bits(bits);
        let policy = one("Allow", r#""edas:*""#, "*", &format!(r#"{{"IpAddress":{{"acs:SourceIp":"{address}/{length}"}}}}"#));
        let from = Circumstances { address: std::net::Ipv4Addr::from_bits(other).into(), ..noon() };
        let same = (bits ^ other).leading_zeros() >= length;
        prop_assert_eq!(ask(&[&policy], Action::ReadApplication, &app(), &from) == Verdict::Allowed, same);
    }
}
