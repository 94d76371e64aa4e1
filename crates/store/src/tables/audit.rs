//! The audit log. Its head is sealed with every entry, so that a log that was cut or written anew by somebody without the master
//! key is known as such.

use std::fmt::Display;
use std::sync::Arc;

use sqlx::{FromRow, SqliteConnection, SqlitePool};
use sternway_core::audit::{Broken, Entry, Head, Link};
use sternway_core::ports::{AuditFilter, AuditPage, Secret, StoreError};

use crate::error::{Cause, Doing as _};
use crate::seal::{MasterKey, Place};
use crate::statements;
use crate::time::nanoseconds;
use crate::writer::Command;

const PLACE: Place<'_> = Place { table: "audit_head", column: "sealed_head", row: "1" };

/// Adds an entry.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) entry: Entry,
    pub(crate) key: Arc<MasterKey>,
}

impl Command for Append {
    type Output = Head;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("record {} in the audit log", self.entry.operation)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<Head, StoreError> {
        append(connection, &self.entry, &self.key).await.doing(|| self.doing())
    }
}

async fn append(connection: &mut SqliteConnection, entry: &Entry, key: &MasterKey) -> Result<Head, Cause> {
    let present: Option<HeadRow> = sqlx::query_as(statements::AUDIT_HEAD).fetch_optional(&mut *connection).await?;
    // A seal that does not hold is kept as it is: a new one would say that what was done to the log was right.
    let broken = present.as_ref().filter(|row| !row.is_sealed(key)).map(|row| row.sealed_head.clone());
    let before = present.map(HeadRow::head).transpose()?.unwrap_or_default();
    let link = before.link(serde_json::to_string(entry)?);
    sqlx::query(statements::INSERT_AUDIT)
        .bind(i64::try_from(link.sequence)?)
        .bind(nanoseconds(entry.at)?)
        .bind(entry.stage.name())
        .bind(&entry.user)
        .bind(&entry.operation)
        .bind(&entry.app_id)
        .bind(&entry.trace_id)
        .bind(&link.previous)
        .bind(&link.hash)
        .bind(&link.document)
        .execute(&mut *connection)
        .await?;
    let head = Head { sequence: link.sequence, hash: link.hash };
    let seal = match broken {
        Some(broken) => broken,
        None => key.seal(PLACE, &Secret::new(text(head.sequence, &head.hash)))?,
    };
    sqlx::query(statements::PUT_AUDIT_HEAD)
        .bind(i64::try_from(head.sequence)?)
        .bind(&head.hash)
        .bind(seal)
        .execute(connection)
        .await?;
    Ok(head)
}

fn text(sequence: impl Display, hash: &str) -> String {
    format!("{sequence} {hash}")
}

#[derive(Debug, FromRow)]
struct HeadRow {
    sequence: i64,
    hash: String,
    sealed_head: Vec<u8>,
}

impl HeadRow {
    /// Whether the seal is ours and says the same.
    fn is_sealed(&self, key: &MasterKey) -> bool {
        key.unseal(PLACE, &self.sealed_head).is_ok_and(|sealed| sealed.reveal() == text(self.sequence, &self.hash))
    }

    fn head(self) -> Result<Head, Cause> {
        Ok(Head { sequence: u64::try_from(self.sequence)?, hash: self.hash })
    }
}

/// The head, if its seal says the same.
pub(crate) async fn head(pool: &SqlitePool, key: &MasterKey) -> Result<Result<Head, Broken>, Cause> {
    let row: Option<HeadRow> = sqlx::query_as(statements::AUDIT_HEAD).fetch_optional(pool).await?;
    let Some(row) = row else {
        let is_empty: bool = sqlx::query_scalar(statements::AUDIT_IS_EMPTY).fetch_one(pool).await?;
        return Ok(if is_empty { Ok(Head::default()) } else { Err(Broken::Seal) });
    };
    Ok(if row.is_sealed(key) { Ok(row.head()?) } else { Err(Broken::Seal) })
}

#[derive(Debug, FromRow)]
struct Row {
    sequence: i64,
    previous: String,
    hash: String,
    document: String,
}

impl Row {
    fn link(self) -> Result<Link, Cause> {
        let Self { sequence, previous, hash, document } = self;
        Ok(Link { sequence: u64::try_from(sequence)?, previous, hash, document })
    }
}

pub(crate) async fn list(
    pool: &SqlitePool,
    filter: AuditFilter,
    page: AuditPage,
    limit: u32,
) -> Result<Vec<Link>, Cause> {
    let (statement, bound) = match page {
        AuditPage::After(sequence) => (statements::AUDIT_AFTER, sequence),
        AuditPage::Before(sequence) => (statements::AUDIT_BEFORE, sequence),
    };
    let rows: Vec<Row> = sqlx::query_as(statement)
        // No entry has a number beyond what the database can count.
        .bind(i64::try_from(bound).unwrap_or(i64::MAX))
        .bind(filter.user)
        .bind(filter.operation)
        .bind(filter.app_id)
        .bind(filter.since.map(nanoseconds).transpose()?)
        .bind(filter.until.map(nanoseconds).transpose()?)
        .bind(filter.only_outcomes)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Row::link).collect()
}
