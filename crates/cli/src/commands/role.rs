//! `sternway role`, `sternway sts`: roles, and taking them on for a while.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{AssumeRole, GetCallerIdentity, ListRamRoles};

use crate::arguments::{Connection, Form, Named};
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a role: who may take it on; its policies stay
    Put(PutArguments),
    /// List the roles
    List(Connection),
    /// Delete a role: temporary keys of it are worth nothing from then on
    Delete(Named),
}

/// What to do with temporary keys.
#[derive(Debug, Subcommand)]
pub(crate) enum StsCommand {
    /// Take on a role for a while; prints a temporary key
    Assume(AssumeArguments),
    /// Say who the access key belongs to
    Whoami(Connection),
}

/// See [`Command::Put`].
#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// Its name
    name: String,
    /// Who may take it on: a trust policy in RAM's JSON form
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// For how many seconds at most
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    longest_session: u32,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    #[command(flatten)]
    connection: Connection,
}

/// See [`StsCommand::Assume`].
#[derive(Debug, Args)]
pub(crate) struct AssumeArguments {
    /// The role
    role: String,
    /// A name for the session, for the record of what it does
    #[arg(long, value_name = "NAME", default_value = "cli")]
    session: String,
    /// For how many seconds [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u32>,
    /// A policy that narrows what the role may do
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Put(PutArguments { name, trust, longest_session, description, connection }) => {
            let parameters = vec![
                ("RoleName", name.clone()),
                ("AssumeRolePolicyDocument", read(&trust)?),
                ("MaxSessionDuration", longest_session.to_string()),
                ("Description", description),
            ];
            connection.client()?.call::<Nothing>("PutRamRole", parameters).await?;
            output::say(&format!("The role {name} is written."));
        }
        Command::List(connection) => list(&connection).await?,
        Command::Delete(Named { name, connection }) => {
            connection.client()?.call::<Nothing>("DeleteRamRole", vec![("RoleName", name.clone())]).await?;
            output::say(&format!("The role {name} is gone."));
        }
    }
    Ok(Outcome::Succeeded)
}

/// Does it.
pub(crate) async fn run_sts(command: StsCommand) -> anyhow::Result<Outcome> {
    match command {
        StsCommand::Assume(arguments) => assume(arguments).await?,
        StsCommand::Whoami(connection) => {
            let reply = connection.client()?.call::<GetCallerIdentity>("GetCallerIdentity", Vec::new()).await?;
            match connection.output {
                Form::Json => output::json(&reply.body)?,
                Form::Text => output::line(&reply.payload.arn)?,
            }
        }
    }
    Ok(Outcome::Succeeded)
}

async fn assume(arguments: AssumeArguments) -> anyhow::Result<()> {
    let AssumeArguments { role, session, duration, policy, connection } = arguments;
    let arn = if role.starts_with("acs:") { role } else { format!("acs:ram::*:role/{role}") };
    let mut parameters = vec![("RoleArn", arn), ("RoleSessionName", session)];
    parameters.extend(duration.map(|seconds| ("DurationSeconds", seconds.to_string())));
    if let Some(policy) = policy {
        parameters.push(("Policy", read(&policy)?));
    }
    let reply = connection.client()?.call::<AssumeRole>("AssumeRole", parameters).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(());
    }
    let key = reply.payload.credentials;
    output::text(&output::details(&[
        ("AccessKeyId", key.access_key_id),
        ("AccessKeySecret", key.access_key_secret),
        ("SecurityToken", key.security_token),
        ("Expiration", key.expiration),
    ]))?;
    output::say("To use it: set ACCESS_KEY_ID, ACCESS_KEY_SECRET and SECURITY_TOKEN.");
    Ok(())
}

async fn list(connection: &Connection) -> anyhow::Result<()> {
    let reply = connection.client()?.call::<ListRamRoles>("ListRamRoles", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(());
    }
    let mut table = Table::new(["NAME", "POLICIES", "LONGEST SESSION", "DESCRIPTION"], "no roles");
    for role in reply.payload.roles {
        let longest = format!("{} s", role.max_session_duration);
        table.row([role.role_name, role.policies.join(","), longest, role.description]);
    }
    output::text(&table.text())?;
    Ok(())
}

fn read(path: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
