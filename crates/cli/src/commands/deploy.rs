//! `sternway deploy`: a new version, released in batches.

mod preview;

use anyhow::Context as _;
use clap::{ArgGroup, Args, ValueEnum};
use serde_json::json;
use sternway_wire::model::{ChangeOrderStarted, ListHistoryDeployVersion, Nothing};

use crate::arguments::{AppName, Confirmation, Connection, Waiting};
use crate::client::Client;
use crate::commands::parameters::{Extra, Variable, environment};
use crate::commands::{names, wait};
use crate::exit::Outcome;

const OPERATION: &str = "DeployK8sApplication";

/// See [`run`].
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["image", "version", "environment", "set"]).required(true).multiple(true))]
pub(crate) struct Arguments {
    #[command(flatten)]
    name: AppName,
    #[command(flatten)]
    change: Change,
    /// What people should know of this change
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    batches: Batches,
    /// When the release fails: go back, hold and wait for a person, or end and leave it as it is [default: rollback]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,
    /// Seconds that a batch may take until it counts as failed [default: the server's]
    #[arg(long, value_name = "SECONDS")]
    batch_timeout: Option<u32>,
    /// Write nothing: say what the checks find, and every patch that would be sent
    #[arg(long, conflicts_with_all = ["wait", "until_confirmation"])]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    connection: Connection,
}

/// What to bring.
#[derive(Debug, Args)]
struct Change {
    /// The image to run
    #[arg(long)]
    image: Option<String>,
    /// A version the application has had, by the number that `sternway version list` shows
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["image", "environment", "set"])]
    version: Option<String>,
    /// An environment variable, instead of all present ones; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment: Vec<Variable>,
    #[command(flatten)]
    extra: Extra,
}

/// How to bring it.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Release")]
struct Batches {
    /// In how many batches
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    batches: u32,
    /// Wait for a person (`sternway order continue`) before each next batch
    #[arg(long, conflicts_with = "wait_minutes")]
    manual: bool,
    /// Wait this long before each next batch [default: 0]
    #[arg(long, value_name = "MINUTES")]
    wait_minutes: Option<u32>,
    /// Pods of a first batch of its own, which always waits for a person
    #[arg(long, value_name = "PODS", value_parser = clap::value_parser!(u32).range(1..))]
    gray: Option<u32>,
}

/// What to do when a release fails.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnFailure {
    Rollback,
    Pause,
    Keep,
}

impl Batches {
    /// EDAS's UpdateStrategy; none for one plain batch.
    fn strategy(self) -> Option<String> {
        if self.batches == 1 && self.gray.is_none() {
            return None;
        }
        let mut batch_update = json!({
            "batch": self.batches,
            "releaseType": if self.manual { "manual" } else { "auto" },
        });
        if !self.manual {
            batch_update["batchWaitTime"] = self.wait_minutes.unwrap_or(0).into();
        }
        let mut strategy = json!({
            "type": if self.gray.is_some() { "GrayBatchUpdate" } else { "BatchUpdate" },
            "batchUpdate": batch_update,
        });
        if let Some(gray) = self.gray {
            strategy["grayUpdate"] = json!({ "gray": gray });
        }
        Some(strategy.to_string())
    }
}

impl OnFailure {
    /// As the server's own parameter has it.
    const fn word(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Keep => "keep",
        }
    }
}

/// Starts the release.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments {
        name,
        change,
        batches,
        on_failure,
        batch_timeout,
        description,
        dry_run,
        waiting,
        confirmation,
        connection,
    } = arguments;
    let extra = change.extra.of(OPERATION)?;
    let client = connection.client()?;
    let app = names::app_id(&client, &name.app).await?;
    let mut parameters = vec![("AppId", app.clone())];
    if let Some(number) = &change.version {
        parameters.push(("PackageVersionId", version_id(&client, &app, number).await?));
    }
    parameters.extend(change.image.map(|image| ("Image", image)));
    parameters.extend(environment(&change.environment));
    parameters.extend(batches.strategy().map(|strategy| ("UpdateStrategy", strategy)));
    parameters.extend(on_failure.map(|what| ("OnFailure", what.word().to_owned())));
    parameters.extend(batch_timeout.map(|seconds| ("BatchTimeout", seconds.to_string())));
    parameters.extend(description.map(|text| ("ChangeOrderDesc", text)));
    parameters.extend(extra);
    if dry_run {
        parameters.push(("DryRun", "true".to_owned()));
        let reply = client.call::<Nothing>(OPERATION, parameters).await?;
        return preview::show(&reply.body, connection.output);
    }
    let reply = client.call::<ChangeOrderStarted>(OPERATION, parameters).await?;
    let started = wait::Started {
        order: reply.payload.change_order_id,
        body: reply.body,
        what: format!("Deploying {}", name.app),
    };
    wait::started(&client, started, waiting.until(confirmation), connection.output).await
}

/// The id of the version of this number; both `2` and `v2` are understood.
async fn version_id(client: &Client, app: &str, number: &str) -> anyhow::Result<String> {
    let parameters = vec![("AppId", app.to_owned())];
    let listed = client.call::<ListHistoryDeployVersion>("ListHistoryDeployVersion", parameters).await?;
    let versions = listed.payload.package_version_list;
    let found = versions.into_iter().find(|version| version.id == number || version.package_version == number);
    let found = found
        .with_context(|| format!("there is no version {number}: `sternway version list` shows those that are there"));
    Ok(found?.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Batches = Batches { batches: 1, manual: false, wait_minutes: None, gray: None };

    #[test]
    fn the_strategy_is_the_one_of_the_api() {
        assert_eq!(PLAIN.strategy(), None);
        let manual = Batches { batches: 3, manual: true, ..PLAIN };
        let expected = r#"{"type":"BatchUpdate","batchUpdate":{"batch":3,"releaseType":"manual"}}"#;
        assert_eq!(manual.strategy().unwrap(), expected);
        let gray = Batches { batches: 2, wait_minutes: Some(5), gray: Some(1), ..PLAIN };
        let expected = r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":5},"grayUpdate":{"gray":1}}"#;
        assert_eq!(gray.strategy().unwrap(), expected);
    }
}
