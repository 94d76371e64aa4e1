//! `sternway approval`: releases that wait for another user, and the rules that make them wait.

use clap::{Args, Subcommand};
use sternway_wire::model::{ApprovalRule, ChangeOrderStarted, ListApprovalRules, ListPendingApprovals, Nothing};

use crate::arguments::{Connection, Form};
use crate::commands::scope::Scope;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with approvals.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the change orders that wait for approval
    List(ConnectionArguments),
    /// Approve a change order that another user started
    Approve(DecisionArguments),
    /// Reject a change order that another user started: it ends, and nothing is changed
    Reject(DecisionArguments),
    /// List the rules
    Rules(ConnectionArguments),
    /// Make a rule, or replace the one of this name
    Put(PutArguments),
    /// Delete a rule; orders that wait already go on waiting
    Delete(DeleteArguments),
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArguments {
    #[command(flatten)]
    connection: Connection,
}

/// See [`decide`].
#[derive(Debug, Args)]
pub(crate) struct DecisionArguments {
    /// The change order's id
    #[arg(value_name = "ORDER")]
    order: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// See [`put`].
#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// The rule's name
    name: String,
    /// What has to be approved: the release as a whole, each batch after the first, or both
    #[arg(long, value_name = "WHAT", value_parser = ["deploy", "batches", "both"], default_value = "deploy")]
    asks: String,
    /// Who may approve, separated by commas [default: whoever may change the application]
    #[arg(long, value_name = "USERS")]
    approvers: Option<String>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    connection: Connection,
}

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The rule's name
    name: String,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(arguments) => list(arguments.connection).await,
        Command::Approve(arguments) => decide(arguments, true).await,
        Command::Reject(arguments) => decide(arguments, false).await,
        Command::Rules(arguments) => rules(arguments.connection).await,
        Command::Put(arguments) => put(arguments).await,
        Command::Delete(DeleteArguments { name, connection }) => {
            let reply = connection.client()?.call::<Nothing>("DeleteApprovalRule", vec![("Name", name)]).await?;
            output::done(&reply.body, connection.output, "Deleted.")
        }
    }
}

async fn list(connection: Connection) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<ListPendingApprovals>("ListPendingApprovals", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(["ORDER", "STARTED BY", "CREATED", "RULE", "WAITS FOR", "DESCRIPTION"], "nothing waits");
    for order in reply.payload.pending_approval_list {
        table.row([
            order.change_order_id,
            order.user_id,
            order.create_time,
            order.rule,
            order.waits_for,
            order.description,
        ]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

async fn decide(arguments: DecisionArguments, approve: bool) -> anyhow::Result<Outcome> {
    let DecisionArguments { order, comment, connection } = arguments;
    let mut parameters = vec![("ChangeOrderId", order), ("Approve", approve.to_string())];
    parameters.extend(comment.map(|comment| ("Comment", comment)));
    let reply = connection.client()?.call::<ChangeOrderStarted>("ApproveChangeOrder", parameters).await?;
    output::done(&reply.body, connection.output, if approve { "Approved." } else { "Rejected." })
}

async fn rules(connection: Connection) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<ListApprovalRules>("ListApprovalRules", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(["NAME", "ASKS FOR", "OF", "APPROVERS"], "no rules");
    for ApprovalRule { name, app_id, namespace, cluster_id, logical_region_id, asks, approvers } in
        reply.payload.approval_rule_list
    {
        let of = Scope::in_words(&app_id, &namespace, &cluster_id, &logical_region_id);
        table.row([name, asks, of, approvers.join(", ")]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

async fn put(arguments: PutArguments) -> anyhow::Result<Outcome> {
    let PutArguments { name, asks, approvers, scope, connection } = arguments;
    let client = connection.client()?;
    let mut parameters = vec![("Name", name), ("Asks", asks)];
    parameters.extend(approvers.map(|approvers| ("Approvers", approvers)));
    parameters.extend(scope.parameters(&client).await?);
    let reply = client.call::<Nothing>("PutApprovalRule", parameters).await?;
    output::done(&reply.body, connection.output, "Done. It holds for releases from now on.")
}
