//! `sternway version`: what an application has run.

use clap::{Args, Subcommand};
use sternway_wire::model::ListHistoryDeployVersion;

use crate::arguments::{AppName, Connection, Form};
use crate::commands::names;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with versions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the versions of an application; `sternway deploy --version` takes their numbers
    List(ListArguments),
}

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    name: AppName,
    #[command(flatten)]
    connection: Connection,
}

/// Lists them.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    let Command::List(arguments) = command;
    let client = arguments.connection.client()?;
    let app = names::app_id(&client, &arguments.name.app).await?;
    let reply = client.call::<ListHistoryDeployVersion>("ListHistoryDeployVersion", vec![("AppId", app)]).await?;
    if arguments.connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(["VERSION", "IMAGE OR PACKAGE", "CREATED", "DESCRIPTION"], "no versions");
    for version in reply.payload.package_version_list {
        table.row([version.id, version.war_url, output::moment(version.create_time), version.description]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}
