//! The store on SQLite: opening, closing, and the port.

mod open;
mod port;

use std::fmt;
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::seal::MasterKey;
use crate::writer::Writer;

#[cfg(test)]
pub(crate) use self::open::MIGRATIONS;

/// Durable state in one directory of this machine. One process at a time; cheap to share behind an `Arc`.
///
/// Call [`SqliteStore::close`] before the process ends: what was answered is safe without it, but what still waits is not waited
/// for. A store that is dropped performs what waits in its queue and then lets the directory go.
pub struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
    key: Arc<MasterKey>,
    /// Told of every commit that may have brought events.
    tail: watch::Sender<()>,
}

impl SqliteStore {
    /// Waits for reads and writes in flight, then gives the directory back to other processes. Calls that come later fail.
    pub async fn close(&self) {
        // Readers first: the last connection to leave is the writer's, which folds the log into the database.
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Returns when the store cannot write any more though nobody closed it; else it never returns. A process that sees it return
    /// should end: the reason is in its log, and the next process finds everything that was answered.
    pub async fn failed(&self) {
        self.writer.failed().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
