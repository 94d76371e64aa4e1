//! `sternway key`: access keys, directly in a server's data directory: whoever can read that owns the server anyway.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use sternway_core::ports::{AccessKey, Store as _};
use sternway_store::SqliteStore;

use crate::arguments::{DEFAULT_DATA, Form};
use crate::compose;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with access keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "These commands need the data directory for themselves: stop the server that uses it first.")]
pub(crate) enum Command {
    /// Create an access key, and print it with its secret, which is never shown again
    Create(CreateArguments),
    /// List the access keys
    List(Directory),
    /// Stop accepting requests signed with a key
    Disable(KeyArguments),
    /// Accept a disabled key again
    Enable(KeyArguments),
}

/// Which data directory, and how to print.
#[derive(Debug, Args)]
pub(crate) struct Directory {
    /// The server's data directory
    #[arg(long, value_name = "DIR", env = "STERNWAY_DATA", hide_env_values = true, default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// What to print: text for people, or JSON
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Form,
}

/// See [`create`].
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// What the key is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    #[command(flatten)]
    directory: Directory,
}

/// A key by id.
#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// The key's id
    #[arg(value_name = "ACCESS_KEY_ID")]
    id: String,
    #[command(flatten)]
    directory: Directory,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Create(CreateArguments { description, directory }) => {
            with_store(&directory, async |store| create(store, &description, directory.output).await).await
        }
        Command::List(directory) => with_store(&directory, async |store| list(store, directory.output).await).await,
        Command::Disable(KeyArguments { id, directory }) => {
            with_store(&directory, async |store| set(store, &id, false).await).await
        }
        Command::Enable(KeyArguments { id, directory }) => {
            with_store(&directory, async |store| set(store, &id, true).await).await
        }
    }
}

/// Opens the store, acts, and closes it whatever came of it.
async fn with_store(
    directory: &Directory,
    act: impl AsyncFnOnce(&SqliteStore) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let store = compose::open_existing(&directory.data).await?;
    let acted = act(&store).await;
    store.close().await;
    acted.map(|()| Outcome::Succeeded)
}

async fn create(store: &SqliteStore, description: &str, form: Form) -> anyhow::Result<()> {
    let credentials = compose::fresh_key();
    store.insert_key(compose::access_key(credentials.clone(), description)).await?;
    match form {
        Form::Json => output::json(&serde_json::to_value(&credentials)?)?,
        Form::Text => output::text(&output::details(&[
            ("AccessKeyId", credentials.id),
            ("AccessKeySecret", credentials.secret.reveal().to_owned()),
        ]))?,
    }
    Ok(())
}

async fn list(store: &SqliteStore, form: Form) -> anyhow::Result<()> {
    let keys = store.keys().await?;
    if form == Form::Json {
        let shown: Vec<_> = keys
            .iter()
            .map(|AccessKey { id, user, enabled, description, created_at, secret: _ }| {
                json!({ "AccessKeyId": id, "User": user, "Enabled": enabled, "Description": description, "Created": created_at })
            })
            .collect();
        output::json(&shown.into())?;
        return Ok(());
    }
    let mut table = Table::new(["ACCESS KEY ID", "STATE", "USER", "CREATED", "DESCRIPTION"], "no access keys");
    for key in keys {
        let state = if key.enabled { "enabled" } else { "disabled" };
        let created = output::moment(key.created_at.as_millisecond());
        table.row([key.id, state.to_owned(), key.user, created, key.description]);
    }
    output::text(&table.text())?;
    Ok(())
}

async fn set(store: &SqliteStore, id: &str, enabled: bool) -> anyhow::Result<()> {
    let is_there = store.set_key_enabled(id, enabled).await?;
    anyhow::ensure!(is_there, "there is no access key {id}: `sternway key list` shows those that are there");
    output::say(&format!("{id} is {}.", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}
