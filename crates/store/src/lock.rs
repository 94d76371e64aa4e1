//! One process per data directory.
//!
//! The lock lies on a file of its own. A lock on the database file would not do: closing any other handle of that file would drop the
//! locks that SQLite itself holds on it (POSIX locks belong to the process, not to the handle).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

/// Held until it is dropped, or until the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

/// Why a lock was not had.
#[derive(Debug)]
pub(crate) enum NotLocked {
    /// Another process (its number, if it left one) holds it.
    Held(Option<u32>),
    /// The file cannot be made or locked.
    Failed(io::Error),
}

impl DirectoryLock {
    /// Locks the file at `path`, which is made if it is missing, and writes our process number into it.
    pub(crate) fn acquire(path: &Path) -> Result<Self, NotLocked> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(NotLocked::Failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NotLocked::Held(read_pid(&mut file))),
            Err(TryLockError::Error(error)) => return Err(NotLocked::Failed(error)),
        }
        write_pid(&mut file).map_err(NotLocked::Failed)?;
        Ok(Self { _file: file })
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_the_first_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let first = DirectoryLock::acquire(&path).unwrap();
        match DirectoryLock::acquire(&path) {
            Err(NotLocked::Held(pid)) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        DirectoryLock::acquire(&path).unwrap();
    }
}
