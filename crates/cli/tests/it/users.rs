//! Users, policies, keys and roles, as an administrator sets them up beside a running server.

use std::fs;

use crate::process::{Ran, Service, Verbs, run, sternway};

/// A verb by somebody else than the administrator.
fn with_key(endpoint: &str, key: &serde_json::Value, line: &str) -> Ran {
    let mut command = sternway();
    command.args(line.split_whitespace()).env("STERNWAY_ENDPOINT", endpoint);
    for (variable, field) in [
        ("ACCESS_KEY_ID", "AccessKeyId"),
        ("ACCESS_KEY_SECRET", "AccessKeySecret"),
        ("SECURITY_TOKEN", "SecurityToken"),
    ] {
        if let Some(value) = key[field].as_str() {
            command.env(variable, value);
        }
    }
    run(&mut command)
}

#[test]
fn an_administrator_sets_up_users_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Service::start(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    let endpoint = server.after("listening on ");
    let root = Verbs { endpoint: endpoint.clone(), data: &data };

    root.run("user create jenkins").ended(0);
    let key = root.run("key create --user jenkins --description ci -o json").json();
    let whoami = with_key(&endpoint, &key, "sts whoami").ended(0);
    assert_eq!(whoami.trim(), "acs:ram::1:user/jenkins");
    let refused = with_key(&endpoint, &key, "cluster import --kubeconfig /dev/null");
    refused.ended(1);

    let policy = folder.path().join("policy.json");
    fs::write(&policy, r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"edas:Reed*","Resource":"*"}]}"#)
        .unwrap();
    let put = format!("policy put readers --file {}", policy.display());
    let malformed = root.run(&put);
    assert!(malformed.stderr.contains("Statement[0].Action"), "{}", malformed.stderr);
    malformed.ended(1);
    fs::write(&policy, r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:List*","Resource":"*"}]}"#)
        .unwrap();
    root.run(&put).ended(0);
    root.run("group create team").ended(0);
    root.run("group add team jenkins").ended(0);
    assert!(!with_key(&endpoint, &key, "user list").ended(0).contains("jenkins"));
    root.run("policy attach readers --group team").ended(0);
    assert!(with_key(&endpoint, &key, "user list").ended(0).contains("jenkins"));
    assert!(root.run("policy list").ended(0).contains("group/team"));
    root.run("policy delete readers").ended(1);

    let trust = folder.path().join("trust.json");
    let principal = r#"{"RAM":"acs:ram::1:user/jenkins"}"#;
    let statement = format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#);
    fs::write(&trust, format!(r#"{{"Version":"1","Statement":[{statement}]}}"#)).unwrap();
    root.run(&format!("role put lister --trust {}", trust.display())).ended(0);
    root.run("policy attach readers --role lister").ended(0);
    root.run("policy attach AliyunSTSAssumeRoleAccess --user jenkins").ended(0);
    let assumed = with_key(&endpoint, &key, "sts assume lister --session job --duration 900 -o json").json();
    let whoami = with_key(&endpoint, &assumed["Credentials"], "sts whoami").ended(0);
    assert_eq!(whoami.trim(), "acs:ram::1:assumed-role/lister/job");
    with_key(&endpoint, &assumed["Credentials"], "user list").ended(0);

    let id = key["AccessKeyId"].as_str().unwrap();
    let next = root.run(&format!("key rotate {id} -o json")).json();
    with_key(&endpoint, &key, "sts whoami").ended(1);
    with_key(&endpoint, &next, "sts whoami").ended(0);
    root.run(&format!("key delete {id}")).ended(0);
    let listed = root.run("key list --user jenkins").ended(0);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    root.run("user delete jenkins").ended(0);
    with_key(&endpoint, &next, "sts whoami").ended(1);
    assert!(server.terminate().success());
}
