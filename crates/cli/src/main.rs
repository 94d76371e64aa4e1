//! The one binary: `serve`, `demo`, `sandbox`, and the verbs of daily work.
//!
//! ```text
//!  arguments ──► commands ──► client ──► (a server's public API, signed)       the verbs
//!                   │
//!                   └───────► compose ──► store, cluster, engine, server        serve, demo
//!                             sandbox ──► a Kubernetes API in this process      serve --sandbox, sandbox, demo
//! ```
//!
//! What people or programs asked for goes to stdout, everything said about it to stderr. Exit codes are decided in
//! [`exit`] alone.

mod arguments;
mod client;
mod commands;
mod compose;
#[cfg(feature = "crash-points")]
mod crash_point;
mod exit;
mod logging;
mod output;
mod progress;
mod signals;
mod system;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::code(Err(anyhow::Error::new(error).context("cannot start the runtime")));
        }
    };
    exit::code(runtime.block_on(commands::run(arguments)))
}
