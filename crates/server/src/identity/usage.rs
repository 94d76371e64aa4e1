//! When each key was last used. Noted at most once a minute and key, beside the request: a note that is lost is made by the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Record, Records};

use crate::failure::Failure;
use crate::server::Shared;

const KIND: &str = "key-use";
const PRECISION: SignedDuration = SignedDuration::from_mins(1);

/// When and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUse {
    pub(crate) at: Timestamp,
    pub(crate) operation: String,
}

/// What was noted by this process: as many entries as there are keys that prove good.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<HashMap<String, Timestamp>>);

impl Noted {
    fn is_due(&self, key: &str, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match noted.get(key) {
            Some(before) if now.duration_since(*before) < PRECISION => false,
            _ => {
                noted.retain(|_, before| now.duration_since(*before) < PRECISION);
                noted.insert(key.to_owned(), now);
                true
            }
        }
    }
}

/// Notes that a key was used. Nobody waits for it.
pub(crate) fn note(shared: &Arc<Shared>, key: &str, operation: &'static str, now: Timestamp) {
    if !shared.key_usage.is_due(key, now) {
        return;
    }
    let (records, key) = (Arc::clone(&shared.engine.ports().records), key.to_owned());
    let last = LastUse { at: now, operation: operation.to_owned() };
    shared.running.spawn(async move {
        if let Err(failure) = write(records.as_ref(), &key, &last).await {
            tracing::warn!(access_key_id = key, ?failure, "the use of a key was not noted");
        }
    });
}

async fn write(records: &dyn Records, key: &str, last: &LastUse) -> Result<(), Failure> {
    let before = records.record(KIND, key).await?;
    let record = Record {
        kind: KIND.to_owned(),
        id: key.to_owned(),
        owner: String::new(),
        revision: before.map_or(0, |record| record.revision) + 1,
        document: serde_json::to_value(last)?,
        secret: None,
    };
    // Someone else noted it at the same moment: as good.
    records.put_record(record).await?;
    Ok(())
}

/// When a key was last used.
pub(crate) async fn of(records: &dyn Records, key: &str) -> Result<Option<LastUse>, Failure> {
    let record = records.record(KIND, key).await?;
    Ok(record.map(|record| serde_json::from_value(record.document)).transpose()?)
}

/// Forgets a key that is gone.
pub(crate) async fn forget(records: &dyn Records, key: &str) -> Result<(), Failure> {
    records.delete_record(KIND, key).await?;
    Ok(())
}
