//! `sternway demo --fast`: everything in one process, and it says that everything held.

use std::path::Path;

use uuid::Uuid;

use crate::process::{Service, Verbs, run, sternway};

#[test]
fn the_demo_holds_what_it_promises() {
    let ran = run(sternway().args(["demo", "--fast"]));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(ran.code, 0, "stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);

    let promises: Vec<&&str> = lines.iter().filter(|line| line.contains(":  ")).collect();
    assert_eq!(promises.len(), 5, "{}", ran.stdout);
    for promise in promises {
        assert!(promise.contains("  yes, "), "{promise}");
    }
    assert!(ran.stdout.contains("successful, aborted, aborted"), "the second batch was running:\n{}", ran.stdout);
    assert!(ran.stdout.contains("10 of 10, and none of v2"), "{}", ran.stdout);

    let last = lines.last().unwrap();
    let id = last.strip_prefix("ChangeOrderId: ").unwrap();
    Uuid::parse_str(id).unwrap();
    assert!(ran.stderr.contains(&format!("new change order {id}")), "{}", ran.stderr);
    let released = ran.stderr.lines().find_map(|line| line.trim().strip_prefix("change order ")).unwrap();
    assert_ne!(released, id, "the rollback is an order of its own");
}

#[test]
fn a_demo_that_is_kept_can_be_used_and_leaves_nothing_behind() {
    let mut demo = Service::start(&["demo", "--fast", "--keep"]);
    let endpoint = demo.after("Endpoint:");
    let line = demo.after("kubectl --kubeconfig ");
    let (kubeconfig, _) = line.split_once(' ').unwrap();
    let folder = Path::new(kubeconfig).parent().unwrap();
    assert!(folder.join("root-access-key.json").exists());
    let verbs = Verbs { endpoint, data: folder };
    verbs.run("deploy shop --image shop:v3 --batches 2 --wait").ended(0);
    assert_eq!(verbs.images("shop"), ["shop:v3"]);
    assert!(demo.terminate().success());
    assert!(!folder.exists());
}
