//! The real engine, store and adapter against the sandbox over loopback, in one process: with faults of the API server at every kind of
//! write, with whatever may keep a rollback from finishing, and with two engines of which one is frozen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "how many cases there were is worth knowing")]

mod faults;
mod fencing;
mod ladder;
mod world;
