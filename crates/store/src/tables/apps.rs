//! Applications.

use sqlx::{SqliteConnection, SqlitePool};
use sternway_core::application::Application;
use sternway_core::ids::AppId;
use sternway_core::ports::{AppFilter, CommitError};

use super::{document, documents};
use crate::error::{Cause, Doing as _};
use crate::statements;

/// Writes a new application; its names must be free.
pub(crate) async fn insert(connection: &mut SqliteConnection, app: &Application) -> Result<(), CommitError> {
    write(connection, statements::INSERT_APP, app).await
}

/// Writes the next revision.
pub(crate) async fn update(connection: &mut SqliteConnection, app: &Application) -> Result<(), CommitError> {
    write(connection, statements::UPDATE_APP, app).await
}

/// Both statements write a row, or none where the id or the revision is not as expected; a unique index stands for a name that is taken.
async fn write(
    connection: &mut SqliteConnection,
    statement: &'static str,
    app: &Application,
) -> Result<(), CommitError> {
    match write_row(connection, statement, app).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommitError::Conflict(format!("application {}", app.id))),
        Err(cause) if is_unique_violation(&cause) => Err(CommitError::NameTaken),
        failed => {
            failed.doing(|| format!("write application {}", app.id))?;
            Ok(())
        }
    }
}

async fn write_row(
    connection: &mut SqliteConnection,
    statement: &'static str,
    app: &Application,
) -> Result<bool, Cause> {
    let done = sqlx::query(statement)
        .bind(app.id.to_string())
        .bind(app.workload.cluster.to_string())
        .bind(&app.workload.namespace)
        .bind(&app.name)
        .bind(&app.workload.name)
        .bind(&app.logical_region)
        .bind(i64::try_from(app.revision)?)
        .bind(serde_json::to_string(app)?)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn is_unique_violation(cause: &Cause) -> bool {
    cause
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .is_some_and(|error| error.is_unique_violation())
}

/// Removes an application, if it is there. Its versions and orders stay.
pub(crate) async fn delete(connection: &mut SqliteConnection, id: AppId) -> Result<(), CommitError> {
    sqlx::query(statements::DELETE_APP)
        .bind(id.to_string())
        .execute(connection)
        .await
        .doing(|| format!("delete application {id}"))?;
    Ok(())
}

pub(crate) async fn get(pool: &SqlitePool, id: AppId) -> Result<Option<Application>, Cause> {
    let row = sqlx::query_scalar(statements::APP).bind(id.to_string()).fetch_optional(pool).await?;
    document(row)
}

pub(crate) async fn list(pool: &SqlitePool, filter: AppFilter) -> Result<Vec<Application>, Cause> {
    let rows = sqlx::query_scalar(statements::APPS)
        .bind(filter.cluster.map(|cluster| cluster.to_string()))
        .bind(filter.namespace)
        .bind(filter.logical_region)
        .bind(filter.name)
        .fetch_all(pool)
        .await?;
    documents(rows)
}
