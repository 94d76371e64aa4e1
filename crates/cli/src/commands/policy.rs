//! `sternway policy`: what users, groups and roles may do.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{GetPolicy, ListPolicies};

use crate::arguments::{Connection, Form, Named};
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a policy, in place of the one of this name if there is one
    Put(PutArguments),
    /// Print a policy
    Get(Named),
    /// List the policies and what they are attached to
    List(ListArguments),
    /// Delete a policy that is attached to nothing
    Delete(Named),
    /// Attach a policy to a user, a group or a role
    Attach(AttachArguments),
    /// Detach a policy
    Detach(AttachArguments),
}

/// See [`Command::Put`].
#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// Its name
    name: String,
    /// The policy, in RAM's JSON form
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    #[command(flatten)]
    connection: Connection,
}

/// See [`Command::List`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    connection: Connection,
}

/// See [`Command::Attach`].
#[derive(Debug, Args)]
pub(crate) struct AttachArguments {
    /// The policy's name
    name: String,
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    connection: Connection,
}

/// A user, a group or a role.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Holder {
    /// A user
    #[arg(long)]
    user: Option<String>,
    /// A group
    #[arg(long)]
    group: Option<String>,
    /// A role
    #[arg(long)]
    role: Option<String>,
}

impl Holder {
    fn parameters(self) -> Vec<(&'static str, String)> {
        let named = [("UserName", self.user), ("GroupName", self.group), ("RoleName", self.role)];
        named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Put(PutArguments { name, file, description, connection }) => {
            let document = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let parameters =
                vec![("PolicyName", name.clone()), ("PolicyDocument", document), ("Description", description)];
            connection.client()?.call::<Nothing>("PutPolicy", parameters).await?;
            output::say(&format!("The policy {name} is written."));
        }
        Command::Get(Named { name, connection }) => {
            let reply = connection.client()?.call::<GetPolicy>("GetPolicy", vec![("PolicyName", name)]).await?;
            match connection.output {
                Form::Json => output::json(&reply.body)?,
                Form::Text => output::line(&reply.payload.policy_document)?,
            }
        }
        Command::List(ListArguments { holder, connection }) => list(holder, &connection).await?,
        Command::Delete(Named { name, connection }) => {
            connection.client()?.call::<Nothing>("DeletePolicy", vec![("PolicyName", name.clone())]).await?;
            output::say(&format!("The policy {name} is gone."));
        }
        Command::Attach(AttachArguments { name, holder, connection }) => {
            let mut parameters = holder.parameters();
            parameters.push(("PolicyName", name.clone()));
            connection.client()?.call::<Nothing>("AttachPolicy", parameters).await?;
            output::say(&format!("The policy {name} is attached."));
        }
        Command::Detach(AttachArguments { name, holder, connection }) => {
            let mut parameters = holder.parameters();
            parameters.push(("PolicyName", name.clone()));
            connection.client()?.call::<Nothing>("DetachPolicy", parameters).await?;
            output::say(&format!("The policy {name} is detached."));
        }
    }
    Ok(Outcome::Succeeded)
}

async fn list(holder: Holder, connection: &Connection) -> anyhow::Result<()> {
    let reply = connection.client()?.call::<ListPolicies>("ListPolicies", holder.parameters()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(());
    }
    let mut table = Table::new(["NAME", "TYPE", "ATTACHED TO", "DESCRIPTION"], "no policies");
    for policy in reply.payload.policies {
        table.row([policy.policy_name, policy.policy_type, policy.attached_to.join(","), policy.description]);
    }
    output::text(&table.text())?;
    Ok(())
}
