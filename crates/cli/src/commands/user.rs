//! `sternway user`, `sternway group`: who there is.

use clap::{Args, Subcommand};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{CreateGroup, CreateUser, ListGroups, ListUsers};

use crate::arguments::{Connection, Form, Named};
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a user, who may do nothing yet
    Create(NewArguments),
    /// List the users, with their groups and policies
    List(Connection),
    /// Delete a user with its access keys
    Delete(Named),
}

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Create a group
    Create(NewArguments),
    /// List the groups, with their members and policies
    List(Connection),
    /// Delete a group; its members stay users
    Delete(Named),
    /// Put a user into a group
    Add(MemberArguments),
    /// Take a user out of a group
    Remove(MemberArguments),
}

/// A new user or group.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Its name
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    comments: String,
    #[command(flatten)]
    connection: Connection,
}

/// A user and a group.
#[derive(Debug, Args)]
pub(crate) struct MemberArguments {
    /// The group
    group: String,
    /// The user
    user: String,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Create(NewArguments { name, comments, connection }) => {
            let parameters = vec![("UserName", name.clone()), ("Comments", comments)];
            connection.client()?.call::<CreateUser>("CreateUser", parameters).await?;
            output::say(&format!("The user {name} is there. Attach a policy to it, and create a key for it."));
        }
        Command::List(connection) => list(&connection).await?,
        Command::Delete(Named { name, connection }) => {
            connection.client()?.call::<Nothing>("DeleteUser", vec![("UserName", name.clone())]).await?;
            output::say(&format!("The user {name} is gone, and its access keys with it."));
        }
    }
    Ok(Outcome::Succeeded)
}

/// Does it.
pub(crate) async fn run_group(command: GroupCommand) -> anyhow::Result<Outcome> {
    match command {
        GroupCommand::Create(NewArguments { name, comments, connection }) => {
            let parameters = vec![("GroupName", name.clone()), ("Comments", comments)];
            connection.client()?.call::<CreateGroup>("CreateGroup", parameters).await?;
            output::say(&format!("The group {name} is there."));
        }
        GroupCommand::List(connection) => list_groups(&connection).await?,
        GroupCommand::Delete(Named { name, connection }) => {
            connection.client()?.call::<Nothing>("DeleteGroup", vec![("GroupName", name.clone())]).await?;
            output::say(&format!("The group {name} is gone."));
        }
        GroupCommand::Add(MemberArguments { group, user, connection }) => {
            let parameters = vec![("GroupName", group.clone()), ("UserName", user.clone())];
            connection.client()?.call::<Nothing>("AddUserToGroup", parameters).await?;
            output::say(&format!("{user} is in {group}."));
        }
        GroupCommand::Remove(MemberArguments { group, user, connection }) => {
            let parameters = vec![("GroupName", group.clone()), ("UserName", user.clone())];
            connection.client()?.call::<Nothing>("RemoveUserFromGroup", parameters).await?;
            output::say(&format!("{user} is not in {group}."));
        }
    }
    Ok(Outcome::Succeeded)
}

async fn list(connection: &Connection) -> anyhow::Result<()> {
    let reply = connection.client()?.call::<ListUsers>("ListUsers", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(());
    }
    let mut table = Table::new(["NAME", "GROUPS", "POLICIES", "CREATED", "COMMENTS"], "no users");
    for user in reply.payload.users {
        let (groups, policies) = (user.groups.join(","), user.policies.join(","));
        table.row([user.user_name, groups, policies, user.create_date, user.comments]);
    }
    output::text(&table.text())?;
    Ok(())
}

async fn list_groups(connection: &Connection) -> anyhow::Result<()> {
    let reply = connection.client()?.call::<ListGroups>("ListGroups", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(());
    }
    let mut table = Table::new(["NAME", "MEMBERS", "POLICIES", "CREATED", "COMMENTS"], "no groups");
    for group in reply.payload.groups {
        let (members, policies) = (group.users.join(","), group.policies.join(","));
        table.row([group.group_name, members, policies, group.create_date, group.comments]);
    }
    output::text(&table.text())?;
    Ok(())
}
