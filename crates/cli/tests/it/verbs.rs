//! `serve --sandbox`, driven by the verbs from the creation of an application to its deletion.

use crate::process::{Service, Verbs, run, word};

#[test]
fn the_verbs_drive_a_server_with_a_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server =
        Service::start(&["serve", "--sandbox", "--fast", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    server.after("cluster sandbox is connected");
    assert!(data.join("sandbox.kubeconfig").exists());
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };

    create(&verbs);
    release_and_go_back(&verbs);
    release_to_the_end(&verbs);
    abort_and_return(&verbs);
    fail(&verbs);
    pause(&verbs);
    resize(&verbs);
    delete(&verbs);
    assert!(server.terminate().success());
}

fn create(verbs: &Verbs<'_>) {
    let order = word(&verbs.run("app create shop --image shop:v1 --replicas 10 --env COLOUR=blue --wait").ended(0));
    assert_eq!(verbs.status(&order), 2);
    assert!(verbs.run("app list").ended(0).contains("10/10"));
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
    let again = verbs.run("app create shop --image shop:v1");
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    again.ended(1);
}

/// A dry run says who has to approve, and is refused in a freeze as the release would be.
fn say_beforehand_what_is_governed(verbs: &Verbs<'_>) {
    let dry = "deploy shop --image shop:v2 --batches 3 --dry-run";
    assert!(!verbs.run(dry).ended(0).contains("approval"));
    verbs.run("approval put careful --asks both --approvers alice").ended(0);
    let said = verbs.run(dry).ended(0);
    for what in ["the release", "each batch after the first"] {
        let expected = format!("note: {what} waits for the approval of one of alice who is not root (rule `careful`)");
        assert!(said.contains(&expected), "{said}");
    }
    assert!(said.contains("patch 1:"), "{said}");
    verbs.run("approval delete careful").ended(0);
    let mut freeze = verbs.command("freeze put always --minutes 90 --reason holidays");
    run(freeze.args(["--cron", "* * * * *"])).ended(0);
    let frozen = verbs.run(dry);
    assert!(frozen.stderr.contains("would be refused"), "{}", frozen.stderr);
    assert!(frozen.ended(1).contains("blocks: "));
    verbs.run("freeze delete always").ended(0);
}

/// Manual batches, a confirmation, and a rollback in between.
fn release_and_go_back(verbs: &Verbs<'_>) {
    let dry = verbs.run("deploy shop --image shop:v2 --batches 3 --manual --dry-run -o json").json();
    let writes = dry["DryRun"]["Writes"].as_array().unwrap();
    assert_eq!((&writes[0]["Purpose"], &writes[writes.len() - 1]["Purpose"]), (&"wave".into(), &"finish".into()));
    assert_eq!(dry["ChangeOrderId"], "", "nothing was started");
    say_beforehand_what_is_governed(verbs);
    let line = "deploy shop --image shop:v2 --batches 3 --manual --wait --until-confirmation";
    let order = word(&verbs.run(line).ended(0));
    assert_eq!(verbs.status(&order), 8);
    assert_eq!(verbs.images("shop"), ["shop:v1", "shop:v2"]);
    let busy = verbs.run("deploy shop --image shop:v3");
    assert!(busy.stderr.contains(&order), "it names the order that runs: {}", busy.stderr);
    busy.ended(1);
    verbs.run(&format!("order watch {order} --wait-timeout 0")).ended(5);
    verbs.run(&format!("order continue {order} --wait --until-confirmation")).ended(0);

    let rollback = word(&verbs.run(&format!("order rollback {order} --wait")).ended(0));
    assert_ne!(rollback, order);
    assert_eq!((verbs.status(&order), verbs.status(&rollback)), (6, 2));
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
    let once_more = word(&verbs.run(&format!("order rollback {order}")).ended(0));
    assert_eq!(once_more, rollback, "asked again, the same order answers");
    verbs.run(&format!("order watch {order}")).ended(4);
}

