//! `sternway webhook`: who is told of what happens to change orders.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use sternway_wire::model::{
    CreateWebhook, GetWebhook, ListWebhookDeadLetters, ListWebhooks, Nothing, RedeliverWebhook, TestWebhook, Webhook,
};

use crate::arguments::{Connection, Form, Named};
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a webhook, for what happens from now on
    Create(CreateArguments),
    /// List the webhooks, and how they are getting on
    List(Connection),
    /// Show a webhook
    Get(Named),
    /// Change a webhook; what is not given stays
    Update(UpdateArguments),
    /// Delete a webhook with all that it was not given
    Delete(Named),
    /// Send a test and say what came of it
    Test(Named),
    /// List the events that a webhook was not given
    DeadLetters(Named),
    /// Deliver dead letters once more
    Redeliver(RedeliverArguments),
}

/// See [`create`].
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// The webhook's name
    name: String,
    /// The form that the receiver understands
    #[arg(long, value_name = "FORMAT", value_parser = ["cloudevents", "slack", "dingtalk", "feishu"], default_value = "cloudevents")]
    format: String,
    #[command(flatten)]
    target: Target,
    /// What the webhook is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Do not deliver yet
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    connection: Connection,
}

/// Where to deliver. Everything here is secret, so a file can hold it.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Where to deliver
    #[arg(long, value_name = "URL", conflicts_with = "url_file")]
    url: Option<String>,
    /// A file that holds the URL
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,
    /// The secret of the signature: whsec_... for cloudevents (made if none is given), the robot's for dingtalk and feishu
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// A file that holds the secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Patterns in which * stands for any characters, several separated by commas; "" for all.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which events")]
pub(crate) struct Which {
    /// Of these types, such as "succeeded,failed,batch-*"
    #[arg(long, value_name = "PATTERNS")]
    events: Option<String>,
    /// Of applications with these names or ids
    #[arg(long, value_name = "PATTERNS")]
    applications: Option<String>,
    /// Of these Kubernetes namespaces
    #[arg(long, value_name = "PATTERNS")]
    namespaces: Option<String>,
    /// Of clusters with these names or ids
    #[arg(long, value_name = "PATTERNS")]
    clusters: Option<String>,
    /// Of these logical regions
    #[arg(long, value_name = "PATTERNS")]
    logical_regions: Option<String>,
}

/// See [`update`].
#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// The webhook's name
    name: String,
    #[command(flatten)]
    target: Target,
    /// What the webhook is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Deliver, from now on
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Deliver nothing any more
    #[arg(long)]
    disable: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    connection: Connection,
}

/// See [`redeliver`].
#[derive(Debug, Args)]
pub(crate) struct RedeliverArguments {
    /// The webhook's name
    name: String,
    /// The id of one dead letter [default: all]
    #[arg(value_name = "MESSAGE")]
    message: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

type Parameters = Vec<(&'static str, String)>;

impl Target {
    fn parameters(self) -> anyhow::Result<Parameters> {
        let url = given(self.url, self.url_file)?.map(|url| ("Url", url));
        let secret = given(self.secret, self.secret_file)?.map(|secret| ("Secret", secret));
        Ok(url.into_iter().chain(secret).collect())
    }
}

fn given(text: Option<String>, file: Option<PathBuf>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(text) };
    let read = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Some(read.trim().to_owned()))
}

impl Which {
    fn parameters(self) -> impl Iterator<Item = (&'static str, String)> {
        let given = [
            ("Events", self.events),
            ("Applications", self.applications),
            ("Namespaces", self.namespaces),
            ("Clusters", self.clusters),
            ("LogicalRegions", self.logical_regions),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Create(arguments) => create(arguments).await,
        Command::List(connection) => list(connection).await,
        Command::Get(named) => get(named).await,
        Command::Update(arguments) => update(arguments).await,
        Command::Delete(Named { name, connection }) => {
            let reply = connection.client()?.call::<Nothing>("DeleteWebhook", vec![("Name", name)]).await?;
            output::done(&reply.body, connection.output, "Deleted.")
        }
        Command::Test(named) => test(named).await,
        Command::DeadLetters(named) => dead_letters(named).await,
        Command::Redeliver(arguments) => redeliver(arguments).await,
    }
}

async fn create(arguments: CreateArguments) -> anyhow::Result<Outcome> {
    let CreateArguments { name, format, target, description, disabled, which, connection } = arguments;
    let mut parameters = vec![("Name", name), ("Format", format), ("Enabled", (!disabled).to_string())];
    parameters.extend(target.parameters()?);
    parameters.extend(which.parameters());
    parameters.extend(description.map(|description| ("Description", description)));
    tell_secret("CreateWebhook", parameters, &connection).await
}

async fn update(arguments: UpdateArguments) -> anyhow::Result<Outcome> {
    let UpdateArguments { name, target, description, enable, disable, which, connection } = arguments;
    let mut parameters = vec![("Name", name)];
    if enable || disable {
        parameters.push(("Enabled", enable.to_string()));
    }
    parameters.extend(target.parameters()?);
    parameters.extend(which.parameters());
    parameters.extend(description.map(|description| ("Description", description)));
    tell_secret("UpdateWebhook", parameters, &connection).await
}

/// The key that was made is what a program reads; it is never shown again.
async fn tell_secret(
    operation: &'static str,
    parameters: Parameters,
    connection: &Connection,
) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<CreateWebhook>(operation, parameters).await?;
    if connection.output == Form::Text && !reply.payload.secret.is_empty() {
        output::line(&reply.payload.secret)?;
        output::say("This is the secret of the signatures. Keep it for the receiver: it is not shown again.");
        return Ok(Outcome::Succeeded);
    }
    output::done(&reply.body, connection.output, "Done. `sternway webhook test` says whether it works.")
}

