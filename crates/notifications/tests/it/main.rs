//! Webhooks as receivers meet them: real sockets, a real store, and time that passes when it is told to.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod delivery;
mod forms;
mod receiver;
mod secrets;
mod settings;
mod world;
