//! Numbers for what EDAS numbers: each is given once, also after what had it is gone.

use serde::{Deserialize, Serialize};
use sternway_core::ports::{Record, Records};

use crate::failure::Failure;

const KIND: &str = "sequence";

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    last: i64,
}

/// The next number of the sequence of this name.
pub(crate) async fn next(records: &dyn Records, name: &str) -> Result<i64, Failure> {
    loop {
        let (revision, kept) = load(records, name).await?;
        let kept = Kept { last: kept.last + 1 };
        let record = Record {
            kind: KIND.to_owned(),
            id: name.to_owned(),
            owner: String::new(),
            revision: revision + 1,
            document: serde_json::to_value(&kept)?,
            secret: None,
        };
        // Each conflict is a number that somebody else got.
        if records.put_record(record).await? {
            return Ok(kept.last);
        }
    }
}

/// Whether a number was ever given.
pub(crate) async fn was_given(records: &dyn Records, name: &str, number: i64) -> Result<bool, Failure> {
    let (_, kept) = load(records, name).await?;
    Ok((1..=kept.last).contains(&number))
}

async fn load(records: &dyn Records, name: &str) -> Result<(u64, Kept), Failure> {
    match records.record(KIND, name).await? {
        Some(record) => Ok((record.revision, serde_json::from_value(record.document)?)),
        None => Ok((0, Kept { last: 0 })),
    }
}
