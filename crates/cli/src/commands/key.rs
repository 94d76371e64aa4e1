//! `sternway key`: access keys. They are asked of the server that uses the data directory; where none does, the directory is opened: whoever can read that
//! owns the server anyway, and gets in again without a key.

mod record;
mod rotate;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use sternway_core::ports::{AccessKey, Store as _};
use sternway_store::{OpenError, SqliteStore};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{CreateAccessKey, ListAccessKeys};

use self::record::{entry, recorded};
use crate::arguments::{Connection, DEFAULT_DATA, Form};
use crate::client::{Client, Credentials};
use crate::compose;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with access keys.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "These commands ask the server. Where no server uses the data directory, they open it themselves."
)]
pub(crate) enum Command {
    /// Create an access key, and print it with its secret, which is never shown again
    Create(CreateArguments),
    /// List the access keys
    List(ListArguments),
    /// Stop accepting requests signed with a key
    Disable(KeyArguments),
    /// Accept a disabled key again
    Enable(KeyArguments),
    /// Delete a key
    Delete(KeyArguments),
    /// Create another key for the user of a key, print it, and disable the old one
    Rotate(KeyArguments),
    /// Seal all secrets by a new master key, with the server stopped; the old one opens nothing afterwards
    RotateMaster(DataArguments),
}

/// Which data directory.
#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    /// The server's data directory
    #[arg(long, value_name = "DIR", env = "STERNWAY_DATA", hide_env_values = true, default_value = DEFAULT_DATA)]
    data: PathBuf,
}

/// See `create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// Whose key it is [default: that of the key that asks; the root user without a server]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// What the key is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    #[command(flatten)]
    connection: Connection,
}

/// See [`list`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only the keys of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// A key by id.
#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// The key's id
    #[arg(value_name = "ACCESS_KEY_ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Who is asked.
enum Place {
    Server(Client),
    Directory(SqliteStore),
}

/// A key as it is listed.
struct Listed {
    id: String,
    enabled: bool,
    user: String,
    description: String,
    created: String,
    last_used: String,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Create(CreateArguments { user, description, connection }) => {
            with_place(&connection, async |place| {
                let credentials = place.create(user.as_deref(), &description).await?;
                print(&credentials, connection.output)
            })
            .await
        }
        Command::List(ListArguments { user, connection }) => {
            with_place(&connection, async |place| list(place, user.as_deref(), connection.output).await).await
        }
        Command::Disable(KeyArguments { id, connection }) => {
            with_place(&connection, async |place| set(place, &id, false).await).await
        }
        Command::Enable(KeyArguments { id, connection }) => {
            with_place(&connection, async |place| set(place, &id, true).await).await
        }
        Command::Delete(KeyArguments { id, connection }) => {
            with_place(&connection, async |place| {
                place.delete(&id).await?;
                output::say(&format!("{id} is deleted."));
                Ok(())
            })
            .await
        }
        Command::Rotate(KeyArguments { id, connection }) => {
            with_place(&connection, async |place| {
                let keys = place.list(None).await?;
                let old = keys.into_iter().find(|key| key.id == id).ok_or_else(|| unknown(&id))?;
                let credentials = place.create(Some(&old.user), &old.description).await?;
                // Printed first: should disabling fail, both are good, and the new one is not lost.
                print(&credentials, connection.output)?;
                set(place, &id, false).await
            })
            .await
        }
        Command::RotateMaster(DataArguments { data }) => rotate::run(&data).await,
    }
}

/// Finds whom to ask, acts, and closes what was opened whatever came of it.
async fn with_place(
    connection: &Connection,
    act: impl AsyncFnOnce(&Place) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let opened = if compose::is_data_directory(connection.data()) {
        compose::open_existing(connection.data()).await.map(Some)
    } else {
        Ok(None)
    };
    let (place, in_use) = match opened {
        Ok(Some(store)) => (Place::Directory(store), None),
        Ok(None) => (Place::Server(connection.client()?), None),
        Err(error) if matches!(error.downcast_ref(), Some(OpenError::Locked { .. })) => {
            (Place::Server(connection.client()?), Some(error.to_string()))
        }
        Err(error) => return Err(error),
    };
    let acted = act(&place).await;
    if let Place::Directory(store) = &place {
        store.close().await;
    }
    match in_use {
        Some(in_use) => acted.map_err(|error| error.context(in_use))?,
        None => acted?,
    }
    Ok(Outcome::Succeeded)
}

