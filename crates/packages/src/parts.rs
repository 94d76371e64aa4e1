//! Uploads in parts: each part is an object of its own until the upload is complete.

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt as _};

use crate::PackageError;
use crate::spool::spool;
use crate::store::{Kept, Packages, moment};

const PARTS: &str = "parts";

/// A part by its number and its MD5, as the client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    /// From 1.
    pub number: u32,
    /// The ETag that the part was answered with: its MD5.
    pub md5: [u8; 16],
}

fn folder(upload: &str) -> Path {
    Path::from_iter([PARTS, upload])
}

fn path(upload: &str, number: u32) -> Path {
    folder(upload).join(number.to_string())
}

impl Packages {
    /// Takes in one part of an upload, replacing an earlier one of this number. All parts together must not be larger than a package may be.
    ///
    /// # Errors
    /// Any [`PackageError`]; the part is not kept then.
    pub async fn keep_part<E: std::fmt::Display>(
        &self,
        upload: &str,
        number: u32,
        chunks: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<PartName, PackageError> {
        let own = path(upload, number);
        let others = self.parts_of(upload).await?;
        let taken: u64 = others.iter().filter(|part| part.location != own).map(|part| part.size).sum();
        let too_large = |error| match error {
            PackageError::TooLarge(_) => PackageError::TooLarge(self.largest),
            other => other,
        };
        let spooled = spool(&self.spools, self.largest.saturating_sub(taken), chunks).await.map_err(too_large)?;
        let md5 = spooled.md5;
        self.put(own, spooled).await?;
        Ok(PartName { number, md5 })
    }

    /// Puts the parts of an upload together and keeps what results as a package. The parts stay until [`Packages::drop_parts`].
    ///
    /// # Errors
    /// Any [`PackageError`]; nothing is kept then.
    pub async fn join(&self, upload: &str, parts: &[PartName]) -> Result<Kept, PackageError> {
        if !parts.is_sorted_by(|left, right| left.number < right.number) {
            return Err(PackageError::PartOrder);
        }
        for part in parts {
            if self.md5_of_part(upload, part.number).await? != Some(part.md5) {
                return Err(PackageError::Part(part.number));
            }
        }
        let numbers: Vec<u32> = parts.iter().map(|part| part.number).collect();
        let (packages, upload) = (self.clone(), upload.to_owned());
        let part = move |number| {
            let (packages, upload) = (packages.clone(), upload.clone());
            async move { packages.part(&upload, number).await }
        };
        let chunks = stream::iter(numbers).then(part).try_flatten().boxed();
        self.keep(None, chunks).await
    }

    async fn md5_of_part(&self, upload: &str, number: u32) -> Result<Option<[u8; 16]>, PackageError> {
        let mut chunks = match self.part(upload, number).await {
            Ok(chunks) => chunks,
            Err(PackageError::Part(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut md5 = Md5::new();
        while let Some(chunk) = chunks.try_next().await? {
            md5.update(&chunk);
        }
        Ok(Some(md5.finalize().into()))
    }

    async fn part(
        &self,
        upload: &str,
        number: u32,
    ) -> Result<BoxStream<'static, Result<Bytes, PackageError>>, PackageError> {
        match self.objects.get(&path(upload, number)).await {
            Ok(found) => Ok(found.into_stream().map_err(PackageError::from).boxed()),
            Err(object_store::Error::NotFound { .. }) => Err(PackageError::Part(number)),
            Err(error) => Err(error.into()),
        }
    }

    async fn parts_of(&self, upload: &str) -> Result<Vec<ObjectMeta>, PackageError> {
        Ok(self.objects.list(Some(&folder(upload))).try_collect().await?)
    }

    /// Removes the parts of an upload.
    ///
    /// # Errors
    /// [`PackageError::Store`]
    pub async fn drop_parts(&self, upload: &str) -> Result<(), PackageError> {
        for part in self.parts_of(upload).await? {
            self.delete(&part.location).await?;
        }
        Ok(())
    }

    /// Removes parts that were written before a moment: of uploads that nobody completed.
    ///
    /// # Errors
    /// [`PackageError::Store`]
    pub async fn drop_old_parts(&self, before: Timestamp) -> Result<usize, PackageError> {
        let all: Vec<ObjectMeta> = self.objects.list(Some(&Path::from(PARTS))).try_collect().await?;
        let old: Vec<_> = all.into_iter().filter(|part| moment(part) < before).collect();
        for part in &old {
            self.delete(&part.location).await?;
        }
        Ok(old.len())
    }
}
