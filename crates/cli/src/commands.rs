//! One file per command: its arguments, and what it does.

pub(crate) mod adopt;
pub(crate) mod app;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod freeze;
pub(crate) mod key;
mod names;
pub(crate) mod order;
mod parameters;
pub(crate) mod policy;
pub(crate) mod role;
pub(crate) mod sandbox;
mod scope;
pub(crate) mod serve;
pub(crate) mod user;
pub(crate) mod version;
mod wait;
pub(crate) mod webhook;

use crate::arguments::{Arguments, Command};
use crate::exit::Outcome;

/// Does what was asked for.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
        Command::Adopt(arguments) => adopt::run(arguments).await,
        Command::App(command) => app::run(command).await,
        Command::Deploy(arguments) => deploy::run(arguments).await,
        Command::Order(command) => order::run(command).await,
        Command::Version(command) => version::run(command).await,
        Command::Approval(command) => approval::run(command).await,
        Command::Freeze(command) => freeze::run(command).await,
        Command::Webhook(command) => webhook::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Cluster(command) => cluster::run(command).await,
        Command::User(command) => user::run(command).await,
        Command::Group(command) => user::run_group(command).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Role(command) => role::run(command).await,
        Command::Sts(command) => role::run_sts(command).await,
        Command::Key(command) => key::run(command).await,
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
