//! The sandbox as any Kubernetes client sees it: the demo's way to look past Sternway.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Where the demo's application lives.
pub(super) const NAMESPACE: &str = "default";

/// A Kubernetes API over plain HTTP.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    http: reqwest::Client,
    root: String,
}

/// One event of a watch.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) object: Value,
}

impl Cluster {
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build().context("cannot set up HTTP")?;
        Ok(Self { http, root: format!("http://{address}") })
    }

    /// A Deployment as it is now.
    pub(super) async fn deployment(&self, name: &str) -> anyhow::Result<Value> {
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}");
        let text = self.get(&path).await?.text().await?;
        serde_json::from_str(&text).context("the cluster answered with no JSON")
    }

    /// A watch of all pods of the namespace: those that are there, and then whatever happens to any.
    pub(super) async fn watch_pods(&self) -> anyhow::Result<Events> {
        let response = self.get(&format!("/api/v1/namespaces/{NAMESPACE}/pods?watch=true")).await?;
        Ok(Events { response, buffer: Vec::new() })
    }

    async fn get(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        let response =
            self.http.get(format!("{}{path}", self.root)).send().await.context("the cluster does not answer")?;
        ensure!(response.status().is_success(), "the cluster answered {} to GET {path}", response.status());
        Ok(response)
    }
}

/// The events of a watch, as they come.
#[derive(Debug)]
pub(super) struct Events {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Events {
    /// The next event; `None` when the watch has ended.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line).context("the watch sent no JSON")?));
            }
            match self.response.chunk().await.context("the watch broke off")? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}
