//! A request as the handlers see it: signed by someone, allowed, its parameters decoded.

use std::sync::Arc;

use axum::http::HeaderMap;
use jiff::Timestamp;
use sternway_access::{Action, Resource};
use sternway_core::application::Application;
use sternway_core::ids::{AppId, OrderId};
use sternway_core::order::{Actor, Order};
use sternway_core::ports::{ClusterRecord, Clusters, Objects, Records, Store};
use sternway_engine::{CommandError, Engine};
use sternway_wire::codes::Source;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::parameters::Parameters;
use sternway_wire::time_text;

use crate::authentication::Caller;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::permission::{Permit, scope};
use crate::server::Shared;

/// The Jenkins plugin says here what it is.
const DEPLOY_SOURCE: &str = "x-edas-deploy-source";
/// A name for the record, not a story.
const LONGEST_SOURCE: usize = 64;
const LONGEST_TIMEOUT_SECONDS: i64 = 86_400;

/// The names by which one request is found again.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    /// Upper-case UUID: EDAS's RequestId.
    pub(crate) request: String,
    /// What the log and the answers of the Abort* family carry.
    pub(crate) trace: String,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) parameters: Parameters,
    pub(crate) caller: Caller,
    /// What the caller may do.
    pub(crate) permit: Permit,
    /// Where the request came from.
    pub(crate) origin: Origin,
    pub(crate) ids: Ids,
    pub(crate) region: String,
    pub(crate) source: String,
    /// The name by which the client reached us; empty if it named none.
    pub(crate) host: String,
}

impl Call {
    pub(crate) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.engine().ports().store.as_ref()
    }

    pub(crate) fn records(&self) -> &dyn Records {
        self.engine().ports().records.as_ref()
    }

    pub(crate) fn objects(&self) -> &dyn Objects {
        self.engine().ports().objects.as_ref()
    }

    pub(crate) fn clusters(&self) -> &dyn Clusters {
        self.engine().ports().clusters.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine().ports().clock.now()
    }

    /// A time as answers show it.
    pub(crate) fn time_text(&self, at: Timestamp) -> String {
        time_text::local(at, self.shared.config.utc_offset)
    }

    /// Waits for a command of the engine, unless the server is cut off meanwhile: whether it was accepted is then found in the store.
    pub(crate) async fn command<T>(
        &self,
        command: impl Future<Output = Result<T, CommandError>> + Send,
    ) -> Result<T, Failure> {
        match self.shared.cut_off.run_until_cancelled(command).await {
            Some(outcome) => Ok(outcome?),
            None => Err(GatewayError::unavailable("it is shutting down").into()),
        }
    }

    /// Who asks, for the record of an order.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            user: self.caller.user.clone(),
            behind: self.caller.session.as_ref().map(|session| session.user.clone()),
            source: self.source.clone(),
            trace_id: self.ids.trace.clone(),
        }
    }

    /// Whether the caller may see this application in a list.
    pub(crate) fn may_read_app(&self, app: &Application) -> bool {
        self.permit.allows(Action::ReadApplication, &scope::resource_of(app))
    }

    /// Whether the caller may see this cluster in a list.
    pub(crate) fn may_read_cluster(&self, cluster: &ClusterRecord) -> bool {
        self.permit.allows(Action::ReadCluster, &Resource::cluster(Some(&cluster.region), cluster.id))
    }

    /// The id in the parameter AppId; what cannot be an id does not exist.
    pub(crate) fn app_id(&self) -> Result<AppId, Failure> {
        let text = self.parameters.required("AppId", "the id of an application")?;
        let unknown = |_| BusinessError::application_not_found(text);
        Ok(text.parse().map_err(unknown)?)
    }

    /// The application that the parameter AppId names.
    pub(crate) async fn app(&self) -> Result<Application, Failure> {
        let id = self.app_id()?;
        let unknown = || BusinessError::application_not_found(&id.to_string());
        Ok(self.store().app(id).await?.ok_or_else(unknown)?)
    }

    /// The id in the parameter ChangeOrderId.
    pub(crate) fn order_id(&self) -> Result<OrderId, Failure> {
        let text = self.parameters.required("ChangeOrderId", "the id of a change order")?;
        let unknown = |_| BusinessError::change_order_not_found(text);
        Ok(text.parse().map_err(unknown)?)
    }

    /// The order that the parameter ChangeOrderId names.
    pub(crate) async fn order(&self) -> Result<Order, Failure> {
        let id = self.order_id()?;
        let unknown = || BusinessError::change_order_not_found(&id.to_string());
        Ok(self.store().order(id).await?.ok_or_else(unknown)?)
    }

    /// A cluster by our id or by the one it has outside (CsClusterId).
    pub(crate) async fn find_cluster(&self, id: &str) -> Result<Option<ClusterRecord>, Failure> {
        if let Ok(id) = id.parse()
            && let Some(cluster) = self.store().cluster(id).await?
        {
            return Ok(Some(cluster));
        }
        let all = self.store().clusters().await?;
        Ok(all.into_iter().find(|cluster| cluster.cs_cluster_id == id))
    }

    /// The cluster that the parameter ClusterId names.
    pub(crate) async fn cluster(&self) -> Result<ClusterRecord, Failure> {
        let text = self.parameters.required("ClusterId", "the id of a cluster")?;
        let unknown = || BusinessError::cluster_not_found(text);
        Ok(self.find_cluster(text).await?.ok_or_else(unknown)?)
    }

    /// Seconds from a parameter, or the configured default.
    pub(crate) fn timeout_seconds(&self, name: &str) -> Result<u32, Failure> {
        let given = self.parameters.integer(name, 1..=LONGEST_TIMEOUT_SECONDS)?;
        let default = self.shared.config.change_timeout_seconds;
        Ok(given.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(default))
    }

    /// A number of pods.
    pub(crate) fn replicas(&self, least: i64) -> Result<Option<u32>, Failure> {
        let given = self.parameters.integer("Replicas", least..=MOST_REPLICAS)?;
        Ok(given.and_then(|replicas| u32::try_from(replicas).ok()))
    }
}

/// More than any Deployment has; far from where sums of 32 bits end.
const MOST_REPLICAS: i64 = 100_000;

/// The region that a request is about: the SDKs name it in four places, this is their precedence.
pub(crate) fn region(parameters: &Parameters, headers: &HeaderMap, default: &str) -> String {
    let header = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|value| !value.is_empty())
    };
    let from_host = || {
        let host = header("host")?;
        host.strip_prefix("edas.")?.split('.').next().filter(|label| label.contains('-'))
    };
    let named = parameters
        .optional("RegionId")
        .ok()
        .flatten()
        .or_else(|| header("x-acs-region-id"))
        .or_else(|| header("regionid"))
        .or_else(from_host);
    named.unwrap_or(default).to_owned()
}

/// What the client calls itself, `pop` if it does not.
pub(crate) fn source(headers: &HeaderMap) -> String {
    let named = headers.get(DEPLOY_SOURCE).and_then(|value| value.to_str().ok());
    named.filter(|name| !name.is_empty() && name.len() <= LONGEST_SOURCE).unwrap_or(Source::Api.code()).to_owned()
}
