//! Where the master key comes from: the environment, or a file made at the first start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::seal::MasterKey;
use crate::{DATABASE_FILE, directory};

/// The environment variable that holds the key, in base64; it goes before the file.
pub const MASTER_KEY_VARIABLE: &str = "STERNWAY_MASTER_KEY";
/// The file in the data directory that holds the key, in base64.
pub const MASTER_KEY_FILE: &str = "master.key";
/// The environment variable that holds the key that is to replace the one in [`MASTER_KEY_VARIABLE`].
pub const NEW_MASTER_KEY_VARIABLE: &str = "STERNWAY_NEW_MASTER_KEY";
/// The file of a key that is to replace the one in [`MASTER_KEY_FILE`], while that happens.
const NEXT_KEY_FILE: &str = "master.key.next";

/// A master key that could not be had. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is no key.
    #[error(
        "{origin} holds no master key: it must be 32 bytes in base64, such as `head -c 32 /dev/urandom | base64` makes"
    )]
    Malformed {
        /// The file or the variable.
        origin: String,
    },
    /// Others may read the file.
    #[error("{} can be read by others: run `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// There is a database, but its key is gone. A new one would not open its secrets.
    #[error(
        "{} is missing, and the database beside it has secrets that only that key opens: restore the file, or set {MASTER_KEY_VARIABLE}",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or made.
    #[error(
        "the master key {} cannot be read or made: make sure that this user may read and write it",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no randomness.
    #[error("the system gave no random bytes for a master key")]
    NoRandomness,
}

impl MasterKey {
    /// The key in the variable `STERNWAY_MASTER_KEY` if it is set, else the one in `dir/master.key`, which is made (mode 0600, the directory too if it is
    /// missing) if there is no database in the directory yet.
    ///
    /// # Errors
    /// See [`MasterKeyError`].
    pub fn load_or_create(dir: &Path) -> Result<Self, MasterKeyError> {
        Self::from_text_or_file(std::env::var(MASTER_KEY_VARIABLE).ok(), dir)
    }

    /// The key in the variable [`NEW_MASTER_KEY_VARIABLE`]; `None` if it is not set.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`]
    pub fn load_new() -> Result<Option<Self>, MasterKeyError> {
        let text = std::env::var(NEW_MASTER_KEY_VARIABLE).ok().map(Zeroizing::new);
        text.map(|text| decode(&text, NEW_MASTER_KEY_VARIABLE)).transpose()
    }

    /// Makes a key in a file beside that of the present one. It is no key of anything until [`promote_next`].
    pub(crate) fn create_next(dir: &Path) -> Result<Self, MasterKeyError> {
        let path = dir.join(NEXT_KEY_FILE);
        discard_next(dir)?;
        create(dir, &path)?;
        read(&path)
    }

    /// The key that was to replace the present one when that was interrupted.
    pub(crate) fn load_next(dir: &Path) -> Result<Option<Self>, MasterKeyError> {
        match read(&dir.join(NEXT_KEY_FILE)) {
            Err(MasterKeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    fn from_text_or_file(text: Option<String>, dir: &Path) -> Result<Self, MasterKeyError> {
        if let Some(text) = text.map(Zeroizing::new) {
            return decode(&text, MASTER_KEY_VARIABLE);
        }
        let path = dir.join(MASTER_KEY_FILE);
        match read(&path) {
            Err(MasterKeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            read => return read,
        }
        if dir.join(DATABASE_FILE).exists() {
            return Err(MasterKeyError::Missing { path });
        }
        create(dir, &path)?;
        // Read back even if it was made here: if two first starts race, both use the file that won.
        read(&path)
    }
}

/// Makes the next key the present one.
pub(crate) fn promote_next(dir: &Path) -> Result<(), MasterKeyError> {
    let path = dir.join(NEXT_KEY_FILE);
    let renamed = fs::rename(&path, dir.join(MASTER_KEY_FILE)).and_then(|()| File::open(dir)?.sync_all());
    renamed.map_err(|source| MasterKeyError::File { path, source })
}

/// Removes a next key that opens nothing, if there is one.
pub(crate) fn discard_next(dir: &Path) -> Result<(), MasterKeyError> {
    let path = dir.join(NEXT_KEY_FILE);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(MasterKeyError::File { path, source }),
        _ => Ok(()),
    }
}

fn decode(text: &str, origin: &str) -> Result<MasterKey, MasterKeyError> {
    let malformed = || MasterKeyError::Malformed { origin: origin.to_owned() };
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
    MasterKey::from_bytes(&bytes).map_err(|_| malformed())
}

fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(MasterKeyError::Exposed { path: path.to_owned() });
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    decode(&text, &path.display().to_string())
}

/// Makes the file whole or not at all: it is written under another name and linked to its own, which fails if that one exists.
fn create(dir: &Path, path: &Path) -> Result<(), MasterKeyError> {
    let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new([0; MasterKey::LENGTH]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| MasterKeyError::NoRandomness)?;
    let text = Zeroizing::new(STANDARD.encode(bytes.as_slice()) + "\n");

    directory::create(dir).map_err(failed)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write_new(&draft, text.as_bytes()).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    // A draft that stays behind is harmless, but it is a key: whatever happened, it goes.
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(failed)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use sternway_core::ports::Secret;

    use super::*;
    use crate::seal::Place;

    const PLACE: Place<'_> = Place { table: "t", column: "c", row: "r" };

    fn from_file(dir: &Path) -> Result<MasterKey, MasterKeyError> {
        MasterKey::from_text_or_file(None, dir)
    }

    #[test]
    fn the_file_is_made_once_and_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("data");
        let sealed = from_file(&dir).unwrap().seal(PLACE, &Secret::new("text")).unwrap();
        let mode = fs::metadata(dir.join(MASTER_KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "no draft is left");
        let again = from_file(&dir).unwrap().unseal(PLACE, &sealed);
        assert_eq!(again, Ok(Secret::new("text")));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        from_file(dir.path()).unwrap();
        let path = dir.path().join(MASTER_KEY_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = from_file(dir.path()).unwrap_err();
        assert!(matches!(error, MasterKeyError::Exposed { .. }));
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn no_new_key_is_made_beside_an_old_database() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(DATABASE_FILE), "").unwrap();
        let error = from_file(dir.path()).unwrap_err();
        assert!(matches!(error, MasterKeyError::Missing { .. }), "{error}");
        assert!(!dir.path().join(MASTER_KEY_FILE).exists());
    }

    #[test]
    fn the_variable_goes_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let text = STANDARD.encode([7; MasterKey::LENGTH]);
        let key = MasterKey::from_text_or_file(Some(text), dir.path()).unwrap();
        let sealed = key.seal(PLACE, &Secret::new("text")).unwrap();
        let same = MasterKey::from_bytes(&[7; MasterKey::LENGTH]).unwrap();
        assert_eq!(same.unseal(PLACE, &sealed), Ok(Secret::new("text")));
        assert!(!dir.path().join(MASTER_KEY_FILE).exists());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "secret", "AAAA", &STANDARD.encode([7; 33])] {
            let error = MasterKey::from_text_or_file(Some(text.to_owned()), dir.path()).unwrap_err();
            assert!(matches!(error, MasterKeyError::Malformed { .. }), "{text}");
        }
    }
}
