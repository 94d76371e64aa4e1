//! What is kept of groups and lanes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sternway_core::ports::{Record, Records};
use sternway_wire::error::BusinessError;

use crate::failure::Failure;

pub(super) const GROUP: &str = "swimming-lane-group";
pub(super) const LANE: &str = "swimming-lane";

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) logical_region: String,
    /// The id of the application that requests come in by.
    pub(super) entry: String,
    /// The ids of the other applications.
    pub(super) apps: Vec<String>,
    /// The Gateway that the route is for, if it was named: `name` or `namespace/name`.
    pub(super) gateway: Option<String>,
}

impl Group {
    /// Whether an application serves inside and outside of the lanes.
    pub(super) fn has(&self, app: &str) -> bool {
        self.entry == app || self.apps.iter().any(|other| other == app)
    }

    /// All its applications; the entry is the first.
    pub(super) fn all(&self) -> Vec<String> {
        let others = self.apps.iter().filter(|app| **app != self.entry);
        std::iter::once(&self.entry).chain(others).cloned().collect()
    }
}

/// A lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lane {
    pub(super) id: i64,
    pub(super) group: i64,
    pub(super) name: String,
    pub(super) tag: String,
    /// The ids of its applications; empty: all of the group.
    pub(super) apps: Vec<String>,
    /// EntryRules, as the client gave them.
    pub(super) rules: Value,
    pub(super) enabled: bool,
}

impl Lane {
    /// Its applications.
    pub(super) fn members(&self, group: &Group) -> Vec<String> {
        if self.apps.is_empty() { group.all() } else { self.apps.clone() }
    }
}

/// Something with the revision that it has in the store; 0 if it is not there yet.
#[derive(Debug, Clone)]
pub(super) struct Stored<T> {
    pub(super) revision: u64,
    pub(super) value: T,
}

/// A group by its id.
pub(super) async fn group(records: &dyn Records, id: i64) -> Result<Stored<Group>, Failure> {
    let unknown = || {
        let message = format!("The swimming lane group {id} does not exist. List them with ListSwimmingLaneGroup.");
        BusinessError::new(404, "SwimmingLaneGroup.NotFound", message)
    };
    Ok(find_group(records, id).await?.ok_or_else(unknown)?)
}

/// A group by its id; `None` if there is none.
pub(super) async fn find_group(records: &dyn Records, id: i64) -> Result<Option<Stored<Group>>, Failure> {
    read(records.record(GROUP, &id.to_string()).await?)
}

/// The groups of a logical region.
pub(super) async fn groups(records: &dyn Records, logical_region: &str) -> Result<Vec<Group>, Failure> {
    all(records.records(GROUP, Some(logical_region)).await?)
}

/// A lane by its id.
pub(super) async fn lane(records: &dyn Records, id: i64) -> Result<Option<Stored<Lane>>, Failure> {
    read(records.record(LANE, &id.to_string()).await?)
}

/// The lanes of a group.
pub(super) async fn lanes(records: &dyn Records, group: i64) -> Result<Vec<Lane>, Failure> {
    all(records.records(LANE, Some(&group.to_string())).await?)
}

/// Writes a group over the revision that it was read with.
pub(super) async fn put_group(records: &dyn Records, group: &Stored<Group>) -> Result<(), Failure> {
    put(records, GROUP, group.value.id, group.value.logical_region.clone(), group.revision, &group.value).await
}

/// Writes a lane over the revision that it was read with.
pub(super) async fn put_lane(records: &dyn Records, lane: &Stored<Lane>) -> Result<(), Failure> {
    put(records, LANE, lane.value.id, lane.value.group.to_string(), lane.revision, &lane.value).await
}

/// What a lane that is not there is called.
pub(super) fn no_lane(id: i64) -> BusinessError {
    let message = format!("The swimming lane {id} does not exist. List them with ListSwimmingLane.");
    BusinessError::new(404, "SwimmingLane.NotFound", message)
}

async fn put(
    records: &dyn Records,
    kind: &str,
    id: i64,
    owner: String,
    revision: u64,
    value: &impl Serialize,
) -> Result<(), Failure> {
    let document = serde_json::to_value(value)?;
    let record =
        Record { kind: kind.to_owned(), id: id.to_string(), owner, revision: revision + 1, document, secret: None };
    if records.put_record(record).await? {
        return Ok(());
    }
    let message = "It was changed by someone else at the same moment. Look at it, and try again.";
    Err(BusinessError::new(409, "SwimmingLane.Conflict", message.to_owned()).into())
}

fn read<T: DeserializeOwned>(record: Option<Record>) -> Result<Option<Stored<T>>, Failure> {
    let read = |record: Record| -> Result<Stored<T>, Failure> {
        Ok(Stored { revision: record.revision, value: serde_json::from_value(record.document)? })
    };
    record.map(read).transpose()
}

fn all<T: DeserializeOwned>(records: Vec<Record>) -> Result<Vec<T>, Failure> {
    records.into_iter().map(|record| Ok(serde_json::from_value(record.document)?)).collect()
}
