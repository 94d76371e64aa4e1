//! Opening: directory, lock, connection, migrations, master key, writer, readers, in this sequence.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use sternway_core::ports::Secret;
use tokio::sync::watch;

use super::SqliteStore;
use crate::error::{Cause, OpenError, RotateError};
use crate::lock::{DirectoryLock, NotLocked};
use crate::master_key::{discard_next, promote_next};
use crate::rotation::Reseal;
use crate::seal::{MasterKey, Place};
use crate::writer::Writer;
use crate::{DATABASE_FILE, directory, statements};

const LOCK_FILE: &str = "sternway.lock";

/// Embedded; numbered; never changed once released.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Reads are short and the machine's cores bound them; more connections would only cost memory.
const READERS: u32 = 4;

/// How long to wait for somebody who looks into the file with a tool of their own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A known text, sealed in the database to recognise the key.
const CHECK: &str = "sternway";
const CHECK_PLACE: Place<'_> = Place { table: "master_key", column: "sealed_check", row: "1" };

impl SqliteStore {
    /// Opens the database `dir/sternway.db`, making it and the directory if they are missing, and brings it to this version's form.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing is changed if the directory is in use, the key is wrong or the database is from a newer version.
    pub async fn open(dir: &Path, master_key: MasterKey) -> Result<Self, OpenError> {
        let path = dir.join(DATABASE_FILE);
        let lock = prepare(dir, &path)?;
        Self::open_with(path, master_key, Some(lock)).await
    }

    /// Opens the database of a directory that another process of this machine may have open too. Leases are as they are: the holders' names
    /// have to differ.
    ///
    /// # Errors
    /// See [`OpenError`]; the directory and the database must be there.
    #[cfg(feature = "shared")]
    pub async fn open_shared(dir: &Path, master_key: MasterKey) -> Result<Self, OpenError> {
        Self::open_with(dir.join(DATABASE_FILE), master_key, None).await
    }

    async fn open_with(path: PathBuf, master_key: MasterKey, lock: Option<DirectoryLock>) -> Result<Self, OpenError> {
        let failed = |doing: &'static str| {
            let path = path.clone();
            move |source: Cause| OpenError::Database { path, doing, source }
        };

        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: an answered commit survives a loss of power, not only a crash of the process.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let mut connection = options.connect().await.map_err(|error| failed("connect")(error.into()))?;
        migrate(&mut connection, &path).await?;
        let master_key = fitting_key(&mut connection, master_key, &path).await?;
        if lock.is_some() {
            // Whoever held a lease in this database is gone: the directory's lock is ours. What it drove need not wait for its time to run out.
            sqlx::query(statements::DELETE_LEASES)
                .execute(&mut connection)
                .await
                .map_err(|error| failed("take back the leases of a process that is gone")(error.into()))?;
        }
        let readers = connect_readers(&path).await.map_err(failed("connect readers"))?;
        Ok(Self {
            readers,
            writer: Writer::start(connection, options, lock),
            key: Arc::new(master_key),
            tail: watch::Sender::new(()),
        })
    }

    /// Seals everything by another master key, and closes the store. Without one, a new key is made and takes the place of the file `master.key`; a
    /// given one is the caller's to keep. Answers with the number of values that were sealed anew.
    ///
    /// # Errors
    /// See [`RotateError`]. Whatever happens, a crash included, either the old key opens everything or the new one does, and if its place is the file, the
    /// next [`SqliteStore::open`] finds out which.
    pub async fn rotate_master_key(self, dir: &Path, new: Option<MasterKey>) -> Result<u64, RotateError> {
        let (new, in_file) = match new {
            Some(new) => (new, false),
            None => (MasterKey::create_next(dir)?, true),
        };
        let sealed = self.writer.perform(Reseal { old: Arc::clone(&self.key), new }).await;
        self.close().await;
        let sealed = sealed?;
        if in_file {
            promote_next(dir)?;
        }
        Ok(sealed)
    }
}

/// The directory, the lock, and a file that is only its owner's.
fn prepare(dir: &Path, path: &Path) -> Result<DirectoryLock, OpenError> {
    let unusable = |source| OpenError::Directory { path: dir.to_owned(), source };
    directory::create(dir).map_err(unusable)?;
    let lock = DirectoryLock::acquire(&dir.join(LOCK_FILE)).map_err(|error| match error {
        NotLocked::Held(pid) => OpenError::Locked { path: path.to_owned(), pid },
        NotLocked::Failed(error) => unusable(error),
    })?;
    directory::create_file(path).map_err(unusable)?;
    Ok(lock)
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    match MIGRATIONS.run(connection).await {
        Ok(()) => Ok(()),
        // Migrations are never taken back, so one that is not known here is from later.
        Err(MigrateError::VersionMissing(form)) => Err(OpenError::Newer {
            path: path.to_owned(),
            form,
            known: MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0),
        }),
        Err(error) => Err(OpenError::Database {
            path: path.to_owned(),
            doing: "bring it to this version's form",
            source: error.into(),
        }),
    }
}

/// The given key if it opens the database's secrets, or the one that was to replace it if that one does: then its replacement was interrupted after it
/// had happened, and is finished here.
async fn fitting_key(connection: &mut SqliteConnection, given: MasterKey, path: &Path) -> Result<MasterKey, OpenError> {
    // The keys are beside the database.
    let dir = path.parent().unwrap_or(Path::new("."));
    let failed = |source: Cause| OpenError::Database { path: path.to_owned(), doing: "check the master key", source };
    if check_key(connection, &given).await.map_err(failed)? {
        discard_next(dir).map_err(|error| failed(error.into()))?;
        return Ok(given);
    }
    match MasterKey::load_next(dir).map_err(|error| failed(error.into()))? {
        Some(next) if check_key(connection, &next).await.map_err(failed)? => {
            promote_next(dir).map_err(|error| failed(error.into()))?;
            Ok(next)
        }
        Some(_) | None => Err(OpenError::WrongMasterKey { path: path.to_owned() }),
    }
}

/// Whether the key is the one that the database's secrets are sealed with. A new database takes the key it gets.
async fn check_key(connection: &mut SqliteConnection, key: &MasterKey) -> Result<bool, Cause> {
    let stored: Option<Vec<u8>> = sqlx::query_scalar(statements::KEY_CHECK).fetch_optional(&mut *connection).await?;
    if let Some(sealed) = stored {
        return Ok(key.unseal(CHECK_PLACE, &sealed).is_ok());
    }
    sqlx::query(statements::INSERT_KEY_CHECK)
        .bind(key.seal(CHECK_PLACE, &Secret::new(CHECK))?)
        .execute(connection)
        .await?;
    Ok(true)
}

async fn connect_readers(path: &Path) -> Result<SqlitePool, Cause> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS)
        // A local file does not go away: neither idleness nor age spoils a connection.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    Ok(pool)
}
