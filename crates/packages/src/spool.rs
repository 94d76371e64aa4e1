//! The temporary file that a package comes into. It has no name: when it is let go of, or the process dies, it is gone.

use std::path::Path;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, SeekFrom};

use crate::PackageError;

/// Content that came to its end.
#[derive(Debug)]
pub(crate) struct Spooled {
    /// At its beginning.
    pub(crate) file: File,
    pub(crate) size: u64,
    /// In hex.
    pub(crate) sha256: String,
    pub(crate) md5: [u8; 16],
}

/// Takes in all chunks, unless they are more than `largest` bytes.
pub(crate) async fn spool<E: std::fmt::Display>(
    directory: &Path,
    largest: u64,
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Spooled, PackageError> {
    let mut file = File::from_std(tempfile::tempfile_in(directory)?);
    let mut chunks = std::pin::pin!(chunks);
    let (mut sha256, mut md5, mut size) = (Sha256::new(), Md5::new(), 0_u64);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| PackageError::Sender(error.to_string()))?;
        size += chunk.len() as u64;
        if size > largest {
            return Err(PackageError::TooLarge(largest));
        }
        sha256.update(&chunk);
        md5.update(&chunk);
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    file.seek(SeekFrom::Start(0)).await?;
    Ok(Spooled { file, size, sha256: hex::encode(sha256.finalize()), md5: md5.finalize().into() })
}
