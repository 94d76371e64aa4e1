//! What can go wrong with a package.

use std::time::Duration;

use sternway_reach::Refused;

/// A package that was not fetched, kept or found. Nothing of it is in the store.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Not a URL that is fetched.
    #[error("{0} is no URL of a package: give one with http or https and a host")]
    NotAUrl(String),
    /// An address that no package comes from.
    #[error("{host} is not fetched from: its address {address} is {kind}")]
    Forbidden {
        /// The host, as named.
        host: String,
        /// What it resolved to.
        address: std::net::IpAddr,
        /// What is wrong with it.
        kind: &'static str,
    },
    /// No connection, or one that broke.
    #[error("{host} could not be reached, or stopped to send: {reason}")]
    Unreachable {
        /// The host, as named.
        host: String,
        /// What the client saw, without the URL.
        reason: String,
    },
    /// The server's answer is no package.
    #[error("{host} answered with HTTP {status}")]
    Status {
        /// The host, as named.
        host: String,
        /// Its status.
        status: u16,
    },
    /// Sent from one place to the next.
    #[error("{0} redirects were followed, and the next is one too many")]
    Redirects(usize),
    /// More than may be kept.
    #[error("the package has more than {0} bytes, the most that is kept")]
    TooLarge(u64),
    /// It took too long.
    #[error("the package was not there after {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The content is another one.
    #[error("the package has the digest {found}, and {expected} was expected")]
    Digest {
        /// Expected, sha256 in hex.
        expected: String,
        /// Found.
        found: String,
    },
    /// The content is no JAR or WAR.
    #[error("this is no JAR or WAR: a ZIP archive's end is missing. It is cut off, or a page that says something else")]
    NotAnArchive,
    /// A part of an upload that is not there, or another one.
    #[error("part {0} of the upload is missing, or has another ETag")]
    Part(u32),
    /// Parts out of order.
    #[error("the parts of the upload are not in ascending order")]
    PartOrder,
    /// Whoever sends it stopped.
    #[error("the sender stopped before the end: {0}")]
    Sender(String),
    /// The place that was named is none.
    #[error("{place} is no place for packages: {reason}")]
    Place {
        /// As given.
        place: String,
        /// Why not.
        reason: String,
    },
    /// The temporary file.
    #[error("the temporary file of a package failed")]
    Spool(#[from] std::io::Error),
    /// The place of the packages.
    #[error("the place of the packages failed")]
    Store(#[from] object_store::Error),
}

impl From<Refused> for PackageError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotAUrl(url) => Self::NotAUrl(url),
            Refused::Forbidden { host, address, kind } => Self::Forbidden { host, address, kind },
        }
    }
}

impl PackageError {
    /// Whether it is the server's own fault, and none of whoever asked.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Place { .. } | Self::Spool(_) | Self::Store(_) => true,
            Self::NotAUrl(_)
            | Self::Forbidden { .. }
            | Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::Redirects(_)
            | Self::TooLarge(_)
            | Self::TooSlow(_)
            | Self::Digest { .. }
            | Self::NotAnArchive
            | Self::Part(_)
            | Self::PartOrder
            | Self::Sender(_) => false,
        }
    }
}