async fn list(connection: Connection) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<ListWebhooks>("ListWebhooks", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table =
        Table::new(["NAME", "FORMAT", "TO", "STATE", "EVENTS", "LAST DELIVERED", "DEAD LETTERS"], "no webhooks");
    for webhook in reply.payload.webhook_list {
        let (state, events) = (state(&webhook), in_words(&webhook.events));
        let Webhook { name, format, place, last_delivered, dead_letters, .. } = webhook;
        table.row([name, format, place, state.to_owned(), events, last_delivered, dead_letters.to_string()]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

async fn get(Named { name, connection }: Named) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<GetWebhook>("GetWebhook", vec![("Name", name)]).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let webhook = reply.payload.webhook;
    let state = state(&webhook).to_owned();
    let failures = if webhook.failures == 0 { String::new() } else { webhook.failures.to_string() };
    output::text(&output::details(&[
        ("Name", webhook.name),
        ("Format", webhook.format),
        ("To", webhook.place),
        ("Signed", if webhook.signed { "yes" } else { "no" }.to_owned()),
        ("State", state),
        ("Events", in_words(&webhook.events)),
        ("Applications", in_words(&webhook.applications)),
        ("Namespaces", in_words(&webhook.namespaces)),
        ("Clusters", in_words(&webhook.clusters)),
        ("Logical regions", in_words(&webhook.logical_regions)),
        ("Description", webhook.description),
        ("Created", webhook.create_time),
        ("Last delivered", webhook.last_delivered),
        ("Failing since", webhook.failing_since),
        ("Failures", failures),
        ("Problem", webhook.problem),
        ("Next attempt", webhook.next_attempt),
        ("Dead letters", webhook.dead_letters.to_string()),
    ]))?;
    Ok(Outcome::Succeeded)
}

fn state(webhook: &Webhook) -> &'static str {
    match (webhook.enabled, webhook.failing_since.is_empty()) {
        (false, _) => "disabled",
        (true, true) => "ok",
        (true, false) => "failing",
    }
}

fn in_words(patterns: &[String]) -> String {
    if patterns.is_empty() { "all".to_owned() } else { patterns.join(", ") }
}

async fn test(Named { name, connection }: Named) -> anyhow::Result<Outcome> {
    let reply = connection.client()?.call::<TestWebhook>("TestWebhook", vec![("Name", name)]).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
    } else if reply.payload.delivered {
        output::say("Delivered.");
    }
    anyhow::ensure!(reply.payload.delivered, "the test was not delivered: {}", reply.payload.problem);
    Ok(Outcome::Succeeded)
}

async fn dead_letters(Named { name, connection }: Named) -> anyhow::Result<Outcome> {
    let client = connection.client()?;
    let reply = client.call::<ListWebhookDeadLetters>("ListWebhookDeadLetters", vec![("Name", name)]).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table =
        Table::new(["MESSAGE", "TYPE", "APPLICATION", "HAPPENED", "GIVEN UP", "TRIED", "PROBLEM"], "no dead letters");
    for letter in reply.payload.dead_letter_list {
        table.row([
            letter.message_id,
            letter.kind,
            letter.app_name,
            letter.event_time,
            letter.given_up_time,
            letter.attempts.to_string(),
            letter.problem,
        ]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

async fn redeliver(arguments: RedeliverArguments) -> anyhow::Result<Outcome> {
    let RedeliverArguments { name, message, connection } = arguments;
    let mut parameters = vec![("Name", name)];
    parameters.extend(message.map(|message| ("MessageId", message)));
    let reply = connection.client()?.call::<RedeliverWebhook>("RedeliverWebhook", parameters).await?;
    let words = match reply.payload.count {
        0 => "There are no dead letters.".to_owned(),
        count => format!("Delivering {count} once more; `sternway webhook dead-letters` says what is left."),
    };
    output::done(&reply.body, connection.output, &words)
}
