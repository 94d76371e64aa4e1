//! The record of each order, numbered from 1 without gaps; and of all orders in one sequence.

use sqlx::{FromRow, SqliteConnection, SqlitePool};
use sternway_core::ids::OrderId;
use sternway_core::order::{Event, Status};
use sternway_core::ports::{CommitError, FeedEntry};

use super::orders;
use crate::error::{Cause, Doing as _};
use crate::statements;
use crate::time::{nanoseconds, timestamp};

/// Appends to the record of an order that is there.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    order: OrderId,
    events: &[Event],
) -> Result<(), CommitError> {
    match append_rows(connection, order, events).await {
        Err(cause) if is_foreign_key_violation(&cause) => Err(orders::conflict(order)),
        appended => Ok(appended.doing(|| format!("append events of change order {order}"))?),
    }
}

async fn append_rows(connection: &mut SqliteConnection, order: OrderId, events: &[Event]) -> Result<(), Cause> {
    let order = order.to_string();
    let last: i64 = sqlx::query_scalar(statements::LAST_EVENT).bind(&order).fetch_one(&mut *connection).await?;
    for (sequence, event) in (last + 1..).zip(events) {
        sqlx::query(statements::INSERT_EVENT)
            .bind(&order)
            .bind(sequence)
            .bind(nanoseconds(event.at)?)
            .bind(&event.kind)
            .bind(&event.text)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn is_foreign_key_violation(cause: &Cause) -> bool {
    cause
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .is_some_and(|error| error.is_foreign_key_violation())
}

/// The events of an order with numbers greater than `after`.
pub(crate) async fn after(pool: &SqlitePool, order: OrderId, after: u64) -> Result<Vec<(u64, Event)>, Cause> {
    let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(statements::EVENTS)
        .bind(order.to_string())
        // No event has a number beyond what the database can count.
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.into_iter()
        .map(|(sequence, at, kind, text)| {
            let event = Event { at: timestamp(at)?, kind, text };
            Ok((u64::try_from(sequence)?, event))
        })
        .collect()
}

#[derive(Debug, FromRow)]
struct FeedRow {
    position: i64,
    order_id: String,
    seq: i64,
    at: i64,
    kind: String,
    text: String,
    status: i32,
}

impl FeedRow {
    fn read(self) -> Result<FeedEntry, Cause> {
        Ok(FeedEntry {
            position: u64::try_from(self.position)?,
            order: self.order_id.parse()?,
            sequence: u64::try_from(self.seq)?,
            status: Status::from_code(self.status).ok_or_else(|| format!("no state has the number {}", self.status))?,
            event: Event { at: timestamp(self.at)?, kind: self.kind, text: self.text },
        })
    }
}

/// The events of all orders with positions greater than `after`.
pub(crate) async fn feed(pool: &SqlitePool, after: u64, limit: u32) -> Result<Vec<FeedEntry>, Cause> {
    let rows: Vec<FeedRow> = sqlx::query_as(statements::FEED)
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(FeedRow::read).collect()
}

/// The position of the newest event.
pub(crate) async fn end(pool: &SqlitePool) -> Result<u64, Cause> {
    let end: i64 = sqlx::query_scalar(statements::FEED_END).fetch_one(pool).await?;
    Ok(u64::try_from(end)?)
}
