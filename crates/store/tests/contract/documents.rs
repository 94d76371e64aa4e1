//! Records.

use serde_json::json;
use sternway_core::ports::{Record, Records, Secret, Store, StoreWrite};

use crate::samples::{app, insert_app, write};

fn record(kind: &str, id: &str, owner: &str) -> Record {
    Record {
        kind: kind.to_owned(),
        id: id.to_owned(),
        owner: owner.to_owned(),
        revision: 1,
        document: json!({"z": 1, "a": ["b", null]}),
        secret: None,
    }
}

pub(crate) async fn records_are_kept(store: &dyn Records) {
    let mut secret = record("rule", "one", "shop");
    secret.secret = Some(Secret::new("planted"));
    let other = record("rule", "two", "blog");
    // The same id under another kind is another record.
    let lane = record("lane", "one", "shop");
    for record in [&secret, &other, &lane] {
        assert!(store.put_record(record.clone()).await.unwrap());
    }
    assert_eq!(store.record("rule", "one").await.unwrap(), Some(secret.clone()));
    assert_eq!(store.record("rule", "three").await.unwrap(), None);
    assert_eq!(store.records("rule", None).await.unwrap(), [secret.clone(), other.clone()]);
    assert_eq!(store.records("rule", Some("shop")).await.unwrap(), [secret]);
    assert_eq!(store.records("rule", Some("")).await.unwrap(), []);
    assert!(store.delete_record("rule", "one").await.unwrap());
    assert!(!store.delete_record("rule", "one").await.unwrap());
    assert_eq!(store.record("lane", "one").await.unwrap(), Some(lane));
}

pub(crate) async fn a_record_follows_on_the_stored_revision(store: &dyn Records) {
    let first = record("rule", "one", "shop");
    assert!(!store.put_record(Record { revision: 2, ..first.clone() }).await.unwrap());
    assert!(store.put_record(first.clone()).await.unwrap());
    assert!(!store.put_record(first.clone()).await.unwrap());
    let second = Record { revision: 2, owner: "blog".to_owned(), document: json!(7), ..first.clone() };
    assert!(store.put_record(second.clone()).await.unwrap());
    assert!(!store.put_record(Record { revision: 2, ..first }).await.unwrap());
    assert_eq!(store.record("rule", "one").await.unwrap(), Some(second));
}

pub(crate) async fn records_go_with_the_application_that_owns_them(store: &(impl Store + Records)) {
    let web = app("web");
    write(store, [insert_app(&web)]).await.unwrap();
    let own = record("rule", "one", &web.id.to_string());
    let tags = record("tags", "one", &web.id.to_string());
    let other = record("rule", "two", "blog");
    for record in [&own, &tags, &other] {
        assert!(store.put_record(record.clone()).await.unwrap());
    }
    write(store, [StoreWrite::DeleteApp(web.id)]).await.unwrap();
    assert_eq!(store.records("rule", None).await.unwrap(), [other]);
    assert_eq!(store.records("tags", None).await.unwrap(), []);
}