impl Place {
    async fn create(&self, user: Option<&str>, description: &str) -> anyhow::Result<Credentials> {
        match self {
            Self::Server(client) => {
                let mut parameters = vec![("Description", description.to_owned())];
                parameters.extend(user.map(|user| ("UserName", user.to_owned())));
                let made = client.call::<CreateAccessKey>("CreateAccessKey", parameters).await?.payload;
                Ok(Credentials::permanent(made.access_key_id, made.access_key_secret))
            }
            Self::Directory(store) => {
                let credentials = compose::fresh_key();
                let key = compose::access_key(credentials.clone(), description);
                let is_root = user.is_none_or(|user| user == key.user);
                anyhow::ensure!(
                    is_root,
                    "without a server only keys of the root user can be made: start the server first"
                );
                let mut entry = entry("CreateAccessKey", &[("UserName", &key.user)]);
                entry.results.insert("AccessKeyId".to_owned(), key.id.clone());
                recorded(store, entry, async {
                    store.insert_key(key).await?;
                    Ok(credentials)
                })
                .await
            }
        }
    }

    async fn list(&self, user: Option<&str>) -> anyhow::Result<Vec<Listed>> {
        match self {
            Self::Server(client) => {
                let parameters = user.map(|user| ("UserName", user.to_owned())).into_iter().collect();
                let keys = client.call::<ListAccessKeys>("ListAccessKeys", parameters).await?.payload.access_keys;
                let listed = keys.into_iter().map(|key| Listed {
                    id: key.access_key_id,
                    enabled: key.status == "Active",
                    user: key.user_name,
                    description: key.description,
                    created: key.create_date,
                    last_used: key.last_used_date,
                });
                Ok(listed.collect())
            }
            Self::Directory(store) => {
                let mut keys = store.keys().await?;
                keys.retain(|key| user.is_none_or(|user| user == key.user));
                let listed =
                    keys.into_iter().map(|AccessKey { id, user, enabled, description, created_at, secret: _ }| {
                        let created = created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                        Listed { id, enabled, user, description, created, last_used: String::new() }
                    });
                Ok(listed.collect())
            }
        }
    }

    async fn set_enabled(&self, id: &str, enabled: bool) -> anyhow::Result<()> {
        match self {
            Self::Server(client) => {
                let status = if enabled { "Active" } else { "Inactive" };
                let parameters = vec![("UserAccessKeyId", id.to_owned()), ("Status", status.to_owned())];
                client.call::<Nothing>("UpdateAccessKey", parameters).await?;
            }
            Self::Directory(store) => {
                let status = if enabled { "Active" } else { "Inactive" };
                let entry = entry("UpdateAccessKey", &[("Status", status), ("UserAccessKeyId", id)]);
                recorded(store, entry, async {
                    anyhow::ensure!(store.set_key_enabled(id, enabled).await?, unknown(id));
                    Ok(())
                })
                .await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> anyhow::Result<()> {
        match self {
            Self::Server(client) => {
                client.call::<Nothing>("DeleteAccessKey", vec![("UserAccessKeyId", id.to_owned())]).await?;
            }
            Self::Directory(store) => {
                let entry = entry("DeleteAccessKey", &[("UserAccessKeyId", id)]);
                recorded(store, entry, async {
                    anyhow::ensure!(store.delete_key(id).await?, unknown(id));
                    Ok(())
                })
                .await?;
            }
        }
        Ok(())
    }
}

fn unknown(id: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no access key {id}: `sternway key list` shows those that are there")
}

fn print(credentials: &Credentials, form: Form) -> anyhow::Result<()> {
    match form {
        Form::Json => output::json(&serde_json::to_value(credentials)?)?,
        Form::Text => output::text(&output::details(&[
            ("AccessKeyId", credentials.id.clone()),
            ("AccessKeySecret", credentials.secret.reveal().to_owned()),
        ]))?,
    }
    Ok(())
}

async fn list(place: &Place, user: Option<&str>, form: Form) -> anyhow::Result<()> {
    let keys = place.list(user).await?;
    if form == Form::Json {
        let shown: Vec<_> = keys
            .iter()
            .map(|Listed { id, enabled, user, description, created, last_used }| {
                json!({ "AccessKeyId": id, "User": user, "Enabled": enabled, "Description": description, "Created": created, "LastUsed": last_used })
            })
            .collect();
        output::json(&shown.into())?;
        return Ok(());
    }
    let mut table =
        Table::new(["ACCESS KEY ID", "STATE", "USER", "CREATED", "LAST USED", "DESCRIPTION"], "no access keys");
    for key in keys {
        let state = if key.enabled { "enabled" } else { "disabled" };
        table.row([key.id, state.to_owned(), key.user, key.created, key.last_used, key.description]);
    }
    output::text(&table.text())?;
    Ok(())
}

async fn set(place: &Place, id: &str, enabled: bool) -> anyhow::Result<()> {
    place.set_enabled(id, enabled).await?;
    output::say(&format!("{id} is {}.", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}
