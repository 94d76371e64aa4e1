//! Durable state on SQLite: orders, versions, applications, leases, the event log, the audit log and sealed secrets.
//!
//! Implements the ports [`sternway_core::ports::Store`], `Records`, `Audit` and `Feed`, and nothing beyond them: which write is right is decided elsewhere; here it is only
//! made sure that a write is whole, durable and allowed.
//!
//! ```text
//!   commit, lease, put … ──► queue ──► writer (one task, one connection) ──► sternway.db (WAL, synchronous=FULL)
//!   order, apps, events … ───────────► readers (a read-only pool) ◄────────────────┘
//! ```
//!
//! | module | its duty |
//! |---|---|
//! | `sqlite` | open, close, and the port |
//! | `writer` | performs commands in groups, one fsync per group, a savepoint per command |
//! | `commit` | what a commit checks, and in which sequence |
//! | `tables` | rows, writes and reads, table by table |
//! | `statements` | all SQL, in the subset that PostgreSQL shares |
//! | `seal`, `master_key`, `rotation` | secrets at rest, where their key comes from, and how it is replaced |
//! | `lock`, `directory` | one process per directory; files for their owner only |
//!
//! Rules that hold whatever the code above does, because the database itself holds them:
//!
//! - An application has at most one order that is not terminal (a unique partial index).
//! - Orders are never deleted, events and audit entries neither changed nor deleted, and a fence never goes back (triggers).
//! - A next revision follows exactly on the stored one (a condition of each update).
//! - No secret is in the database's files as plain text; a sealed value opens only in its own row.
//!
//! What is answered is on disk. A reader that starts after an answer sees what was answered.

mod commit;
mod directory;
mod error;
mod lock;
mod master_key;
mod rotation;
mod seal;
mod sqlite;
mod statements;
mod tables;
mod time;
mod writer;

pub use crate::error::{OpenError, RotateError};
pub use crate::master_key::{MASTER_KEY_FILE, MASTER_KEY_VARIABLE, MasterKeyError, NEW_MASTER_KEY_VARIABLE};
pub use crate::seal::MasterKey;
pub use crate::sqlite::SqliteStore;

/// The database within the data directory.
pub const DATABASE_FILE: &str = "sternway.db";
