//! The arrows between our crates are those of ARCHITECTURE.md, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on, outside its tests.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("access", &[]),
    ("core", &[]),
    ("wire", &[]),
    ("sandbox", &[]),
    ("store", &["core"]),
    ("cluster", &["core"]),
    ("engine", &["core"]),
    ("notifications", &["core", "reach"]),
    ("packages", &["reach"]),
    ("reach", &[]),
    ("server", &["access", "core", "engine", "notifications", "packages", "wire"]),
    ("cli", &["cluster", "core", "engine", "notifications", "packages", "sandbox", "server", "store", "wire"]),
    ("testkit", &["cluster", "core", "engine", "sandbox", "server", "store", "wire"]),
];

/// What no decision may rest on: clocks that tick, sockets, clients.
const NOT_IN_CORE: [&str; 6] = ["tokio", "kube", "k8s-openapi", "sqlx", "axum", "rand"];

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Dependencies by crate, without those of tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let names = |package: &Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().expect("dependencies");
        let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
        normal.map(|dependency| dependency["name"].as_str().expect("name").to_owned()).collect()
    };
    let own = |package: &Value| package["name"].as_str().expect("name").trim_start_matches("sternway-").to_owned();
    packages.iter().map(|package| (own(package), names(package))).collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let found = dependencies();
    for (name, dependencies) in &found {
        let allowed = ALLOWED.iter().find(|(candidate, _)| candidate == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("crate {name} is not in the list of arrows"));
        for ours in dependencies.iter().filter_map(|dependency| dependency.strip_prefix("sternway-")) {
            assert!(allowed.contains(&ours), "{name} must not depend on {ours}");
        }
    }
    assert!(found.len() >= 8, "the workspace was found: {found:?}");
}

#[test]
fn core_stays_pure() {
    let found = dependencies();
    for forbidden in NOT_IN_CORE {
        assert!(!found["core"].contains(forbidden), "core must not depend on {forbidden}");
        assert!(!found["wire"].contains(forbidden), "wire must not depend on {forbidden}");
        assert!(!found["access"].contains(forbidden), "access must not depend on {forbidden}");
    }
}
