//! Whether a file is a ZIP archive, as JARs and WARs are, to its end.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};

/// Begins the record that ends every archive.
const END: &[u8] = b"PK\x05\x06";
/// That record, without the comment after it.
const END_LENGTH: usize = 22;
/// The longest comment.
const LONGEST_COMMENT: u64 = u16::MAX as u64;

/// Looks for the end of an archive, with a comment that reaches exactly to the end of the file. The beginning says nothing: an
/// executable JAR may begin with a script.
pub(crate) async fn is_whole(file: &mut tokio::fs::File, size: u64) -> io::Result<bool> {
    let tail = size.min(LONGEST_COMMENT + END_LENGTH as u64);
    file.seek(SeekFrom::Start(size - tail)).await?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes).await?;
    Ok(ends_an_archive(&bytes))
}

fn ends_an_archive(tail: &[u8]) -> bool {
    tail.windows(END_LENGTH).enumerate().any(|(at, record)| {
        let comment = usize::from(u16::from_le_bytes([record[END_LENGTH - 2], record[END_LENGTH - 1]]));
        record.starts_with(END) && at + END_LENGTH + comment == tail.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_known_by_its_end() {
        let end = [END, &[0; 16], &[3, 0], b"abc"].concat();
        assert!(ends_an_archive(&end));
        assert!(ends_an_archive(&[b"#!/bin/sh\n", end.as_slice()].concat()));
        for broken in [&end[..end.len() - 1], b"<html>", b"", &[&end[..], b"more"].concat()] {
            assert!(!ends_an_archive(broken));
        }
    }
}
