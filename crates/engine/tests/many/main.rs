//! Many orders at once on the real engine and store: with a cluster that is as fast as thought.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fleet;
mod releases;
mod virtual_clusters;
