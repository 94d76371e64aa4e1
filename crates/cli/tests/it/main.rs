//! The binary as its users run it: help and errors as text, the demo, and a server driven by the verbs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod demo;
mod help;
mod keys;
mod process;
mod restart;
mod secrets;
mod serve;
mod users;
mod verbs;
mod webhooks;
