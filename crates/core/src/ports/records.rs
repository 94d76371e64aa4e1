//! What people set up beside applications and their changes: users, templates, rules, lanes.
//!
//! A record is one aggregate, kept whole and replaced whole by its next revision, as an order is. Each use has its own kind and its own struct, which
//! serialises into the document.

mod kept;

use async_trait::async_trait;
use serde_json::Value;

pub use self::kept::{Kept, Stored};
use super::{Secret, StoreError};

/// One aggregate.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What it is, such as `scaling-rule`.
    pub kind: String,
    /// Unique among those of its kind.
    pub id: String,
    /// What it belongs to, such as an application's id; empty if to nothing. Records are listed by it.
    pub owner: String,
    /// 1 for a new one; grows by 1 with each change.
    pub revision: u64,
    /// The aggregate. Nothing secret is in it.
    pub document: Value,
    /// What of it is secret; sealed at rest.
    pub secret: Option<Secret>,
}

/// Durable records. Every method that writes is durable when it returns.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// Writes a record whose stored revision is `record.revision - 1` (0: there is none). False if it is not: load again, decide again.
    async fn put_record(&self, record: Record) -> Result<bool, StoreError>;
    /// A record.
    async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, StoreError>;
    /// Records of a kind, oldest first; only of one owner, or all.
    async fn records(&self, kind: &str, owner: Option<&str>) -> Result<Vec<Record>, StoreError>;
    /// Removes a record; false if there is none.
    async fn delete_record(&self, kind: &str, id: &str) -> Result<bool, StoreError>;
}
