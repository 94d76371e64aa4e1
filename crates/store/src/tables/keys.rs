//! Access keys; their secrets are sealed before they reach the writer.

use sqlx::{FromRow, SqliteConnection, SqlitePool};
use sternway_core::ports::{AccessKey, StoreError};

use crate::error::{Cause, Doing as _};
use crate::seal::{MasterKey, Place};
use crate::statements;
use crate::time::{nanoseconds, timestamp};
use crate::writer::Command;

fn place(id: &str) -> Place<'_> {
    Place { table: "access_keys", column: "sealed_secret", row: id }
}

#[derive(Debug, FromRow)]
pub(crate) struct Row {
    id: String,
    sealed_secret: Vec<u8>,
    owner: String,
    enabled: bool,
    description: String,
    created_at: i64,
}

impl Row {
    fn seal(key: AccessKey, master: &MasterKey) -> Result<Self, Cause> {
        Ok(Self {
            sealed_secret: master.seal(place(&key.id), &key.secret)?,
            id: key.id,
            owner: key.user,
            enabled: key.enabled,
            description: key.description,
            created_at: nanoseconds(key.created_at)?,
        })
    }

    fn unseal(self, master: &MasterKey) -> Result<AccessKey, Cause> {
        Ok(AccessKey {
            secret: master.unseal(place(&self.id), &self.sealed_secret)?,
            id: self.id,
            user: self.owner,
            enabled: self.enabled,
            description: self.description,
            created_at: timestamp(self.created_at)?,
        })
    }
}

/// Adds a key.
#[derive(Debug)]
pub(crate) struct Insert(Row);

impl Insert {
    pub(crate) fn new(key: AccessKey, master: &MasterKey) -> Result<Self, Cause> {
        Ok(Self(Row::seal(key, master)?))
    }
}

impl Command for Insert {
    type Output = ();
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("add access key {}", self.0.id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let row = &self.0;
        sqlx::query(statements::INSERT_KEY)
            .bind(&row.id)
            .bind(&row.sealed_secret)
            .bind(&row.owner)
            .bind(row.enabled)
            .bind(&row.description)
            .bind(row.created_at)
            .execute(connection)
            .await
            .doing(|| self.doing())?;
        Ok(())
    }
}

/// Enables or disables a key.
#[derive(Debug)]
pub(crate) struct SetEnabled {
    pub(crate) id: String,
    pub(crate) enabled: bool,
}

impl Command for SetEnabled {
    type Output = bool;
    type Error = StoreError;

    fn doing(&self) -> String {
        let what = if self.enabled { "enable" } else { "disable" };
        format!("{what} access key {}", self.id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let done = sqlx::query(statements::SET_KEY_ENABLED)
            .bind(&self.id)
            .bind(self.enabled)
            .execute(connection)
            .await
            .doing(|| self.doing())?;
        Ok(done.rows_affected() == 1)
    }
}

/// Removes a key.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) id: String,
}

impl Command for Delete {
    type Output = bool;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("delete access key {}", self.id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let query = sqlx::query(statements::DELETE_KEY).bind(&self.id);
        let done = query.execute(connection).await.doing(|| self.doing())?;
        Ok(done.rows_affected() == 1)
    }
}

pub(crate) async fn get(pool: &SqlitePool, master: &MasterKey, id: &str) -> Result<Option<AccessKey>, Cause> {
    let row: Option<Row> = sqlx::query_as(statements::KEY).bind(id).fetch_optional(pool).await?;
    row.map(|row| row.unseal(master)).transpose()
}

pub(crate) async fn list(pool: &SqlitePool, master: &MasterKey) -> Result<Vec<AccessKey>, Cause> {
    let rows: Vec<Row> = sqlx::query_as(statements::KEYS).fetch_all(pool).await?;
    rows.into_iter().map(|row| row.unseal(master)).collect()
}
