//! JAR and WAR packages: fetched within limits, kept by what they contain, served as streams.
//!
//! ```text
//!  URL ──► Fetcher ──┐ bounded in size and time, refuses addresses that are nobody's business
//!                    ▼
//!  upload ───────► Packages::keep ──► spool (unnamed file) ──► checks ──► blobs/<sha256>
//!                                                                            │
//!  pods ◄─────────────────────────────────────────── Packages::open ◄────────┘
//! ```
//!
//! What comes in goes to an unnamed temporary file first, is checked there, and only then becomes an object under its digest, in one step: at any
//! moment an object is whole and right, and a crash leaves nothing behind. The same content is kept once. Who may read or write, which package
//! belongs to what, and when one is not needed any more, is for the server to say.
//!
//! Objects are in a directory, or in a bucket that speaks S3; `object_store` is the port to both.

mod archive;
mod error;
mod fetch;
mod parts;
mod spool;
mod store;

pub use self::error::PackageError;
pub use self::fetch::{Fetched, Fetcher, Limits};
pub use self::parts::PartName;
pub use self::store::{Digest, Kept, Opened, Packages, Place};
pub use sternway_reach::Reach;
