//! Change orders and the ids of their parts.

use sqlx::{SqliteConnection, SqlitePool};
use sternway_core::ids::{AppId, OrderId, PartId};
use sternway_core::order::{Order, OrderKind};
use sternway_core::ports::CommitError;

use super::{document, documents};
use crate::error::{Cause, Doing as _};
use crate::statements;
use crate::time::nanoseconds;

/// Writes a new order, not active yet: see [`activate`].
pub(crate) async fn insert(connection: &mut SqliteConnection, order: &Order) -> Result<(), CommitError> {
    let doing = || format!("insert change order {}", order.id);
    let inserted = insert_row(connection, order).await.doing(doing)?;
    if !inserted {
        return Err(conflict(order.id));
    }
    insert_parts(connection, order).await.doing(doing)?;
    Ok(())
}

async fn insert_row(connection: &mut SqliteConnection, order: &Order) -> Result<bool, Cause> {
    let done = sqlx::query(statements::INSERT_ORDER)
        .bind(order.id.to_string())
        .bind(order.app.to_string())
        .bind(order.kind.code())
        .bind(order.status.code())
        .bind(nanoseconds(order.created_at)?)
        .bind(i64::try_from(order.revision)?)
        .bind(serde_json::to_string(order)?)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes the next revision. An order that becomes terminal stops being active at once; one that is revived waits for [`activate`].
pub(crate) async fn update(connection: &mut SqliteConnection, order: &Order) -> Result<(), CommitError> {
    let doing = || format!("update change order {}", order.id);
    let updated = update_row(connection, order).await.doing(doing)?;
    if !updated {
        return Err(conflict(order.id));
    }
    update_parts(connection, order).await.doing(doing)?;
    Ok(())
}

async fn update_row(connection: &mut SqliteConnection, order: &Order) -> Result<bool, Cause> {
    let done = sqlx::query(statements::UPDATE_ORDER)
        .bind(order.id.to_string())
        .bind(i64::try_from(order.revision)?)
        .bind(order.status.code())
        .bind(!order.status.is_terminal())
        .bind(serde_json::to_string(order)?)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// At the end of a commit, for each order it wrote that is not terminal: here the unique index decides.
pub(crate) async fn activate(connection: &mut SqliteConnection, id: OrderId, app: AppId) -> Result<(), CommitError> {
    let activated = sqlx::query(statements::ACTIVATE_ORDER).bind(id.to_string()).execute(&mut *connection).await;
    match activated {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            let other = other_active(connection, app, id)
                .await
                .doing(|| format!("find the active change order of application {app}"))?;
            Err(CommitError::OrderActive(other))
        }
        activated => {
            activated.doing(|| format!("activate change order {id}"))?;
            Ok(())
        }
    }
}

async fn other_active(connection: &mut SqliteConnection, app: AppId, id: OrderId) -> Result<OrderId, Cause> {
    let other: String = sqlx::query_scalar(statements::OTHER_ACTIVE_ORDER)
        .bind(app.to_string())
        .bind(id.to_string())
        .fetch_one(connection)
        .await?;
    Ok(other.parse()?)
}

async fn insert_parts(connection: &mut SqliteConnection, order: &Order) -> Result<(), Cause> {
    let order_id = order.id.to_string();
    for part in order.parts() {
        sqlx::query(statements::INSERT_PART).bind(part.to_string()).bind(&order_id).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Parts are derived from the order's id and the number of its pipelines: with the same number, they are the same.
async fn update_parts(connection: &mut SqliteConnection, order: &Order) -> Result<(), Cause> {
    let order_id = order.id.to_string();
    let stored: i64 = sqlx::query_scalar(statements::COUNT_PARTS).bind(&order_id).fetch_one(&mut *connection).await?;
    if stored == i64::try_from(order.parts().count())? {
        return Ok(());
    }
    sqlx::query(statements::DELETE_PARTS).bind(&order_id).execute(&mut *connection).await?;
    insert_parts(connection, order).await
}

pub(crate) fn conflict(id: OrderId) -> CommitError {
    CommitError::Conflict(format!("change order {id}"))
}

pub(crate) async fn get(pool: &SqlitePool, id: OrderId) -> Result<Option<Order>, Cause> {
    let row = sqlx::query_scalar(statements::ORDER).bind(id.to_string()).fetch_optional(pool).await?;
    document(row)
}

pub(crate) async fn get_by_part(pool: &SqlitePool, part: PartId) -> Result<Option<Order>, Cause> {
    let row = sqlx::query_scalar(statements::ORDER_OF_PART).bind(part.to_string()).fetch_optional(pool).await?;
    document(row)
}

pub(crate) async fn of_app(pool: &SqlitePool, app: AppId, limit: u32) -> Result<Vec<Order>, Cause> {
    let rows = sqlx::query_scalar(statements::ORDERS_OF_APP)
        .bind(app.to_string())
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    documents(rows)
}

pub(crate) async fn active(pool: &SqlitePool) -> Result<Vec<OrderId>, Cause> {
    let rows: Vec<String> =
        sqlx::query_scalar(statements::ACTIVE_ORDERS).bind(OrderKind::Rollback.code()).fetch_all(pool).await?;
    rows.iter().map(|id| Ok(id.parse()?)).collect()
}

pub(crate) async fn active_of_app(pool: &SqlitePool, app: AppId) -> Result<Option<Order>, Cause> {
    let row = sqlx::query_scalar(statements::ACTIVE_ORDER_OF_APP).bind(app.to_string()).fetch_optional(pool).await?;
    document(row)
}
