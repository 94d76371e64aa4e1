//! `sternway freeze`: windows in which no release may begin.

use clap::{Args, Subcommand};
use sternway_wire::model::{FreezeWindow, ListFreezeWindows, Nothing};

use crate::arguments::{Connection, Form};
use crate::commands::scope::Scope;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with freeze windows.
#[derive(Debug, Subcommand)]
#[command(after_help = "Aborting, rolling back, restarting, scaling, starting and stopping are never frozen.")]
pub(crate) enum Command {
    /// Make a window, or replace the one of this name
    Put(PutArguments),
    /// List the windows, and which are open now
    List(Connection),
    /// Delete a window
    Delete(DeleteArguments),
}

/// See [`put`].
#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// The window's name
    name: String,
    /// When it begins, again and again: minute, hour, day of month, month, day of week, such as "0 18 * * FRI"
    #[arg(long, value_name = "CRON")]
    cron: String,
    /// How long it lasts
    #[arg(long, value_name = "MINUTES")]
    minutes: u32,
    /// The time zone of --cron, such as Asia/Shanghai [default: UTC]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Why, for those whose releases are refused
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    connection: Connection,
}

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The window's name
    name: String,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Put(arguments) => put(arguments).await,
        Command::List(connection) => list(connection).await,
        Command::Delete(DeleteArguments { name, connection }) => {
            let reply = connection.client()?.call::<Nothing>("DeleteFreezeWindow", vec![("Name", name)]).await?;
            output::done(&reply.body, connection.output, "Deleted.")
        }
    }
}

async fn put(arguments: PutArguments) -> anyhow::Result<Outcome> {
    let PutArguments { name, cron, minutes, zone, reason, scope, connection } = arguments;
    let client = connection.client()?;
    let mut parameters = vec![("Name", name), ("Cron", cron), ("Minutes", minutes.to_string())];
    parameters.extend(zone.map(|zone| ("Zone", zone)));
    parameters.extend(reason.map(|reason| ("Reason", reason)));
    parameters.extend(scope.parameters(&client).await?);
    let reply = client.call::<Nothing>("PutFreezeWindow", parameters).await?;
    output::done(&reply.body, connection.output, "Done. `sternway freeze list` says whether it is open now.")
}

async fn list(connection: Connection) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<ListFreezeWindows>("ListFreezeWindows", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(["NAME", "BEGINS", "MINUTES", "ZONE", "OF", "OPEN UNTIL", "REASON"], "no windows");
    for window in reply.payload.freeze_window_list {
        let FreezeWindow {
            name,
            app_id,
            namespace,
            cluster_id,
            logical_region_id,
            cron,
            minutes,
            zone,
            reason,
            open_until,
        } = window;
        let of = Scope::in_words(&app_id, &namespace, &cluster_id, &logical_region_id);
        table.row([name, cron, minutes.to_string(), zone, of, open_until, reason]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}
