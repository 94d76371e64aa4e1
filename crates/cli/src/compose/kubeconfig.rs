//! One context of a kubeconfig, made self-contained: what `kubectl config view --minify --flatten --raw` prints.
//!
//! The server keeps kubeconfigs in its store, so files that one refers to are put into it. What a kubeconfig would run
//! (`exec`, `auth-provider`) stays as it is: whether that is allowed is decided where clients are made.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_yaml_ng::{Mapping, Value};
use sternway_core::ports::Secret;

/// A context of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The context's name.
    pub(crate) context: String,
    /// The API server's address.
    pub(crate) server: String,
    /// A kubeconfig with this context alone.
    pub(crate) text: Secret,
}

impl Chosen {
    /// Reads a file and chooses a context of it: the given one, or the current one.
    pub(crate) fn read(path: &Path, context: Option<&str>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder, context)
            .with_context(|| format!("{} is no kubeconfig that can be used", path.display()))
    }

    fn parse(text: &str, folder: &Path, context: Option<&str>) -> anyhow::Result<Self> {
        let whole: Value = serde_yaml_ng::from_str(text)?;
        let name = match context {
            Some(name) => name,
            None => whole["current-context"]
                .as_str()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| anyhow!("it has no current context: name one with --context"))?,
        };
        let context = entry(&whole, "contexts", "context", name)?;
        let of_context =
            |what: &str| context[what].as_str().ok_or_else(|| anyhow!("its context {name} names no {what}"));
        let (cluster_name, user_name) = (of_context("cluster")?, of_context("user")?);
        let mut cluster = entry(&whole, "clusters", "cluster", cluster_name)?;
        let mut user = entry(&whole, "users", "user", user_name)?;
        inline(&mut cluster, folder, &["certificate-authority"])?;
        inline(&mut user, folder, &["client-certificate", "client-key"])?;
        inline_token(&mut user, folder)?;
        let server =
            cluster["server"].as_str().ok_or_else(|| anyhow!("its cluster {cluster_name} has no server"))?.to_owned();
        let mut alone = Mapping::new();
        for (key, value) in [
            ("apiVersion", Value::from("v1")),
            ("kind", Value::from("Config")),
            ("current-context", Value::from(name)),
            ("contexts", named(name, "context", context.clone())),
            ("clusters", named(cluster_name, "cluster", cluster)),
            ("users", named(user_name, "user", user)),
        ] {
            alone.insert(Value::from(key), value);
        }
        Ok(Self { context: name.to_owned(), server, text: Secret::new(serde_yaml_ng::to_string(&alone)?) })
    }

    /// What makes it the same cluster when its credentials change: who it is to whoever wrote the file, and where it is.
    pub(crate) fn identity(&self) -> String {
        format!("{}@{}", self.context, self.server)
    }
}

/// The entry of that name in one of the three lists; an entry that is null (a user without credentials) is empty.
fn entry(whole: &Value, list: &str, key: &str, name: &str) -> anyhow::Result<Value> {
    let entries = whole[list].as_sequence().map(Vec::as_slice).unwrap_or_default();
    let found = entries.iter().find(|entry| entry["name"].as_str() == Some(name));
    let found = &found.ok_or_else(|| anyhow!("it has no {key} {name}"))?[key];
    match found {
        Value::Null => Ok(Value::Mapping(Mapping::new())),
        Value::Mapping(_) => Ok(found.clone()),
        _ => bail!("its {key} {name} is malformed"),
    }
}

fn named(name: &str, key: &str, value: Value) -> Value {
    let mut entry = Mapping::new();
    entry.insert(Value::from("name"), Value::from(name));
    entry.insert(Value::from(key), value);
    Value::Sequence(vec![Value::Mapping(entry)])
}

/// Replaces `field`, which names a file, by `field-data`, which holds it.
fn inline(entry: &mut Value, folder: &Path, fields: &[&str]) -> anyhow::Result<()> {
    let Value::Mapping(entry) = entry else {
        return Ok(());
    };
    for field in fields {
        let Some(Value::String(file)) = entry.remove(*field) else {
            continue;
        };
        let path = folder.join(file);
        let content = std::fs::read(&path).with_context(|| format!("its {field} {} cannot be read", path.display()))?;
        entry.insert(Value::from(format!("{field}-data")), Value::from(BASE64.encode(content)));
    }
    Ok(())
}

fn inline_token(user: &mut Value, folder: &Path) -> anyhow::Result<()> {
    let Value::Mapping(user) = user else {
        return Ok(());
    };
    let Some(Value::String(file)) = user.remove("tokenFile") else {
        return Ok(());
    };
    let path = folder.join(file);
    let token =
        std::fs::read_to_string(&path).with_context(|| format!("its tokenFile {} cannot be read", path.display()))?;
    user.insert(Value::from("token"), Value::from(token.trim()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
current-context: a
contexts:
- {name: a, context: {cluster: one, user: me, namespace: shop}}
- {name: b, context: {cluster: two, user: nobody}}
clusters:
- {name: one, cluster: {server: 'https://one', certificate-authority: ca.pem}}
- {name: two, cluster: {server: 'http://two'}}
users:
- {name: me, user: {tokenFile: token}}
- {name: nobody}
";

    #[test]
    fn the_current_context_comes_alone_and_self_contained() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), "PEM").unwrap();
        std::fs::write(folder.path().join("token"), "secret\n").unwrap();
        std::fs::write(folder.path().join("config"), TWO).unwrap();
        let chosen = Chosen::read(&folder.path().join("config"), None).unwrap();
        assert_eq!(chosen.identity(), "a@https://one");
        let alone: Value = serde_yaml_ng::from_str(chosen.text.reveal()).unwrap();
        assert_eq!(alone["clusters"][0]["cluster"]["certificate-authority-data"], Value::from("UEVN"));
        assert_eq!(alone["users"][0]["user"]["token"], Value::from("secret"));
        assert_eq!(alone["contexts"][0]["context"]["namespace"], Value::from("shop"));
        assert_eq!(alone["contexts"].as_sequence().unwrap().len(), 1);
        assert!(!chosen.text.reveal().contains("ca.pem"));
    }

    #[test]
    fn another_context_can_be_chosen() {
        let chosen = Chosen::parse(TWO, Path::new(""), Some("b")).unwrap();
        assert_eq!((chosen.context.as_str(), chosen.server.as_str()), ("b", "http://two"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, context, expected) in [
            ("{}", None, "no current context"),
            (TWO, Some("c"), "no context c"),
            ("{current-context: a, contexts: [{name: a, context: {cluster: x, user: y}}]}", None, "no cluster x"),
            (TWO, None, "ca.pem cannot be read"),
        ] {
            let error = Chosen::parse(text, Path::new("/nowhere"), context).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
