//! What was uploaded under which name.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Record, Records, StoreError};
use sternway_packages::{Digest, Kept};
use sternway_wire::query;

const KIND: &str = "package-upload";
const KIND_IN_PARTS: &str = "package-upload-in-parts";
/// Attempts, where two write the same name at the same moment.
const ATTEMPTS: usize = 8;
/// Long enough for any pipeline between its upload and its deploy.
pub(crate) const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) digest: String,
    pub(crate) size: u64,
    /// In hex: what clients call its ETag.
    pub(crate) md5: String,
    pub(crate) user: String,
    pub(crate) at: Timestamp,
}

/// An upload in parts that is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InParts {
    pub(crate) key: String,
    pub(crate) at: Timestamp,
}

impl Upload {
    pub(crate) fn new(kept: &Kept, user: &str, at: Timestamp) -> Self {
        Self {
            digest: kept.digest.to_string(),
            size: kept.size,
            md5: hex::encode_upper(kept.md5),
            user: user.to_owned(),
            at,
        }
    }
}

/// The object of a name.
pub(crate) async fn find(records: &dyn Records, key: &str) -> Result<Option<Upload>, StoreError> {
    read(records.record(KIND, key).await?)
}

/// Gives a name to what was uploaded, in place of what had it before.
pub(crate) async fn put(records: &dyn Records, key: &str, upload: &Upload) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS {
        let before = records.record(KIND, key).await?.map_or(0, |record| record.revision);
        if records.put_record(record(KIND, key, before + 1, upload)?).await? {
            return Ok(());
        }
    }
    let source = "others write it all the time".into();
    Err(StoreError { doing: "name an upload".to_owned(), source })
}

/// All objects by name.
pub(crate) async fn all(records: &dyn Records) -> Result<Vec<(String, Upload)>, StoreError> {
    let mut all = Vec::new();
    for record in records.records(KIND, None).await? {
        let key = record.id.clone();
        all.extend(read(Some(record))?.map(|upload| (key, upload)));
    }
    Ok(all)
}

/// Forgets a name.
pub(crate) async fn forget(records: &dyn Records, key: &str) -> Result<(), StoreError> {
    records.delete_record(KIND, key).await.map(drop)
}

/// Begins an upload in parts.
pub(crate) async fn begin(records: &dyn Records, id: &str, upload: &InParts) -> Result<(), StoreError> {
    records.put_record(record(KIND_IN_PARTS, id, 1, upload)?).await.map(drop)
}

/// An upload in parts, if it is one of this name.
pub(crate) async fn in_parts(records: &dyn Records, id: &str, key: &str) -> Result<bool, StoreError> {
    let found: Option<InParts> = read(records.record(KIND_IN_PARTS, id).await?)?;
    Ok(found.is_some_and(|found| found.key == key))
}

/// Ends an upload in parts.
pub(crate) async fn end(records: &dyn Records, id: &str) -> Result<(), StoreError> {
    records.delete_record(KIND_IN_PARTS, id).await.map(drop)
}

/// Ends those that were begun before a moment.
pub(crate) async fn end_old(records: &dyn Records, before: Timestamp) -> Result<(), StoreError> {
    for record in records.records(KIND_IN_PARTS, None).await? {
        let id = record.id.clone();
        if read::<InParts>(Some(record))?.is_some_and(|upload| upload.at < before) {
            end(records, &id).await?;
        }
    }
    Ok(())
}

fn record(kind: &str, id: &str, revision: u64, document: &impl Serialize) -> Result<Record, StoreError> {
    let document = serde_json::to_value(document).map_err(|error| unreadable(Box::new(error)))?;
    Ok(Record { kind: kind.to_owned(), id: id.to_owned(), owner: String::new(), revision, document, secret: None })
}

fn read<T: for<'de> Deserialize<'de>>(record: Option<Record>) -> Result<Option<T>, StoreError> {
    let read = record.map(|record| serde_json::from_value(record.document)).transpose();
    read.map_err(|error| unreadable(Box::new(error)))
}

fn unreadable(source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError { doing: "read or write what was uploaded".to_owned(), source }
}

/// The name of an object of ours that a URL or a request names: the bucket is in its host, or first in its path.
pub(crate) fn object_key(bucket: &str, host: &str, raw_path: &str) -> Option<String> {
    let in_host = host.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.'));
    let key = if in_host {
        raw_path.strip_prefix('/')?
    } else {
        raw_path.strip_prefix('/')?.strip_prefix(bucket)?.strip_prefix('/')?
    };
    Some(query::decode(key))
}

/// The digest that an upload has.
pub(crate) fn digest(upload: &Upload) -> Option<Digest> {
    Digest::parse(&upload.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_known_wherever_the_bucket_is_named() {
        for (host, path, expected) in [
            ("b.host:8080", "/root/apps/a%20b.jar", Some("root/apps/a b.jar")),
            ("b.oss-cn-hangzhou-internal.aliyuncs.com", "/k", Some("k")),
            ("host:8080", "/b/k", Some("k")),
            ("host:8080", "/bb/k", None),
            ("bb.host", "/k", None),
            ("host", "/pop/v5/x", None),
        ] {
            assert_eq!(object_key("b", host, path).as_deref(), expected, "{host}{path}");
        }
    }
}
