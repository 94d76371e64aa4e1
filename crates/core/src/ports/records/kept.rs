//! Records as the structs that they are written from.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Record, Records};
use crate::ports::StoreError;

/// What is kept as records of a kind of its own. Fields that are added later need a default: what was written before stays readable.
pub trait Kept: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// The kind of its records, used by nothing else.
    const KIND: &'static str;
}

/// A struct with its record's name and revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// The record's id.
    pub id: String,
    /// What the record belongs to.
    pub owner: String,
    /// The record's revision; 0 if it is not stored yet.
    pub revision: u64,
    /// The struct.
    pub value: T,
}

impl<T: Kept> Stored<T> {
    /// One that is not stored yet.
    pub fn new(id: impl Into<String>, owner: impl Into<String>, value: T) -> Self {
        Self { id: id.into(), owner: owner.into(), revision: 0, value }
    }

    /// The one with this id.
    ///
    /// # Errors
    /// If the store fails, or holds what is no such struct.
    pub async fn get(records: &dyn Records, id: &str) -> Result<Option<Self>, StoreError> {
        records.record(T::KIND, id).await?.map(Self::read).transpose()
    }

    /// All, oldest first; only of one owner, or of all.
    ///
    /// # Errors
    /// If the store fails, or holds what is no such struct.
    pub async fn list(records: &dyn Records, owner: Option<&str>) -> Result<Vec<Self>, StoreError> {
        records.records(T::KIND, owner).await?.into_iter().map(Self::read).collect()
    }

    /// Writes it as the next revision. False if it was changed in the meantime, or is there already if it is new: load again, decide again.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put(&mut self, records: &dyn Records) -> Result<bool, StoreError> {
        let record = Record {
            kind: T::KIND.to_owned(),
            id: self.id.clone(),
            owner: self.owner.clone(),
            revision: self.revision + 1,
            document: serde_json::to_value(&self.value).map_err(|error| failed("write", &self.id, T::KIND, error))?,
            secret: None,
        };
        let written = records.put_record(record).await?;
        if written {
            self.revision += 1;
        }
        Ok(written)
    }

    /// Removes it; false if there was none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn delete(&self, records: &dyn Records) -> Result<bool, StoreError> {
        records.delete_record(T::KIND, &self.id).await
    }

    fn read(record: Record) -> Result<Self, StoreError> {
        let value =
            serde_json::from_value(record.document).map_err(|error| failed("read", &record.id, T::KIND, error))?;
        Ok(Self { id: record.id, owner: record.owner, revision: record.revision, value })
    }
}

fn failed(doing: &str, id: &str, kind: &str, error: serde_json::Error) -> StoreError {
    StoreError { doing: format!("{doing} {kind} {id}"), source: Box::new(error) }
}
