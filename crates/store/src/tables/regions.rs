//! Logical regions.

use sqlx::{FromRow, SqliteConnection, SqlitePool};
use sternway_core::ports::{LogicalRegion, StoreError};

use crate::error::{Cause, Doing as _};
use crate::statements;
use crate::time::{nanoseconds, timestamp};
use crate::writer::Command;

#[derive(Debug, FromRow)]
struct Row {
    id: i64,
    region_id: String,
    name: String,
    description: String,
    debug_enable: bool,
    registry_type: String,
    mse_instance_id: String,
    owner: String,
    created_at: i64,
}

impl Row {
    fn region(self) -> Result<LogicalRegion, Cause> {
        Ok(LogicalRegion {
            id: self.id,
            region_id: self.region_id,
            name: self.name,
            description: self.description,
            debug_enable: self.debug_enable,
            registry_type: self.registry_type,
            mse_instance_id: self.mse_instance_id,
            user: self.owner,
            created_at: timestamp(self.created_at)?,
        })
    }
}

/// Adds a logical region (id 0) or replaces the one with its id.
#[derive(Debug)]
pub(crate) struct Put(pub(crate) LogicalRegion);

impl Command for Put {
    type Output = Option<LogicalRegion>;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("write logical region {}", self.0.region_id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<Option<LogicalRegion>, StoreError> {
        let id = put(connection, &self.0).await.doing(|| self.doing())?;
        Ok(id.map(|id| LogicalRegion { id, ..self.0 }))
    }
}

/// The id under which it is stored now, `None` if there is none of its id or another has its region id.
async fn put(connection: &mut SqliteConnection, region: &LogicalRegion) -> Result<Option<i64>, Cause> {
    let is_new = region.id == 0;
    let query = sqlx::query_as(if is_new { statements::INSERT_REGION } else { statements::UPDATE_REGION });
    let query = query
        .bind(&region.region_id)
        .bind(&region.name)
        .bind(&region.description)
        .bind(region.debug_enable)
        .bind(&region.registry_type)
        .bind(&region.mse_instance_id)
        .bind(&region.user)
        .bind(nanoseconds(region.created_at)?);
    let query = if is_new { query } else { query.bind(region.id) };
    let row: Option<(i64,)> = query.fetch_optional(connection).await?;
    Ok(row.map(|(id,)| id))
}

/// Removes a logical region.
#[derive(Debug)]
pub(crate) struct Delete(pub(crate) i64);

impl Command for Delete {
    type Output = bool;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("delete logical region {}", self.0)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let done =
            sqlx::query(statements::DELETE_REGION).bind(self.0).execute(connection).await.doing(|| self.doing())?;
        Ok(done.rows_affected() == 1)
    }
}

pub(crate) async fn list(pool: &SqlitePool) -> Result<Vec<LogicalRegion>, Cause> {
    let rows: Vec<Row> = sqlx::query_as(statements::REGIONS).fetch_all(pool).await?;
    rows.into_iter().map(Row::region).collect()
}
