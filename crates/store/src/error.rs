//! What can go wrong while opening, and how causes become the port's errors.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use sternway_core::ports::StoreError;

use crate::master_key::MasterKeyError;

/// Any cause, before it is known what was being done.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Names what was being done when a cause came up.
pub(crate) trait Doing<T> {
    /// The port's error, `what` in the infinitive: `read change order 6b55…`.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, StoreError>;
}

impl<T, E: Into<Cause>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, StoreError> {
        self.map_err(|cause| StoreError { doing: what(), source: cause.into() })
    }
}

/// A store that could not be opened. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be made, or nothing can be written in it.
    #[error(
        "the data directory {} cannot be used: make sure that it is a directory that this user may write to, or name another one",
        path.display()
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process works on the same database.
    #[error(
        "{} is in use by {}: stop it first, or name another data directory",
        path.display(), process(*pid)
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// The process that holds it, if it left its number.
        pid: Option<u32>,
    },
    /// The secrets in the database were sealed by another master key.
    #[error(
        "the master key does not fit {}: restore the master.key that belongs to this database, or set STERNWAY_MASTER_KEY to it",
        path.display()
    )]
    WrongMasterKey {
        /// The database.
        path: PathBuf,
    },
    /// A newer Sternway has changed the database's form.
    #[error(
        "{} was written by a newer version of Sternway (its form is {form}, and this version knows {known}): start that version or a later one",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The form it has.
        form: i64,
        /// The newest form that this version knows.
        known: i64,
    },
    /// The database itself failed.
    #[error(
        "{} could not be opened, failing to {doing}: if the file is damaged, restore it from a backup together with master.key",
        path.display()
    )]
    Database {
        /// The database.
        path: PathBuf,
        /// What was being done, in the infinitive.
        doing: &'static str,
        /// The cause.
        source: Cause,
    },
}

/// A master key that was not replaced, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The new key could not be made or put into its place. Start again with the same data directory: the next start finds out which of the two opens it.
    #[error(transparent)]
    Key(#[from] MasterKeyError),
    /// The database failed; unless it says so itself, nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn process(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("the process {pid}"),
        None => "another process".to_owned(),
    }
}
