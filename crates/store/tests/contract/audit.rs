//! The audit log: it grows, it is found again, and whoever changes it behind our back is noticed.

use std::collections::BTreeMap;

use sternway_core::audit::{Broken, Entry, Stage};
use sternway_core::ports::{Audit, AuditFilter, AuditPage, verify_audit};

use crate::samples::at;
use crate::sqlite::Place;

pub(crate) fn entry(user: &str, operation: &str, seconds: i64) -> Entry {
    Entry {
        at: at(seconds),
        stage: Stage::Answered,
        user: user.to_owned(),
        access_key_id: "LTAI1".to_owned(),
        source: "10.0.0.1".to_owned(),
        operation: operation.to_owned(),
        app_id: "app-1".to_owned(),
        parameters: BTreeMap::from([("Replicas".to_owned(), "3".to_owned())]),
        withheld: vec!["Envs".to_owned()],
        results: BTreeMap::new(),
        code: "200".to_owned(),
        trace_id: format!("trace-{seconds}"),
        unrecorded: 0,
    }
}

async fn sequences(audit: &dyn Audit, filter: AuditFilter, page: AuditPage) -> Vec<u64> {
    audit.entries(filter, page, 3).await.unwrap().iter().map(|link| link.sequence).collect()
}

#[tokio::test]
async fn entries_are_chained_and_found() {
    let place = Place::new();
    let store = place.open().await;
    assert_eq!(verify_audit(&store).await.unwrap().unwrap().sequence, 0);
    let asked = Entry { stage: Stage::Asked, trace_id: "trace-2".to_owned(), ..entry("bob", "Scale", 1) };
    let written = [entry("alice", "Deploy", 0), asked, entry("bob", "Scale", 2), entry("alice", "Scale", 3)];
    for entry in written.clone() {
        store.append(entry).await.unwrap();
    }
    let links = store.entries(AuditFilter::default(), AuditPage::After(0), 10).await.unwrap();
    let read: Vec<Entry> = links.iter().map(|link| link.entry().unwrap()).collect();
    assert_eq!(read, written);
    let head = verify_audit(&store).await.unwrap().unwrap();
    assert_eq!((head.sequence, &head.hash), (4, &links[3].hash));

    let all = AuditFilter::default;
    assert_eq!(sequences(&store, all(), AuditPage::After(2)).await, [3, 4]);
    assert_eq!(sequences(&store, all(), AuditPage::Before(u64::MAX)).await, [4, 3, 2]);
    let user = AuditFilter { user: Some("alice".to_owned()), ..all() };
    assert_eq!(sequences(&store, user, AuditPage::After(0)).await, [1, 4]);
    let outcomes = AuditFilter { operation: Some("Scale".to_owned()), only_outcomes: true, ..all() };
    assert_eq!(sequences(&store, outcomes, AuditPage::After(0)).await, [3, 4]);
    let time = AuditFilter { since: Some(at(1)), until: Some(at(3)), ..all() };
    assert_eq!(sequences(&store, time, AuditPage::After(0)).await, [2, 3]);
    let other = AuditFilter { app_id: Some("app-2".to_owned()), ..all() };
    assert!(sequences(&store, other, AuditPage::After(0)).await.is_empty());
    store.close().await;
}

/// What verification says after somebody worked on the file with a tool of their own.
async fn after(sql: &[&'static str]) -> Result<u64, Broken> {
    let place = Place::new();
    let store = place.open().await;
    for seconds in 0..5 {
        store.append(entry("alice", "Deploy", seconds)).await.unwrap();
    }
    store.close().await;
    for sql in sql {
        place.execute(sql).await.unwrap();
    }
    let store = place.open().await;
    let verified = verify_audit(&store).await.unwrap();
    store.close().await;
    verified.map(|head| head.sequence)
}

const NO_TRIGGERS: [&str; 4] = [
    "DROP TRIGGER audit_is_not_changed",
    "DROP TRIGGER audit_is_kept",
    "DROP TRIGGER audit_head_grows",
    "DROP TRIGGER audit_head_is_kept",
];

#[tokio::test]
async fn what_was_done_to_the_file_is_noticed() {
    assert_eq!(after(&[]).await, Ok(5));
    for (sql, broken) in [
        ("UPDATE audit SET document = replace(document, 'alice', 'mallory') WHERE sequence = 2", Broken::Changed(2)),
        ("DELETE FROM audit WHERE sequence = 3", Broken::Missing { expected: 3, found: 4 }),
        ("DELETE FROM audit WHERE sequence > 3", Broken::Cut { ends: 3, expected: 5 }),
        ("UPDATE audit SET previous = hash WHERE sequence = 4", Broken::Unlinked(4)),
        (
            "INSERT INTO audit SELECT 6, at, stage, who, operation, app_id, trace_id, hash, hash, document FROM audit \
             WHERE sequence = 5",
            Broken::Changed(6),
        ),
        // Who has no master key cannot say that the log ends elsewhere.
        ("UPDATE audit_head SET sequence = 4, hash = (SELECT hash FROM audit WHERE sequence = 4)", Broken::Seal),
        ("DELETE FROM audit_head", Broken::Seal),
    ] {
        let steps: Vec<_> = NO_TRIGGERS.into_iter().chain([sql]).collect();
        assert_eq!(after(&steps).await, Err(broken), "{sql}");
    }
}

#[tokio::test]
async fn what_the_server_writes_later_does_not_make_a_cut_good() {
    let place = Place::new();
    let store = place.open().await;
    for seconds in 0..5 {
        store.append(entry("alice", "Deploy", seconds)).await.unwrap();
    }
    store.close().await;
    let cut = [
        "DELETE FROM audit WHERE sequence > 3",
        "UPDATE audit_head SET sequence = 3, hash = (SELECT hash FROM audit WHERE sequence = 3)",
    ];
    for sql in NO_TRIGGERS.into_iter().chain(cut) {
        place.execute(sql).await.unwrap();
    }
    let store = place.open().await;
    for seconds in 5..9 {
        store.append(entry("bob", "Deploy", seconds)).await.unwrap();
        assert_eq!(verify_audit(&store).await.unwrap(), Err(Broken::Seal), "{seconds}");
    }
    store.close().await;
    // Another master key seals what there is, and not what there should be.
    place.open().await.rotate_master_key(place.path(), None).await.unwrap();
    let store = place.open().await;
    assert_eq!(verify_audit(&store).await.unwrap(), Err(Broken::Seal));
    store.close().await;
}
