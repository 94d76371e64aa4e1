//! Another master key, and what an interruption at any point leaves.

use std::fs;

use sternway_core::ports::{Audit as _, ClusterAccess, Record, Records as _, Secret, Store as _, verify_audit};
use sternway_store::{DATABASE_FILE, MASTER_KEY_FILE, MasterKey, OpenError, SqliteStore};

use crate::audit::entry;
use crate::records::{access_key, cluster};
use crate::sqlite::Place;

const NEXT: &str = "master.key.next";

fn record() -> Record {
    Record {
        kind: "user".to_owned(),
        id: "alice/a".to_owned(),
        owner: String::new(),
        revision: 1,
        document: serde_json::json!({}),
        secret: Some(Secret::new("a password")),
    }
}

/// A store that has a secret of every kind.
async fn filled() -> Place {
    let place = Place::new();
    let store = place.open().await;
    store.insert_key(access_key("LTAI1", 0)).await.unwrap();
    store.put_cluster(cluster("prod", 0, ClusterAccess::Kubeconfig(Secret::new("kind: Config")))).await.unwrap();
    store.put_cluster(cluster("here", 0, ClusterAccess::InCluster)).await.unwrap();
    assert!(store.put_record(record()).await.unwrap());
    store.append(entry("alice", "Deploy", 0)).await.unwrap();
    store.close().await;
    place
}

async fn opens(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.key("LTAI1").await.unwrap(), Some(access_key("LTAI1", 0)));
    let clusters = store.clusters().await.unwrap();
    assert!(clusters.iter().any(|cluster| cluster.access == ClusterAccess::Kubeconfig(Secret::new("kind: Config"))));
    assert_eq!(store.record("user", "alice/a").await.unwrap(), Some(record()));
    assert_eq!(verify_audit(&store).await.unwrap().unwrap().sequence, 1);
    store.close().await;
    assert!(!place.path().join(NEXT).exists(), "no other key is left");
}

fn key_file(place: &Place) -> String {
    fs::read_to_string(place.path().join(MASTER_KEY_FILE)).unwrap()
}

#[tokio::test]
async fn everything_is_sealed_anew_and_the_old_key_opens_nothing() {
    let place = filled().await;
    let old = key_file(&place);
    let sealed = place.open().await.rotate_master_key(place.path(), None).await.unwrap();
    assert_eq!(sealed, 5, "a key, a cluster, a record, the end of the log, the check");
    assert_ne!(key_file(&place), old);
    opens(&place).await;
    fs::write(place.path().join(MASTER_KEY_FILE), old).unwrap();
    let error = place.try_open().await.unwrap_err();
    assert!(matches!(error, OpenError::WrongMasterKey { .. }), "{error}");
}

#[tokio::test]
async fn a_key_of_the_callers_own_takes_no_file() {
    let (place, other) = (filled().await, Place::new());
    let file = key_file(&place);
    let new = || MasterKey::load_or_create(other.path()).unwrap();
    place.open().await.rotate_master_key(place.path(), Some(new())).await.unwrap();
    assert_eq!(key_file(&place), file, "not ours to write");
    let store = SqliteStore::open(place.path(), new()).await.unwrap();
    assert_eq!(store.record("user", "alice/a").await.unwrap(), Some(record()));
    store.close().await;
}

/// The files between any two steps are all that a crash there can leave.
#[tokio::test]
async fn an_interruption_anywhere_leaves_one_key_that_opens_everything() {
    let before = filled().await;
    let after = before.after_a_crash();
    after.open().await.rotate_master_key(after.path(), None).await.unwrap();

    // The next key is written, the transaction did not happen.
    let early = before.after_a_crash();
    fs::copy(after.path().join(MASTER_KEY_FILE), early.path().join(NEXT)).unwrap();
    opens(&early).await;
    assert_eq!(key_file(&early), key_file(&before));

    // It happened, and the key is not yet in its place.
    let late = after.after_a_crash();
    fs::copy(after.path().join(MASTER_KEY_FILE), late.path().join(NEXT)).unwrap();
    fs::copy(before.path().join(MASTER_KEY_FILE), late.path().join(MASTER_KEY_FILE)).unwrap();
    opens(&late).await;
    assert_eq!(key_file(&late), key_file(&after));

    // A value that does not open stops it before anything is changed.
    let broken = before.after_a_crash();
    broken.execute("UPDATE access_keys SET sealed_secret = x'01'").await.unwrap();
    broken.open().await.rotate_master_key(broken.path(), None).await.unwrap_err();
    let store = broken.open().await;
    assert_eq!(store.record("user", "alice/a").await.unwrap(), Some(record()));
    store.close().await;
    assert!(broken.path().join(DATABASE_FILE).exists() && !broken.path().join(NEXT).exists());
}
