//! Records; what of them is secret is sealed before it reaches the writer.

use serde_json::Value;
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use sternway_core::ports::{Record, StoreError};

use crate::error::{Cause, Doing as _};
use crate::seal::{MasterKey, Place};
use crate::statements;
use crate::writer::Command;

fn place(row: &str) -> Place<'_> {
    Place { table: "records", column: "sealed_secret", row }
}

#[derive(Debug, FromRow)]
struct Row {
    kind: String,
    id: String,
    owner: String,
    revision: i64,
    document: String,
    sealed_secret: Option<Vec<u8>>,
}

impl Row {
    fn seal(record: Record, master: &MasterKey) -> Result<Self, Cause> {
        let name = format!("{}/{}", record.kind, record.id);
        let sealed_secret = record.secret.map(|secret| master.seal(place(&name), &secret)).transpose()?;
        Ok(Self {
            kind: record.kind,
            id: record.id,
            owner: record.owner,
            revision: i64::try_from(record.revision)?,
            document: record.document.to_string(),
            sealed_secret,
        })
    }

    fn unseal(self, master: &MasterKey) -> Result<Record, Cause> {
        let name = format!("{}/{}", self.kind, self.id);
        let secret = self.sealed_secret.map(|sealed| master.unseal(place(&name), &sealed)).transpose()?;
        let document: Value = serde_json::from_str(&self.document)?;
        Ok(Record {
            kind: self.kind,
            id: self.id,
            owner: self.owner,
            revision: u64::try_from(self.revision)?,
            document,
            secret,
        })
    }
}

/// Adds a record, or replaces the revision before it.
#[derive(Debug)]
pub(crate) struct Put(Row);

impl Put {
    pub(crate) fn new(record: Record, master: &MasterKey) -> Result<Self, Cause> {
        Ok(Self(Row::seal(record, master)?))
    }
}

impl Command for Put {
    type Output = bool;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("write {} {}", self.0.kind, self.0.id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let row = &self.0;
        let is_new = row.revision == 1;
        let done = sqlx::query(if is_new { statements::INSERT_RECORD } else { statements::UPDATE_RECORD })
            .bind(&row.kind)
            .bind(&row.id)
            .bind(&row.owner)
            .bind(row.revision)
            .bind(&row.document)
            .bind(&row.sealed_secret)
            .execute(connection)
            .await
            .doing(|| self.doing())?;
        Ok(done.rows_affected() == 1)
    }
}

/// Removes a record.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl Command for Delete {
    type Output = bool;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("delete {} {}", self.kind, self.id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let query = sqlx::query(statements::DELETE_RECORD).bind(&self.kind).bind(&self.id);
        let done = query.execute(connection).await.doing(|| self.doing())?;
        Ok(done.rows_affected() == 1)
    }
}

/// Removes all records of an owner.
pub(crate) async fn delete_of(connection: &mut SqliteConnection, owner: &str) -> Result<(), StoreError> {
    let query = sqlx::query(statements::DELETE_RECORDS_OF_OWNER).bind(owner);
    query.execute(connection).await.doing(|| format!("delete what belongs to {owner}"))?;
    Ok(())
}

pub(crate) async fn get(pool: &SqlitePool, master: &MasterKey, kind: &str, id: &str) -> Result<Option<Record>, Cause> {
    let row: Option<Row> = sqlx::query_as(statements::RECORD).bind(kind).bind(id).fetch_optional(pool).await?;
    row.map(|row| row.unseal(master)).transpose()
}

pub(crate) async fn list(
    pool: &SqlitePool,
    master: &MasterKey,
    kind: &str,
    owner: Option<&str>,
) -> Result<Vec<Record>, Cause> {
    let rows: Vec<Row> = sqlx::query_as(statements::RECORDS).bind(kind).bind(owner).fetch_all(pool).await?;
    rows.into_iter().map(|row| row.unseal(master)).collect()
}
