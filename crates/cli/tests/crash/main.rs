//! The real binary, server and sandbox as separate processes: killed at every commit and every write to the cluster, frozen in the middle of one, on a full
//! disk, with a locked database, beside a second server, in a directory that it may not write to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg_attr(
    feature = "crash-points",
    expect(clippy::print_stdout, reason = "how many runs there were is worth knowing")
)]

mod client;
#[cfg(feature = "crash-points")]
mod frozen;
#[cfg(feature = "crash-points")]
mod matrix;
mod site;
mod store_trouble;
#[cfg(feature = "crash-points")]
mod story;
