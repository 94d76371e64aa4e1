//! `sternway key`, and what the first start leaves behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::process::{Service, Verbs, run, sternway};

#[test]
fn keys_are_made_disabled_and_enabled_beside_a_stopped_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = |line: &str| run(sternway().args(line.split_whitespace()).args(["--data".as_ref(), data.as_os_str()]));
    assert!(key("key list").ended(1).is_empty(), "there is no server's directory yet");

    let serve = || Service::start(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    let mut server = serve();
    let written = server.after("the first access key is in ");
    assert_eq!(fs::metadata(&written).unwrap().permissions().mode() & 0o777, 0o600);
    server.after("no cluster yet");
    server.after("listening on ");
    // The server that uses the directory is not at the address where it is looked for.
    let in_use = key("key list --endpoint http://127.0.0.1:1");
    assert!(in_use.stderr.contains("is in use by the process"), "{}", in_use.stderr);
    in_use.ended(1);
    assert!(server.terminate().success());

    let made = key("key create --description ci -o json").json();
    let (id, secret) = (made["AccessKeyId"].as_str().unwrap(), made["AccessKeySecret"].as_str().unwrap());
    let listed = key("key list").ended(0);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(!listed.contains(secret), "a secret is shown once");
    key("key disable nobody").ended(1);
    key(&format!("key disable {id}")).ended(0);

    let mut server = serve();
    let endpoint = server.after("listening on ");
    let list = |id: &str| {
        let mut command = sternway();
        command
            .args(["cluster", "list", "--endpoint", &endpoint])
            .env("ACCESS_KEY_ID", id)
            .env("ACCESS_KEY_SECRET", secret);
        run(&mut command)
    };
    let refused = list(id);
    assert!(refused.stderr.contains("is disabled"), "{}", refused.stderr);
    refused.ended(1);
    let verbs = Verbs { endpoint: endpoint.clone(), data: &data };
    assert!(verbs.run("cluster list").ended(0).contains("no clusters"), "the first key goes on to work");
    assert!(server.terminate().success());

    key(&format!("key enable {id}")).ended(0);
    let spare = key("key create -o json").json()["AccessKeyId"].as_str().unwrap().to_owned();
    key(&format!("key delete {spare}")).ended(0);
    key("audit verify --offline").ended(0);
    let mut server = serve();
    let endpoint = server.after("listening on ");
    let mut command = sternway();
    command
        .args(["cluster", "list", "--endpoint", &endpoint])
        .env("ACCESS_KEY_ID", id)
        .env("ACCESS_KEY_SECRET", secret);
    run(&mut command).ended(0);

    // All that was done beside the server is in its audit log.
    let verbs = Verbs { endpoint, data: &data };
    verbs.run("audit verify").ended(0);
    let exported = verbs.run("audit export").ended(0);
    assert!(!exported.contains(secret));
    let entries = exported.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["Entry"].clone()
    });
    let local: Vec<_> = entries.filter(|entry| entry["Source"] == "local").collect();
    let done: Vec<_> = local
        .iter()
        .map(|entry| ["Operation", "Stage", "Code"].map(|name| entry[name].as_str().unwrap_or_default().to_owned()))
        .collect();
    let both = |operation: &'static str, code: &'static str| [[operation, "asked", ""], [operation, "answered", code]];
    let expected = [
        both("CreateAccessKey", "200"),
        both("UpdateAccessKey", "Failed"),
        both("UpdateAccessKey", "200"),
        both("UpdateAccessKey", "200"),
        both("CreateAccessKey", "200"),
        both("DeleteAccessKey", "200"),
    ]
    .concat();
    assert_eq!(done, expected);
    assert!(local.iter().all(|entry| entry["User"].as_str().unwrap().starts_with("local:")), "{local:?}");
    assert_eq!(
        (&local[0]["Results"]["AccessKeyId"], &local[5]["Parameters"]["UserAccessKeyId"]),
        (&made["AccessKeyId"], &made["AccessKeyId"])
    );
    assert!(server.terminate().success());
}

#[test]
fn a_second_server_on_the_same_directory_ends_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()];
    let mut first = Service::start(&arguments);
    first.after("listening on ");
    let second = run(sternway().args(arguments));
    assert!(second.stderr.contains("is in use by the process"), "{}", second.stderr);
    second.ended(1);
    assert!(first.terminate().success());
}
