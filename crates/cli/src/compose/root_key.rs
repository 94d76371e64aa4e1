//! The first access key: without it nobody could ask the server for anything.
//!
//! The file is written before the key is stored. A crash in between leaves a file without a key in the store, and the next
//! start stores the key of the file; the other way round would leave a key whose secret nobody knows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::Rng as _;
use rand::distr::Alphanumeric;
use sternway_core::ports::{AccessKey, Store};
use sternway_server::ROOT_USER;

use crate::client::{Credentials, ROOT_KEY_FILE};
use crate::system;

/// As long as EDAS's: 24 characters for the id, 30 for the secret (178 bits).
const ID_LENGTH: usize = 20;
const ID_PREFIX: &str = "STWY";
const SECRET_LENGTH: usize = 30;

/// Where the first key is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RootKey {
    /// It was made now, and is in this file.
    Written(PathBuf),
    /// There are keys already.
    Known,
}

/// Makes, writes and stores the first key unless there is any key. Answers with the one in the file.
pub(super) async fn ensure(store: &dyn Store, data: &Path) -> anyhow::Result<RootKey> {
    if !store.keys().await?.is_empty() {
        return Ok(RootKey::Known);
    }
    let path = data.join(ROOT_KEY_FILE);
    let credentials = if path.exists() { Credentials::read(data)? } else { write(&path)? };
    store.insert_key(access_key(credentials, "made at the first start")).await?;
    Ok(RootKey::Written(path))
}

/// A new key of the root user, enabled.
pub(crate) fn access_key(credentials: Credentials, description: &str) -> AccessKey {
    AccessKey {
        id: credentials.id,
        secret: credentials.secret,
        user: ROOT_USER.to_owned(),
        enabled: true,
        description: description.to_owned(),
        created_at: system::now(),
    }
}

/// A random key that was never used before.
pub(crate) fn fresh() -> Credentials {
    let random = |length| -> String { rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect() };
    Credentials::permanent(format!("{ID_PREFIX}{}", random(ID_LENGTH)), random(SECRET_LENGTH))
}

fn write(path: &Path) -> anyhow::Result<Credentials> {
    let credentials = fresh();
    let text = serde_json::to_string_pretty(&credentials)? + "\n";
    write_private(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(credentials)
}

/// Writes a file that only its owner may read, whole or not at all: under another name first.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::compose::open_store;

    #[tokio::test]
    async fn the_first_start_writes_a_private_file_and_the_second_leaves_it() {
        let data = tempfile::tempdir().unwrap();
        let store = open_store(data.path()).await.unwrap();
        let path = data.path().join(ROOT_KEY_FILE);
        assert_eq!(ensure(&store, data.path()).await.unwrap(), RootKey::Written(path.clone()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let written = Credentials::read(data.path()).unwrap();
        assert_eq!(store.key(&written.id).await.unwrap().unwrap().secret, written.secret);
        assert_eq!(ensure(&store, data.path()).await.unwrap(), RootKey::Known);
        assert_eq!(Credentials::read(data.path()).unwrap(), written);
        store.close().await;
    }

    #[tokio::test]
    async fn a_file_that_a_crash_left_becomes_the_key() {
        let data = tempfile::tempdir().unwrap();
        let left = write(&data.path().join(ROOT_KEY_FILE)).unwrap();
        let store = open_store(data.path()).await.unwrap();
        ensure(&store, data.path()).await.unwrap();
        assert!(store.key(&left.id).await.unwrap().unwrap().enabled);
        store.close().await;
    }
}
