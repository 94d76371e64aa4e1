//! Leases with fencing tokens.
//!
//! A lease says who drives an order; its token, which only grows, says so to everyone who writes. Whoever was asleep while
//! the lease ran out and another took it finds a token that is not his any more, in every commit. Time decides only who may take a
//! lease, never who may write.

use jiff::Timestamp;
use sqlx::SqliteConnection;
use sternway_core::ids::{Fence, OrderId};
use sternway_core::ports::StoreError;

use crate::error::{Cause, Doing as _};
use crate::statements;
use crate::time::{nanoseconds, timestamp};
use crate::writer::Command;

/// Takes or renews a lease.
#[derive(Debug)]
pub(crate) struct Take {
    pub(crate) order: OrderId,
    pub(crate) holder: String,
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
}

impl Command for Take {
    type Output = Option<Fence>;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("take the lease of change order {}", self.order)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<Option<Fence>, StoreError> {
        take(connection, &self).await.doing(|| self.doing())
    }
}

async fn take(connection: &mut SqliteConnection, wish: &Take) -> Result<Option<Fence>, Cause> {
    let fence = match get(connection, wish.order).await? {
        Some(lease) if lease.until > wish.now && lease.holder != wish.holder => return Ok(None),
        Some(lease) if lease.until > wish.now => lease.fence,
        // Even the holder itself gets a new token once the lease ran out: it may have missed that.
        Some(_) | None => next_fence(connection, wish.now).await?,
    };
    sqlx::query(statements::PUT_LEASE)
        .bind(wish.order.to_string())
        .bind(&wish.holder)
        .bind(i64::try_from(fence.0)?)
        .bind(nanoseconds(wish.until)?)
        .execute(connection)
        .await?;
    Ok(Some(fence))
}

/// Greater than any before it, and at least the time in milliseconds: workloads still carry the fences of a database that was lost, and a new one
/// has to begin above them.
async fn next_fence(connection: &mut SqliteConnection, now: Timestamp) -> Result<Fence, Cause> {
    let fence: i64 =
        sqlx::query_scalar(statements::NEXT_FENCE).bind(now.as_millisecond()).fetch_one(connection).await?;
    Ok(Fence(u64::try_from(fence)?))
}

/// Gives a lease back.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) order: OrderId,
    pub(crate) fence: Fence,
}

impl Command for Release {
    type Output = ();
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("give back the lease of change order {}", self.order)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let fence = i64::try_from(self.fence.0).doing(|| self.doing())?;
        sqlx::query(statements::DELETE_LEASE)
            .bind(self.order.to_string())
            .bind(fence)
            .execute(connection)
            .await
            .doing(|| self.doing())?;
        Ok(())
    }
}

/// A lease as stored; it may have run out.
pub(crate) struct Lease {
    holder: String,
    /// Its token.
    pub(crate) fence: Fence,
    until: Timestamp,
}

/// The present lease of an order.
pub(crate) async fn get(connection: &mut SqliteConnection, order: OrderId) -> Result<Option<Lease>, Cause> {
    let row: Option<(String, i64, i64)> =
        sqlx::query_as(statements::LEASE).bind(order.to_string()).fetch_optional(connection).await?;
    row.map(|(holder, fence, until)| {
        Ok(Lease { holder, fence: Fence(u64::try_from(fence)?), until: timestamp(until)? })
    })
    .transpose()
}
