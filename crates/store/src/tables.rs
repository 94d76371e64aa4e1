//! One module per table or aggregate: its rows, its writes (on the writer's connection) and its reads (on the pool).

pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod clusters;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod leases;
pub(crate) mod orders;
pub(crate) mod records;
pub(crate) mod regions;
pub(crate) mod versions;

use serde::de::DeserializeOwned;

use crate::error::Cause;

/// Reads the one column of rows that are documents.
fn documents<T: DeserializeOwned>(rows: Vec<String>) -> Result<Vec<T>, Cause> {
    rows.iter().map(|row| Ok(serde_json::from_str(row)?)).collect()
}

/// Reads a document that may be missing.
fn document<T: DeserializeOwned>(row: Option<String>) -> Result<Option<T>, Cause> {
    Ok(row.map(|row| serde_json::from_str(&row)).transpose()?)
}
