//! What is particular to SQLite: files, locks, keys, crashes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures::FutureExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use sternway_core::order::{Order, OrderKind, Status};
use sternway_core::ports::{
    Audit as _, ClusterAccess, CommitError, Feed as _, FeedEntry, Secret, Store as _, StoreWrite,
};
use sternway_store::{DATABASE_FILE, MASTER_KEY_FILE, MasterKey, OpenError, SqliteStore};
use tempfile::TempDir;

use crate::records::{access_key, cluster};
use crate::samples::{app, app_id, at, event, insert, insert_app, next, order, update, write};

/// A data directory that goes when the test ends.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<SqliteStore, OpenError> {
        let key = MasterKey::load_or_create(self.path()).unwrap();
        SqliteStore::open(self.path(), key).await
    }

    /// What a crash of the process at this moment would leave: the files as they are, the lock let go.
    pub(crate) fn after_a_crash(&self) -> Self {
        let place = Self::new();
        for file in files(self.path()) {
            fs::copy(&file, place.path().join(file.file_name().unwrap())).unwrap();
        }
        place
    }

    pub(crate) async fn execute(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(self.path().join(DATABASE_FILE));
        let mut connection = options.connect().await?;
        let done = sqlx::query(sql).execute(&mut connection).await;
        connection.close().await?;
        done.map(drop)
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn what_was_answered_is_there_after_closing_and_after_a_crash() {
    let place = Place::new();
    let store = place.open().await;
    let app = app("web");
    let first = order(app.id, OrderKind::Deploy, 0);
    write(&store, [insert_app(&app), insert(&first)]).await.unwrap();
    let fence = store.lease(first.id, "a", at(0), at(30)).await.unwrap();
    let second = next(&first, Status::AwaitingConfirmation);
    let events = StoreWrite::AppendEvents(first.id, vec![event("Waits")]);
    write(&store, [update(&second), events]).await.unwrap();
    let key = access_key("LTAI1", 0);
    store.insert_key(key.clone()).await.unwrap();

    let crashed = place.after_a_crash();
    store.close().await;
    for place in [place, crashed] {
        let store = place.open().await;
        assert_eq!(store.app(app.id).await.unwrap(), Some(app.clone()));
        assert_eq!(store.active_orders().await.unwrap(), [first.id]);
        assert_eq!(store.order(first.id).await.unwrap(), Some(second.clone()));
        assert_eq!(store.events(first.id, 0).await.unwrap(), [(1, event("Waits"))]);
        assert_eq!(store.key("LTAI1").await.unwrap(), Some(key.clone()));
        // Nobody can hold it any more: the directory is ours.
        let later = store.lease(first.id, "b", at(10), at(40)).await.unwrap();
        assert!(later > fence, "a fence is not given again");
        store.close().await;
    }
}

#[tokio::test]
async fn commits_in_flight_at_a_crash_are_whole_or_absent() {
    let place = Place::new();
    let store = place.open().await;
    let orders: Vec<_> = (0..20).map(|seconds| order(app_id(), OrderKind::Deploy, seconds)).collect();
    for order in &orders {
        let events = StoreWrite::AppendEvents(order.id, vec![event("A"), event("B")]);
        write(&store, [insert(order), events]).await.unwrap();
    }
    // Wherever the log ends after a crash of the machine, what is left is a prefix of whole commits.
    let log = format!("{DATABASE_FILE}-wal");
    let length = fs::metadata(place.path().join(&log)).unwrap().len();
    for cut in [1, 1000, length / 3, length / 2, length - 1] {
        let crashed = place.after_a_crash();
        // The index of the log lives in memory that a crash of the machine loses.
        fs::remove_file(crashed.path().join(format!("{DATABASE_FILE}-shm"))).unwrap();
        let file = fs::OpenOptions::new().write(true).open(crashed.path().join(&log)).unwrap();
        file.set_len(length - cut).unwrap();
        let store = crashed.open().await;
        let active = store.active_orders().await.unwrap();
        let kept = orders.iter().filter(|order| active.contains(&order.id)).count();
        assert!(kept < orders.len(), "the cut took the last commit at least");
        for (index, order) in orders.iter().enumerate() {
            let events = store.events(order.id, 0).await.unwrap().len();
            let part = store.order_of_part(order.pipelines[0].id).await.unwrap();
            let whole = (active.contains(&order.id), events, part.is_some());
            let expected = if index < kept { (true, 2, true) } else { (false, 0, false) };
            assert_eq!(whole, expected, "cut {cut}, commit {index} of {kept}");
        }
        store.close().await;
    }
    store.close().await;
}

#[tokio::test]
async fn the_directory_belongs_to_one_store_at_a_time() {
    let place = Place::new();
    let store = place.open().await;
    match place.try_open().await {
        Err(error @ OpenError::Locked { .. }) => {
            let pid = std::process::id().to_string();
            assert!(error.to_string().contains(&pid), "{error}");
        }
        other => panic!("{other:?}"),
    }
    // The refused one has not disturbed the first.
    write(&store, [insert_app(&app("web"))]).await.unwrap();
    store.close().await;
    place.open().await.close().await;
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let place = Place::new();
    place.open().await.close().await;
    let other = Place::new();
    let key = MasterKey::load_or_create(other.path()).unwrap();
    let error = SqliteStore::open(place.path(), key).await.unwrap_err();
    assert!(matches!(error, OpenError::WrongMasterKey { .. }), "{error}");
    // Refused in any case the lock is let go, and the right key still fits.
    place.open().await.close().await;
}

#[tokio::test]
async fn a_database_from_the_future_is_refused() {
    let place = Place::new();
    place.open().await.close().await;
    place
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9000, 'later', TRUE, x'00', 0)",
        )
        .await
        .unwrap();
    match place.try_open().await {
        Err(OpenError::Newer { form, known, .. }) => {
            assert_eq!(form, 9000);
            assert!(known < form);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_directory_that_is_none_and_a_file_that_is_no_database_are_refused() {
    let place = Place::new();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let key = MasterKey::load_or_create(place.path()).unwrap();
    let error = SqliteStore::open(&file.join("data"), key).await.unwrap_err();
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");

    let key = MasterKey::load_or_create(place.path()).unwrap();
    fs::write(place.path().join(DATABASE_FILE), "no database ".repeat(100)).unwrap();
    let error = SqliteStore::open(place.path(), key).await.unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
}

#[tokio::test]
async fn files_are_for_their_owner_only_and_hold_no_secret_in_plain_text() {
    let place = Place::new();
    let store = place.open().await;
    let key = access_key("LTAI1", 0);
    let kubeconfig = "kind: Config # a kubeconfig that nobody else may read";
    store.insert_key(key.clone()).await.unwrap();
    store.put_cluster(cluster("prod", 0, ClusterAccess::Kubeconfig(Secret::new(kubeconfig)))).await.unwrap();

    let check = |secrets: &[&str], expected: bool| {
        let found = files(place.path()).iter().any(|file| {
            let bytes = fs::read(file).unwrap();
            secrets.iter().any(|secret| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
        });
        assert_eq!(found, expected, "{secrets:?}");
    };
    let secrets = [key.secret.reveal(), kubeconfig];
    check(&secrets, false);
    // The search itself works: what is not secret is found.
    check(&["LTAI1"], true);
    for file in files(place.path()) {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(DATABASE_FILE) || name == MASTER_KEY_FILE {
            assert_eq!(mode, 0o600, "{name}");
        }
    }
    store.close().await;
    check(&secrets, false);
}

#[tokio::test]
async fn a_sealed_value_opens_in_its_own_row_only() {
    let place = Place::new();
    let store = place.open().await;
    store.insert_key(access_key("LTAI1", 0)).await.unwrap();
    store.insert_key(access_key("LTAI2", 0)).await.unwrap();
    store.close().await;
    place
        .execute(
            "UPDATE access_keys SET sealed_secret = \
             (SELECT sealed_secret FROM access_keys WHERE id = 'LTAI2') WHERE id = 'LTAI1'",
        )
        .await
        .unwrap();
    let store = place.open().await;
    let error = store.key("LTAI1").await.unwrap_err();
    assert!(error.to_string().contains("LTAI1"), "{error}");
    assert!(store.key("LTAI2").await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn the_database_itself_keeps_the_record() {
    let place = Place::new();
    let store = place.open().await;
    let first = order(app_id(), OrderKind::Deploy, 0);
    let events = StoreWrite::AppendEvents(first.id, vec![event("A")]);
    write(&store, [insert(&first), events]).await.unwrap();
    store.lease(first.id, "a", at(0), at(1)).await.unwrap();
    store.append(crate::audit::entry("alice", "DeployK8sApplication", 0)).await.unwrap();
    store.close().await;
    for forbidden in [
        "DELETE FROM events",
        "UPDATE events SET text = 'never happened'",
        "DELETE FROM orders",
        "UPDATE fences SET last = 0",
        "UPDATE fences SET last = last",
        "DELETE FROM fences",
        "DELETE FROM audit",
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET sequence = 0",
        "INSERT INTO orders (id, app_id, kind, status, active, created_at, revision, document) \
         SELECT 'x', app_id, kind, status, active, created_at, revision, document FROM orders",
    ] {
        let error = place.execute(forbidden).await.unwrap_err();
        assert!(error.as_database_error().is_some(), "{forbidden}: {error}");
    }
}

#[tokio::test]
async fn a_closed_store_says_so_and_has_not_failed() {
    let place = Place::new();
    let store = place.open().await;
    let mut failed = Box::pin(store.failed());
    assert!(failed.as_mut().now_or_never().is_none());
    store.close().await;
    store.close().await;
    assert!(failed.as_mut().now_or_never().is_none());
    let error = write(&store, [insert_app(&app("web"))]).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(_)), "{error}");
    store.app(app_id()).await.unwrap_err();
}

#[tokio::test]
async fn the_events_of_all_orders_are_one_sequence() {
    let place = Place::new();
    let store = place.open().await;
    assert_eq!((store.feed_end().await.unwrap(), store.feed(0, 10).await.unwrap()), (0, vec![]));
    let mut appended = Box::pin(store.appended(0));
    assert!(appended.as_mut().now_or_never().is_none());
    let (one, other) = (order(app_id(), OrderKind::Deploy, 0), order(app_id(), OrderKind::Deploy, 1));
    let append = |order: &Order, kind| StoreWrite::AppendEvents(order.id, vec![event(kind)]);
    write(&store, [insert(&one), append(&one, "A"), insert(&other), append(&other, "X")]).await.unwrap();
    appended.await;
    let ended = next(&one, Status::Failed);
    write(&store, [update(&ended), append(&one, "B")]).await.unwrap();
    // Not written, so it has no place.
    write(&store, [append(&other, "Y"), update(&ended)]).await.unwrap_err();
    let entry = |position, order: &Order, sequence, status, kind| FeedEntry {
        position,
        order: order.id,
        sequence,
        status,
        event: event(kind),
    };
    let all = [
        entry(1, &one, 1, Status::Running, "A"),
        entry(2, &other, 1, Status::Running, "X"),
        entry(3, &one, 2, Status::Failed, "B"),
    ];
    assert_eq!(store.feed(0, 10).await.unwrap(), all);
    assert_eq!(store.feed(0, 2).await.unwrap(), all[..2]);
    assert_eq!(store.feed(2, 10).await.unwrap(), all[2..]);
    assert_eq!((store.feed_end().await.unwrap(), store.feed(u64::MAX, 1).await.unwrap()), (3, vec![]));
    store.appended(2).await;
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.feed(0, 10).await.unwrap(), all);
    store.close().await;
}

#[tokio::test]
async fn the_events_of_an_earlier_form_keep_their_sequence() {
    let place = Place::new();
    let store = place.open().await;
    let (one, other) = (order(app_id(), OrderKind::Deploy, 0), order(app_id(), OrderKind::Deploy, 1));
    let ended = next(&other, Status::Succeeded);
    let append = |order: &Order| StoreWrite::AppendEvents(order.id, vec![event("A"), event("B")]);
    write(&store, [insert(&one), insert(&other), append(&other), append(&one), update(&ended)]).await.unwrap();
    store.close().await;
    // As it was before there was one sequence.
    for sql in [
        "DROP TABLE events",
        "CREATE TABLE events (order_id TEXT NOT NULL REFERENCES orders (id), seq BIGINT NOT NULL, at BIGINT NOT NULL, \
         kind TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (order_id, seq))",
        "INSERT INTO events SELECT id, 2, 9, 'B', 'b' FROM orders",
        "INSERT INTO events SELECT id, 1, 7, 'A', 'a' FROM orders",
        "CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'never'); END",
        "CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'never'); END",
        "DELETE FROM _sqlx_migrations WHERE version = 11",
    ] {
        place.execute(sql).await.unwrap();
    }
    let store = place.open().await;
    let feed = store.feed(0, 10).await.unwrap();
    let seen: Vec<_> = feed.iter().map(|entry| (entry.position, entry.order, entry.sequence, entry.status)).collect();
    let expected = [
        (1, one.id, 1, Status::Running),
        (2, other.id, 1, Status::Succeeded),
        (3, one.id, 2, Status::Running),
        (4, other.id, 2, Status::Succeeded),
    ];
    assert_eq!(seen, expected);
    write(&store, [append(&one)]).await.unwrap();
    assert_eq!(store.feed(4, 10).await.unwrap().len(), 2);
    store.close().await;
    place.execute("DELETE FROM events").await.unwrap_err();
}
