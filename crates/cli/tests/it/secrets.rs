//! Secrets are planted wherever secrets go, a session uses them all, and then they are looked for wherever they must not be.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Service, Verbs, run, sternway, word};

const TOKEN: &str = "planted-token-of-a-kubeconfig";
const BUCKET_SECRET: &str = "planted-secret-of-a-bucket";
const BUCKET_TOKEN: &str = "planted-token-of-a-bucket";

/// The files that are secrets themselves.
const KEPT: [&str; 2] = ["root-access-key.json", "master.key"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A sandbox's kubeconfig, with a token that the sandbox does not mind.
fn with_token(kubeconfig: &Path) -> PathBuf {
    let text = fs::read_to_string(kubeconfig).unwrap();
    let mut config: serde_json::Value = serde_yaml_ng::from_str(&text).unwrap();
    for user in config["users"].as_array_mut().unwrap() {
        user["user"] = serde_json::json!({ "token": TOKEN });
    }
    let path = kubeconfig.with_extension("planted");
    fs::write(&path, serde_yaml_ng::to_string(&config).unwrap()).unwrap();
    path
}

#[test]
fn planted_secrets_are_found_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (data, kubeconfig) = (folder.path().join("data"), folder.path().join("kubeconfig"));
    let (data_text, out) = (data.to_str().unwrap(), kubeconfig.to_str().unwrap());
    let mut sandbox = Service::start(&["sandbox", "--fast", "--listen", "127.0.0.1:0", "--kubeconfig-out", out]);
    sandbox.after("sandbox cluster listening on ");
    let planted = with_token(&kubeconfig);

    let start = ["serve", "--listen", "127.0.0.1:0", "--data", data_text, "--log", "debug", "--audit-reads"];
    let mut server = Service::start(&start);
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    let import = format!("cluster import --kubeconfig {}", planted.display());
    verbs.run(&import).ended(0);
    verbs.run("app create shop --image shop:v1 --replicas 2 --wait").ended(0);
    let order = word(&verbs.run("deploy shop --image shop:v2 --wait").ended(0));
    verbs.run("app get shop -o json").ended(0);
    verbs.run("cluster list -o json").ended(0);
    let root: serde_json::Value = serde_json::from_str(&fs::read_to_string(data.join(KEPT[0])).unwrap()).unwrap();
    let root = root["AccessKeySecret"].as_str().unwrap().to_owned();
    // A wrong secret, and one that is sent where an id belongs.
    let wrong = "planted-secret-that-is-wrong";
    let mut guess = sternway();
    guess.args(["cluster", "list", "--endpoint", &verbs.endpoint]);
    run(guess.env("ACCESS_KEY_ID", "STWYguess").env("ACCESS_KEY_SECRET", wrong)).ended(1);
    let exported = verbs.run("audit export").ended(0);
    let listed = verbs.run("audit list").ended(0);
    let answers = [exported.clone(), listed, verbs.run(&format!("order get {order} -o json")).ended(0)].concat();
    assert!(holds(exported.as_bytes(), "ImportK8sCluster") && holds(exported.as_bytes(), "KubeConfig"));
    verbs.run("audit verify").ended(0);
    let log = server.terminate_and_read().join("\n");
    assert!(log.contains("ImportK8sCluster"), "{log}");

    // With the server stopped: another key, another master key, and the log as it is on the disk.
    let offline = |line: &str| run(sternway().args(line.split_whitespace()).args(["--data", data_text]));
    let made = offline("key create -o json").json();
    let made = made["AccessKeySecret"].as_str().unwrap().to_owned();
    let master = fs::read_to_string(data.join(KEPT[1])).unwrap();
    offline("key rotate-master").ended(0);
    let next = fs::read_to_string(data.join(KEPT[1])).unwrap();
    assert_ne!(master, next);
    let end = word(&offline("audit verify --offline").ended(0));
    let export = folder.path().join("audit.jsonl");
    fs::write(&export, &exported).unwrap();
    offline(&format!("audit verify --file {}", export.display())).ended(0);
    let (last, _) = end.split_once(':').unwrap();
    let forged = format!("audit verify --offline --head {last}:{}", "0".repeat(64));
    assert!(offline(&forged).stderr.contains("written anew"));

    // The server works as before under the new master key.
    let mut server = Service::start(&start);
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    verbs.run("app get shop").ended(0);
    assert!(server.terminate().success());

    // Packages in a bucket, whose keys are in the environment; it is away, so that there is something to complain about.
    let bucket = [&start[..], &["--packages", "s3://packages/sternway"]].concat();
    let environment = [
        ("AWS_ACCESS_KEY_ID", "bucket-key"),
        ("AWS_SECRET_ACCESS_KEY", BUCKET_SECRET),
        ("AWS_SESSION_TOKEN", BUCKET_TOKEN),
        ("AWS_ENDPOINT", "http://127.0.0.1:1"),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "nowhere"),
    ];
    let mut server = Service::start_with(&bucket, &environment);
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    let answers = [answers, verbs.run("app get shop -o json").ended(0), verbs.run("audit export").ended(0)].concat();
    let log = [log, server.terminate_and_read().join("\n")].concat();

    let secrets = [TOKEN, &root, wrong, &made, master.trim(), next.trim(), BUCKET_SECRET, BUCKET_TOKEN];
    for secret in secrets {
        assert!(!holds(log.as_bytes(), secret) && !holds(answers.as_bytes(), secret), "{secret}");
        for path in files(&data) {
            let is_kept = KEPT.iter().any(|kept| path.ends_with(kept));
            assert!(is_kept || !holds(&fs::read(&path).unwrap(), secret), "{secret} is in {}", path.display());
        }
    }
    // The search itself works.
    assert!(files(&data).iter().any(|path| holds(&fs::read(path).unwrap(), "shop:v2")));
}