fn release_to_the_end(verbs: &Verbs<'_>) {
    let ended = verbs.run("deploy shop --image shop:v2 --batches 2 --wait-minutes 0 --wait -o json").json();
    assert_eq!(ended["changeOrderInfo"]["Status"], 2);
    assert_eq!(verbs.images("shop"), ["shop:v2"]);
    let versions = verbs.run("version list shop").ended(0);
    assert!(versions.contains("shop:v1") && versions.contains("shop:v2"), "{versions}");
    verbs.run("deploy shop --version 99").ended(1);
}

/// An aborted release stays half done, and a historical version brings everything back.
fn abort_and_return(verbs: &Verbs<'_>) {
    let line = "deploy shop --image shop:v3 --batches 2 --gray 1 --wait --until-confirmation";
    let order = word(&verbs.run(line).ended(0));
    let shown = verbs.run(&format!("order get {order}")).ended(0);
    assert!(shown.contains("waiting for confirmation"), "{shown}");
    verbs.run(&format!("order abort {order}")).ended(0);
    verbs.run(&format!("order watch {order}")).ended(4);
    assert_eq!(verbs.images("shop"), ["shop:v2", "shop:v3"]);
    let nothing = verbs.run(&format!("order continue {order}"));
    assert!(nothing.stderr.contains("nothing waits for confirmation"), "{}", nothing.stderr);
    nothing.ended(1);
    verbs.run("deploy shop --version 1 --wait").ended(0);
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
}

/// A release that cannot succeed says why, and goes back by itself.
fn fail(verbs: &Verbs<'_>) {
    let failed = verbs.run("deploy shop --image shop:bad --wait");
    assert!(failed.stderr.contains("CrashLoopBackOff"), "{}", failed.stderr);
    assert!(failed.stderr.contains("cannot go on without a database"), "its last words: {}", failed.stderr);
    assert!(failed.stderr.contains("Rolled back by change order"), "{}", failed.stderr);
    let order = word(&failed.ended(3));
    let listed = verbs.run("order list shop -o json").json();
    let newest = &listed["ChangeOrderList"]["ChangeOrder"][0];
    assert_eq!(newest["CoTypeCode"], "CoRollback");
    let rollback = newest["ChangeOrderId"].as_str().unwrap();
    verbs.run(&format!("order watch {rollback}")).ended(0);
    assert_eq!(verbs.status(&order), 3);
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
}

/// A failed release that waits for a person can be tried again, and rolled back.
fn pause(verbs: &Verbs<'_>) {
    let line = "deploy shop --image shop:bad --on-failure pause --wait --until-confirmation";
    let order = word(&verbs.run(line).ended(3));
    assert_eq!(verbs.status(&order), 1, "it goes on once a person has decided");
    verbs.run(&format!("order retry {order} --wait --until-confirmation")).ended(3);
    verbs.run(&format!("order rollback {order} --wait")).ended(0);
    verbs.run(&format!("order retry {order}")).ended(1);
    assert_eq!(verbs.images("shop"), ["shop:v1"]);
}

fn resize(verbs: &Verbs<'_>) {
    verbs.run("app scale shop --replicas 4 --wait").ended(0);
    assert!(verbs.run("app list").ended(0).contains("4/4"));
    verbs.run("app restart shop --wait").ended(0);
    verbs.run("app stop shop --wait").ended(0);
    assert!(verbs.run("app list").ended(0).contains("stopped"));
    verbs.run("app start shop --wait").ended(0);
    assert!(verbs.run("app list").ended(0).contains("4/4"), "a start goes back to what was before the stop");
}

fn delete(verbs: &Verbs<'_>) {
    verbs.run("app delete shop --wait").ended(0);
    assert!(verbs.run("app list").ended(0).contains("no applications"));
    let gone = verbs.run("app get shop");
    assert!(gone.stderr.contains("no application is named shop"), "{}", gone.stderr);
    gone.ended(1);
}
