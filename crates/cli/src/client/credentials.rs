//! The access key to sign with: from the environment, or from the file that a server's first start writes.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sternway_core::ports::Secret;

/// The file in the data directory that holds the first key.
pub(crate) const ROOT_KEY_FILE: &str = "root-access-key.json";

/// As the SDKs' documentation names them.
const ID_VARIABLE: &str = "ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "ACCESS_KEY_SECRET";
/// Only looked at beside the two others.
const TOKEN_VARIABLE: &str = "SECURITY_TOKEN";

/// An access key, in the form of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credentials {
    #[serde(rename = "AccessKeyId")]
    pub(crate) id: String,
    #[serde(rename = "AccessKeySecret")]
    pub(crate) secret: Secret,
    /// Without it a temporary key is worth nothing.
    #[serde(rename = "SecurityToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Secret>,
}

impl Credentials {
    /// A key that needs no token.
    pub(crate) fn permanent(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: Secret::new(secret), token: None }
    }

    /// The environment's key, else the one of the data directory.
    pub(crate) fn find(data: &Path) -> anyhow::Result<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (variable(ID_VARIABLE), variable(SECRET_VARIABLE)) {
            (Some(id), Some(secret)) => {
                Ok(Self { token: variable(TOKEN_VARIABLE).map(Secret::new), ..Self::permanent(id, secret) })
            }
            (None, None) => Self::read(data),
            (Some(_), None) => {
                bail!("{ID_VARIABLE} is set and {SECRET_VARIABLE} is not: set both, or none")
            }
            (None, Some(_)) => {
                bail!("{SECRET_VARIABLE} is set and {ID_VARIABLE} is not: set both, or none")
            }
        }
    }

    /// The key that the first start of a server left in its data directory.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(ROOT_KEY_FILE);
        let text = std::fs::read(&path).with_context(|| {
            format!(
                "no access key: set {ID_VARIABLE} and {SECRET_VARIABLE}, or name the server's data directory with --data ({} cannot be read)",
                path.display()
            )
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no access key file", path.display()))
    }
}
