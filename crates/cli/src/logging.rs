//! Logs, on stderr: lines for people, or JSON for collectors.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::output;

/// What to log, and how.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Logs")]
#[group(id = "logging")]
pub(crate) struct LogArguments {
    /// What to log, such as `warn` or `info,sternway_engine=debug` [default: info]
    #[arg(long, value_name = "FILTER", env = "STERNWAY_LOG", hide_env_values = true)]
    pub(crate) log: Option<String>,
    /// The form of log lines: text for people, or one JSON object a line [default: text]
    #[arg(long, value_enum, value_name = "FORM", env = "STERNWAY_LOG_FORMAT", hide_env_values = true)]
    pub(crate) log_format: Option<Format>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// Starts logging; answers with how to say what an operator must see whatever is logged.
pub(crate) fn start(filter: &str, format: Format) -> anyhow::Result<Talk> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log: `{filter}` is no filter"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Text => builder.with_ansi(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(Talk { format })
}

/// Says things to the operator in the form of the log, so that a collector of JSON never meets a plain line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    format: Format,
}

impl Talk {
    /// Says a line.
    pub(crate) fn say(self, line: &str) {
        match self.format {
            Format::Text => output::say(line),
            Format::Json => tracing::info!("{line}"),
        }
    }
}
