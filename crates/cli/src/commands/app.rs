//! `sternway app`: applications.

mod change;
mod create;
mod show;

use clap::Subcommand;

use crate::exit::Outcome;

/// What to do with applications.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an application and deploy its first version
    Create(create::Arguments),
    /// List the applications
    List(show::ListArguments),
    /// Show an application and its pods
    Get(show::GetArguments),
    /// Delete an application and its workload
    Delete(change::DeleteArguments),
    /// Change the number of an application's pods
    Scale(change::ScaleArguments),
    /// Replace all pods of an application by new ones of the same version
    Restart(change::Arguments),
    /// Stop an application: scale it to zero, and remember from where
    Stop(change::Arguments),
    /// Start a stopped application
    Start(change::StartArguments),
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Create(arguments) => create::run(arguments).await,
        Command::List(arguments) => show::list(arguments).await,
        Command::Get(arguments) => show::get(arguments).await,
        Command::Delete(arguments) => change::delete(arguments).await,
        Command::Scale(arguments) => change::scale(arguments).await,
        Command::Restart(arguments) => change::plain(arguments, "RestartK8sApplication", "Restarting").await,
        Command::Stop(arguments) => change::plain(arguments, "StopK8sApplication", "Stopping").await,
        Command::Start(arguments) => change::start(arguments).await,
    }
}
