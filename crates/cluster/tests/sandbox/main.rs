//! The adapter against an API server: the sandbox in this process, over real HTTP, or, if `STERNWAY_TEST_KUBECONFIG` names a kubeconfig file, a
//! real cluster. Tests that have to take the server away, or to know what is in it, use the sandbox always.
//!
//! Nothing here waits for time: each test waits for what it has caused, as the watches tell it.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the end of the test")]

mod harness;

mod attachments;
mod connections;
mod effects;
mod observations;
mod tls;
