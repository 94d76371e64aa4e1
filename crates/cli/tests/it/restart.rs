//! A server that crashes and restarts in the middle of a release; the cluster is a process of its own.

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
