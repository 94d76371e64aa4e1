//! A server that crashes and restarts in the middle of a release, or is lost with its database; the cluster is a process of its own.

use std::path::Path;

use crate::process::{Service, Verbs, word};

fn serve(data: &Path, kubeconfig: &Path) -> Service {
    let (data, kubeconfig) = (data.to_str().unwrap(), kubeconfig.to_str().unwrap());
    Service::start(&["serve", "--listen", "127.0.0.1:0", "--data", data, "--kubeconfig", kubeconfig])
}

#[test]
fn a_release_survives_a_crash_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, kubeconfig) = (folder.path().join("data"), folder.path().join("kubeconfig"));
    let mut sandbox = Service::start(&[
        "sandbox",
        "--fast",
        "--listen",
        "127.0.0.1:0",
        "--kubeconfig-out",
        kubeconfig.to_str().unwrap(),
    ]);
    sandbox.after("sandbox cluster listening on ");

    let mut server = serve(&data, &kubeconfig);
    let cluster = server.after("is connected: ");
    let mut verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    verbs.run("app create shop --image shop:v1 --replicas 10 --wait").ended(0);
    let line = "deploy shop --image shop:v2 --batches 3 --manual --wait --until-confirmation";
    let order = word(&verbs.run(line).ended(0));
    // The confirmation is answered, so it must outlive what comes now.
    verbs.run(&format!("order continue {order}")).ended(0);
    server.kill();
    let away = verbs.run("app list");
    assert!(away.stderr.contains("is a server running there?"), "{}", away.stderr);
    away.ended(1);

    let mut server = serve(&data, &kubeconfig);
    assert_eq!(server.after("is connected: "), cluster, "it is the same cluster as before");
    verbs.endpoint = server.after("listening on ");
    verbs.run(&format!("order watch {order} --until-confirmation")).ended(0);
    assert_eq!(verbs.status(&order), 8, "the second batch was released, and the third waits");
    assert!(server.terminate().success());

    let mut server = serve(&data, &kubeconfig);
    verbs.endpoint = server.after("listening on ");
    let rollback = word(&verbs.run(&format!("order rollback {order} --wait")).ended(0));
    assert_eq!((verbs.status(&order), verbs.status(&rollback)), (6, 2));
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
}

/// A sandbox of its own, and a server that dies in the middle of a release; its database is deleted.
fn lost_in_mid_release(folder: &Path) -> (Service, std::path::PathBuf, String) {
    let (data, kubeconfig) = (folder.join("lost"), folder.join("kubeconfig"));
    let out = kubeconfig.to_str().unwrap();
    let mut sandbox = Service::start(&["sandbox", "--fast", "--listen", "127.0.0.1:0", "--kubeconfig-out", out]);
    sandbox.after("sandbox cluster listening on ");
    let mut server = serve(&data, &kubeconfig);
    server.after("is connected: ");
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    verbs.run("app create shop --image shop:v1 --replicas 6 --wait").ended(0);
    verbs.run("deploy shop --image shop:v2 --batches 3 --manual --wait --until-confirmation").ended(0);
    let id =
        verbs.run("app list -o json").json()["ApplicationList"]["Application"][0]["AppId"].as_str().unwrap().to_owned();
    server.kill();
    std::fs::remove_dir_all(&data).unwrap();
    (sandbox, kubeconfig, id)
}

#[test]
fn a_new_server_adopts_what_a_lost_one_left_half_way() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, kubeconfig, id) = lost_in_mid_release(folder.path());
    let data = folder.path().join("new");
    let mut server = serve(&data, &kubeconfig);
    server.after("is connected: ");
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    let nothing = verbs.run("adopt nothing");
    assert!(nothing.stderr.contains("nothing to adopt"), "{}", nothing.stderr);
    nothing.ended(1);
    assert_eq!(word(&verbs.run("adopt shop").ended(0)), id, "it is the application it was");
    let again = verbs.run("adopt shop");
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    again.ended(1);
    let versions = verbs.run("version list shop").ended(0);
    assert!(versions.contains("shop:v1") && versions.contains("shop:v2"), "{versions}");
    verbs.run("deploy shop --version 1 --wait").ended(0);
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
}

#[test]
fn one_line_restores_without_sternway() {
    let folder = tempfile::tempdir().unwrap();
    let (_sandbox, kubeconfig, _) = lost_in_mid_release(folder.path());
    let kubectl = |arguments: &[&str]| {
        let binary = std::env::var("STERNWAY_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
        let output = std::process::Command::new(&binary).args(arguments).env("KUBECONFIG", &kubeconfig).output();
        let output =
            output.unwrap_or_else(|error| panic!("{binary} cannot be run ({error}): install kubernetes-client"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let line = kubectl(&["get", "deployment", "shop", "-o", r"jsonpath={.metadata.annotations.sternway\.io/restore}"]);
    let shell = std::process::Command::new("sh").arg("-c").arg(&line).env("KUBECONFIG", &kubeconfig).output().unwrap();
    assert!(shell.status.success(), "{line}\n{}", String::from_utf8_lossy(&shell.stderr));
    kubectl(&["rollout", "status", "deployment", "shop", "--timeout=60s"]);
    let images = kubectl(&[
        "get",
        "deployment",
        "shop",
        "-o",
        "jsonpath={.spec.template.spec.containers[*].image} {.status.availableReplicas}",
    ]);
    assert_eq!(images, "shop:v1 6");
    let annotations = kubectl(&["get", "deployment", "shop", "-o", "jsonpath={.metadata.annotations}"]);
    assert!(
        !annotations.contains("sternway.io/restore") && !annotations.contains("sternway.io/order"),
        "{annotations}"
    );
}
