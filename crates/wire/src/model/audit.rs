//! The audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of the log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListAuditEntries {
    /// Each as a line of an export: Sequence, Previous, Hash and the Entry itself, whose keys keep their sequence, because they are what was
    /// hashed.
    pub audit_entry_list: Vec<Value>,
}

/// Where the log ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetAuditHead {
    pub sequence: u64,
    pub hash: String,
    /// Why it cannot be believed; empty if it can.
    pub problem: String,
}
