//! `sternway demo --fast`: everything in one process, and it says that everything held.

use uuid::Uuid;

use crate::process::{run, sternway};

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
