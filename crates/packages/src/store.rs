//! Where packages are kept: one object for each content, named by its digest.

use std::fmt;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::RwLock;

use crate::spool::{Spooled, spool};
use crate::{PackageError, archive};

/// Where the packages are, before all names.
const BLOBS: &str = "blobs";
/// Buckets are named so.
const S3: &str = "s3://";

/// The SHA-256 of a package, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// Reads 64 hexadecimal digits, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let right = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn path(&self) -> Path {
        Path::from_iter([BLOBS, &self.0])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A package that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is called.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// The MD5 of the content, for clients that compare it.
    pub md5: [u8; 16],
}

/// A package to be read.
pub struct Opened {
    /// Bytes of the whole.
    pub size: u64,
    /// The bytes that are in `chunks`.
    pub range: Range<u64>,
    /// The content.
    pub chunks: BoxStream<'static, Result<Bytes, PackageError>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Opened").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Where packages are to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory, made if it is not there.
    Directory(PathBuf),
    /// A bucket that speaks S3. Keys, endpoint and region come from the environment, by AWS's names (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, ...).
    Bucket {
        /// Its name.
        bucket: String,
        /// Before all names in it; may be empty.
        prefix: String,
    },
}

impl Place {
    /// Reads `s3://bucket/prefix`, or the path of a directory.
    ///
    /// # Errors
    /// [`PackageError::Place`]
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let Some(named) = text.strip_prefix(S3) else {
            return Ok(Self::Directory(PathBuf::from(text)));
        };
        let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
        if bucket.is_empty() {
            return Err(no_place(text, "it names no bucket"));
        }
        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

fn no_place(place: &str, reason: impl fmt::Display) -> PackageError {
    PackageError::Place { place: place.to_owned(), reason: reason.to_string() }
}

/// The packages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Packages {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) spools: PathBuf,
    pub(crate) largest: u64,
    /// Held shared by who keeps a package, alone by who removes one: nothing is removed between being kept and being known as new.
    removal: Arc<RwLock<()>>,
}

impl Packages {
    /// Opens the packages at a place. `spools` is a directory for temporary files, made if it is not there; `largest` is the most bytes that a
    /// package may have.
    ///
    /// # Errors
    /// [`PackageError::Place`], [`PackageError::Spool`]
    pub fn open_at(place: &Place, spools: &FilePath, largest: u64) -> Result<Self, PackageError> {
        std::fs::create_dir_all(spools)?;
        let objects: Arc<dyn ObjectStore> = match place {
            Place::Directory(directory) => {
                std::fs::create_dir_all(directory)?;
                remove_drafts(directory)?;
                let local = LocalFileSystem::new_with_prefix(directory);
                Arc::new(local.map_err(|error| no_place(&directory.display().to_string(), error))?.with_fsync(true))
            }
            Place::Bucket { bucket, prefix } => {
                let s3 = AmazonS3Builder::from_env().with_bucket_name(bucket).build();
                let s3 = s3.map_err(|error| no_place(&format!("{S3}{bucket}"), error))?;
                if prefix.is_empty() { Arc::new(s3) } else { Arc::new(PrefixStore::new(s3, prefix.as_str())) }
            }
        };
        Ok(Self { objects, spools: spools.to_owned(), largest, removal: Arc::default() })
    }

    /// The most bytes that a package may have.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// Takes in a package, checks it and keeps it under its digest.
    ///
    /// # Errors
    /// Any [`PackageError`]; nothing is kept then.
    pub async fn keep<E: fmt::Display>(
        &self,
        expected: Option<&Digest>,
        chunks: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Kept, PackageError> {
        let mut spooled = spool(&self.spools, self.largest, chunks).await?;
        if let Some(expected) = expected.filter(|expected| expected.as_str() != spooled.sha256) {
            return Err(PackageError::Digest { expected: expected.to_string(), found: spooled.sha256 });
        }
        if !archive::is_whole(&mut spooled.file, spooled.size).await? {
            return Err(PackageError::NotAnArchive);
        }
        let kept = Kept { digest: Digest(spooled.sha256.clone()), size: spooled.size, md5: spooled.md5 };
        let _removal = self.removal.read().await;
        // Written again even if it is there: then it is new, and nobody takes it for forgotten.
        self.put(kept.digest.path(), spooled).await?;
        Ok(kept)
    }

    /// A file becomes an object, whole or not at all.
    pub(crate) async fn put(&self, path: Path, mut spooled: Spooled) -> Result<(), PackageError> {
        use tokio::io::AsyncSeekExt as _;
        spooled.file.seek(std::io::SeekFrom::Start(0)).await?;
        let mut writer = BufWriter::new(Arc::clone(&self.objects), path);
        let written = async {
            tokio::io::copy(&mut spooled.file, &mut writer).await?;
            writer.shutdown().await
        };
        if let Err(error) = written.await {
            // What was begun is given up; the first error says why.
            let _ = writer.abort().await;
            return Err(error.into());
        }
        Ok(())
    }

    /// Whether a package is there; answers with its size.
    ///
    /// # Errors
    /// [`PackageError::Store`]
    pub async fn find(&self, digest: &Digest) -> Result<Option<u64>, PackageError> {
        match self.objects.head(&digest.path()).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a package, or the bytes of it from `start` on; `None` if it is not there.
    ///
    /// # Errors
    /// [`PackageError::Store`]
    pub async fn open(&self, digest: &Digest, start: u64) -> Result<Option<Opened>, PackageError> {
        let range = (start > 0).then_some(GetRange::Offset(start));
        match self.objects.get_opts(&digest.path(), GetOptions { range, ..GetOptions::default() }).await {
            Ok(found) => Ok(Some(Opened {
                size: found.meta.size,
                range: found.range.clone(),
                chunks: found.into_stream().map_err(PackageError::from).boxed(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All packages that are there, with the moment at which each was last kept.
    ///
    /// # Errors
    /// [`PackageError::Store`]
    pub async fn all(&self) -> Result<Vec<(Digest, Timestamp)>, PackageError> {
        let blobs = Path::from(BLOBS);
        let found: Vec<ObjectMeta> = self.objects.list(Some(&blobs)).try_collect().await?;
        let named = found.into_iter().filter_map(|object| {
            let digest = Digest::parse(object.location.filename()?)?;
            Some((digest, moment(&object)))
        });
        Ok(named.collect())
    }

    /// Removes a package, unless it was kept again after `before`. Answers whether it is gone.
    ///
    /// # Errors
    /// [`PackageError::Store`]
    pub async fn remove(&self, digest: &Digest, before: Timestamp) -> Result<bool, PackageError> {
        let _removal = self.removal.write().await;
        match self.objects.head(&digest.path()).await {
            Ok(found) if moment(&found) >= before => return Ok(false),
            Ok(_) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        self.delete(&digest.path()).await?;
        Ok(true)
    }

    /// Removes an object; one that is gone already is as good.
    pub(crate) async fn delete(&self, path: &Path) -> Result<(), PackageError> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// When an object was written. One whose moment cannot be told is taken for new.
pub(crate) fn moment(object: &ObjectMeta) -> Timestamp {
    Timestamp::from_millisecond(object.last_modified.timestamp_millis()).unwrap_or(Timestamp::MAX)
}

/// What a crash left of objects that were being written: `object_store` marks them by a `#`, which no name of ours has.
fn remove_drafts(directory: &FilePath) -> Result<(), PackageError> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_drafts(&entry.path())?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
