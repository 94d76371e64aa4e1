//! One connected cluster: its client, its watches, its logs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use kube::Client;
use serde_json::Value;
use sternway_core::observation::Observation;
use sternway_core::ports::{ClusterError, ClusterInfo, NativeObjects};
use sternway_core::precheck::Surroundings;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Options;
use crate::api::{self, Api};
use crate::index::Name;
use crate::kind::Kind;
use crate::logs::{self, Logs};
use crate::nodes;
use crate::reading::{self, Reading};
use crate::rights::{self, Scope};
use crate::signals::Signals;
use crate::surroundings;
use crate::view::View;
use crate::watches;

/// Objects that are read one by one at the same time.
const AT_ONCE: usize = 8;

/// A cluster that has answered once.
pub(crate) struct Connection {
    api: Api,
    scope: Scope,
    view: View,
    logs: Logs,
}

impl Connection {
    /// Asks the cluster who it is and what we may do there, and begins to watch it, until `end` is cancelled.
    pub(crate) async fn open(
        client: Client,
        options: &Options,
        signals: Arc<Signals>,
        tasks: &TaskTracker,
        end: &CancellationToken,
    ) -> Result<(Arc<Self>, ClusterInfo), ClusterError> {
        let api = Api::new(client, options.request_timeout);
        let info = info(&api).await?;
        let scope = rights::check(&api).await?;
        let (requests, waiting) = mpsc::channel(logs::WAITING);
        let connection =
            Arc::new(Self { view: View::new(Arc::clone(&signals)), logs: Logs::new(requests), api, scope });
        for kind in Kind::ALL {
            let (connection, end) = (Arc::clone(&connection), end.clone());
            tasks.spawn(async move {
                let client = connection.api.client().clone();
                let namespace = connection.scope.namespace().map(str::to_owned);
                let watch = watches::watch(client, namespace, kind, &connection.view);
                end.run_until_cancelled(watch).await;
            });
        }
        let (reader, end) = (Arc::clone(&connection), end.clone());
        tasks.spawn(async move {
            let fetch = logs::fetch(&reader.api, waiting, &reader.logs, &signals);
            end.run_until_cancelled(fetch).await;
        });
        Ok((connection, info))
    }

    pub(crate) async fn info(&self) -> Result<ClusterInfo, ClusterError> {
        info(&self.api).await
    }

    pub(crate) async fn namespaces(&self) -> Result<Vec<String>, ClusterError> {
        let namespaces = match (&self.scope, self.api.list("/api/v1/namespaces").await) {
            (Scope::Namespace(only), Err(error)) if error.is_status(StatusCode::FORBIDDEN) => {
                return Ok(vec![only.clone()]);
            }
            (_, answer) => answer?,
        };
        let staying = namespaces
            .iter()
            .filter(|namespace| namespace["status"]["phase"] != "Terminating")
            .filter_map(|namespace| namespace["metadata"]["name"].as_str());
        Ok(staying.map(str::to_owned).collect())
    }

    /// The workload as the watches last saw it.
    pub(crate) fn observe(&self, name: &Name) -> Result<Observation, ClusterError> {
        self.check_scope(name)?;
        self.view.observe(name, |crashed| self.logs.last(crashed))
    }

    /// The workload read now, with the logs that are known.
    pub(crate) async fn read(&self, name: &Name) -> Result<Observation, ClusterError> {
        let reading = self.fresh(name).await?;
        Ok(reading.index().observe(name, |crashed| self.logs.last(crashed)))
    }

    pub(crate) async fn native(&self, name: &Name, with_nodes: bool) -> Result<NativeObjects, ClusterError> {
        let mut native = self.fresh(name).await?.into_native();
        if with_nodes {
            native.node_labels = self.node_labels(&native.pods).await?;
        }
        Ok(native)
    }

    /// What stands around the workload; nothing where there is no Deployment.
    pub(crate) async fn surroundings(&self, name: &Name) -> Result<Surroundings, ClusterError> {
        match self.fresh(name).await?.into_native().deployment {
            Some(deployment) => surroundings::read(&self.api, name, &deployment).await,
            None => Ok(Surroundings::default()),
        }
    }

    pub(crate) async fn fresh(&self, name: &Name) -> Result<Reading, ClusterError> {
        self.check_scope(name)?;
        Ok(reading::read(&self.api, name).await?)
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    fn check_scope(&self, name: &Name) -> Result<(), ClusterError> {
        match &self.scope {
            Scope::Namespace(only) if *only != name.namespace => Err(ClusterError::Forbidden(format!(
                "the credentials of this cluster are good for namespace {only} only, not for {}",
                name.namespace
            ))),
            Scope::Cluster | Scope::Namespace(_) => Ok(()),
        }
    }

    /// The labels of the nodes that pods are on; empty for nodes that are gone or that we may not read.
    async fn node_labels(&self, pods: &[Value]) -> Result<BTreeMap<String, BTreeMap<String, String>>, ClusterError> {
        let names: BTreeSet<String> =
            pods.iter().filter_map(|pod| pod["spec"]["nodeName"].as_str().map(str::to_owned)).collect();
        let labels = stream::iter(names).map(|name| async move {
            let path = format!("/api/v1/nodes/{}", api::encoded(&name));
            let node = match self.api.find(&path).await {
                Err(error) if error.is_status(StatusCode::FORBIDDEN) => None,
                answer => answer?,
            };
            let labels = node.map(|node| crate::reduce::selector::labels(&node["metadata"]["labels"]));
            Ok((name, labels.unwrap_or_default()))
        });
        labels.buffer_unordered(AT_ONCE).try_collect().await
    }
}

async fn info(api: &Api) -> Result<ClusterInfo, ClusterError> {
    let version = api.get("/version").await?;
    let nodes = match api.list("/api/v1/nodes").await {
        // Nodes are of interest, not of need.
        Err(error) if error.is_status(StatusCode::FORBIDDEN) => Vec::new(),
        answer => answer?,
    };
    let version = version["gitVersion"].as_str().unwrap_or_default();
    Ok(nodes::summary(version.to_owned(), &nodes))
}

#[cfg(test)]
mod tests;
