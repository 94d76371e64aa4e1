//! Versions of applications.

use sqlx::{SqliteConnection, SqlitePool};
use sternway_core::ids::{AppId, VersionNumber};
use sternway_core::ports::CommitError;
use sternway_core::version::Version;

use super::{document, documents};
use crate::error::{Cause, Doing as _};
use crate::statements;

/// Writes a version, new or changed.
pub(crate) async fn put(connection: &mut SqliteConnection, version: &Version) -> Result<(), CommitError> {
    let doing = || format!("write version {} of application {}", version.number, version.app);
    sqlx::query(statements::PUT_VERSION)
        .bind(version.app.to_string())
        .bind(i64::from(version.number.0))
        .bind(serde_json::to_string(version).doing(doing)?)
        .execute(connection)
        .await
        .doing(doing)?;
    Ok(())
}

pub(crate) async fn get(pool: &SqlitePool, app: AppId, number: VersionNumber) -> Result<Option<Version>, Cause> {
    let row = sqlx::query_scalar(statements::VERSION)
        .bind(app.to_string())
        .bind(i64::from(number.0))
        .fetch_optional(pool)
        .await?;
    document(row)
}

pub(crate) async fn of_app(pool: &SqlitePool, app: AppId, limit: u32) -> Result<Vec<Version>, Cause> {
    let rows = sqlx::query_scalar(statements::VERSIONS_OF_APP)
        .bind(app.to_string())
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    documents(rows)
}
