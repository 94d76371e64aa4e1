//! `sternway order`: the changes of applications, and steering them.

use anyhow::bail;
use clap::{Args, Subcommand};
use sternway_wire::codes::Status;
use sternway_wire::model::{
    ChangeOrderInfo, ChangeOrderStopped, ListRecentChangeOrder, Nothing, PipelineInfo, TextData,
};

use crate::arguments::{AppName, Confirmation, Connection, Form, Patience, Waiting};
use crate::client::{Client, Reply};
use crate::commands::{names, wait};
use crate::exit::Outcome;
use crate::output::{self, Table};
use crate::progress;

/// What to do with change orders.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the change orders of an application, newest first
    List(ListArguments),
    /// Show a change order: batches, pods, messages
    Get(OrderArguments),
    /// Watch a change order until it ends; the exit code tells how
    Watch(WatchArguments),
    /// Release the next batch of a change order that waits for it
    Continue(SteerArguments),
    /// Try again what failed in a change order that waits for a person (`deploy --on-failure pause`)
    Retry(SteerArguments),
    /// Stop a change order where it stands; pods that are changed stay changed
    Abort(OrderArguments),
    /// Stop a release and bring every pod back to the version before; prints the new change order's id
    Rollback(SteerArguments),
}

/// See [`list`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    name: AppName,
    #[command(flatten)]
    connection: Connection,
}

/// A change order by id.
#[derive(Clone, Debug, Args)]
struct OrderId {
    /// The change order's id
    #[arg(value_name = "ORDER")]
    order: String,
}

/// Of the commands that need nothing but an order.
#[derive(Debug, Args)]
pub(crate) struct OrderArguments {
    #[command(flatten)]
    id: OrderId,
    #[command(flatten)]
    connection: Connection,
}

/// See [`watch`].
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    #[command(flatten)]
    id: OrderId,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    connection: Connection,
}

/// Of the commands after which one may want to watch.
#[derive(Debug, Args)]
pub(crate) struct SteerArguments {
    #[command(flatten)]
    id: OrderId,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Get(arguments) => get(arguments).await,
        Command::Watch(arguments) => watch(arguments).await,
        Command::Continue(arguments) => go_on(arguments).await,
        Command::Retry(arguments) => retry(arguments).await,
        Command::Abort(arguments) => abort(arguments).await,
        Command::Rollback(arguments) => rollback(arguments).await,
    }
}

async fn list(arguments: ListArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let app = names::app_id(&client, &arguments.name.app).await?;
    let reply = client.call::<ListRecentChangeOrder>("ListRecentChangeOrder", vec![("AppId", app)]).await?;
    if arguments.connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table =
        Table::new(["ID", "CHANGE", "STATUS", "BATCHES", "CREATED", "FINISHED", "DESCRIPTION"], "no change orders");
    for order in reply.payload.change_order_list {
        table.row([
            order.change_order_id,
            order.co_type,
            output::status(order.status),
            order.batch_count.to_string(),
            order.create_time,
            order.finish_time,
            order.change_order_description,
        ]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

async fn get(arguments: OrderArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let reply = wait::read(&client, &arguments.id.order).await?;
    match arguments.connection.output {
        Form::Json => output::json(&reply.body)?,
        Form::Text => output::text(&progress::order_in_full(&reply.payload.change_order_info))?,
    }
    Ok(Outcome::Succeeded)
}

async fn watch(arguments: WatchArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let ended =
        wait::until_end(&client, &arguments.id.order, arguments.patience.limits(arguments.confirmation)).await?;
    wait::report(&arguments.id.order, ended, Some(arguments.connection.output))
}

async fn go_on(arguments: SteerArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let order = arguments.id.order;
    let (reply, batch) = confirm(&client, &order).await?;
    let started = wait::Started { order, body: reply.body, what: format!("Releasing {batch}") };
    wait::started(&client, started, arguments.waiting.until(arguments.confirmation), arguments.connection.output).await
}

/// Confirms the batch that waits for it; answers with that batch's name too.
async fn confirm(client: &Client, order: &str) -> anyhow::Result<(Reply<Nothing>, String)> {
    let info = wait::read(client, order).await?.payload.change_order_info;
    let Some(pipeline) = waiting_pipeline(&info) else {
        bail!("nothing waits for confirmation: the change order is {}", output::status(info.status));
    };
    let parameters = vec![("PipelineId", pipeline.pipeline_id.clone()), ("Confirm", "true".to_owned())];
    let reply = client.call::<Nothing>("ContinuePipeline", parameters).await?;
    Ok((reply, pipeline.pipeline_name.clone()))
}

fn waiting_pipeline(info: &ChangeOrderInfo) -> Option<&PipelineInfo> {
    let waits = [Status::AwaitingConfirmation, Status::AwaitingInterval].map(Status::code);
    info.pipeline_info_list.iter().find(|pipeline| waits.contains(&pipeline.pipeline_status))
}

async fn retry(arguments: SteerArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let order = arguments.id.order;
    let info = wait::read(&client, &order).await?.payload.change_order_info;
    let Some(task) = progress::waiting_for_retry(&info) else {
        bail!("nothing waits to be tried again: the change order is {}", output::status(info.status));
    };
    let parameters = vec![("TaskId", task.task_id.clone()), ("RetryStatus", "true".to_owned())];
    let reply = client.call::<TextData>("RetryChangeOrderTask", parameters).await?;
    let started = wait::Started { order, body: reply.body, what: "Trying again".to_owned() };
    let limits = arguments.waiting.until(arguments.confirmation);
    wait::started(&client, started, limits, arguments.connection.output).await
}

async fn abort(arguments: OrderArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let reply = stop(&client, "AbortChangeOrder", &arguments.id.order).await?;
    match arguments.connection.output {
        Form::Json => output::json(&reply.body)?,
        Form::Text => output::line(&reply.payload.data.change_order_id)?,
    }
    output::say("Aborted. What is changed stays as it is: deploy again to go on, or an earlier version to go back.");
    Ok(Outcome::Succeeded)
}

async fn rollback(arguments: SteerArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let reply = stop(&client, "AbortAndRollbackChangeOrder", &arguments.id.order).await?;
    let started = wait::Started {
        order: reply.payload.data.change_order_id,
        body: reply.body,
        what: format!("Rolling back {}", arguments.id.order),
    };
    wait::started(&client, started, arguments.waiting.until(arguments.confirmation), arguments.connection.output).await
}

async fn stop(client: &Client, operation: &'static str, order: &str) -> anyhow::Result<Reply<ChangeOrderStopped>> {
    Ok(client.call(operation, vec![("ChangeOrderId", order.to_owned())]).await?)
}
