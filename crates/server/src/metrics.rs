//! What the edge counts, in a registry of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sternway_core::ports::{Store, StoreError};
use sternway_notifications::Meters;

use crate::server::Shared;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// From a read of the store to the longest that clients wait.
const BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    action: &'static str,
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    reason: String,
}

/// The metrics and their registry.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<ActionLabels, Histogram>,
    active_orders: Family<KindLabels, Gauge>,
    refused: Family<ReasonLabels, Counter>,
}

impl Metrics {
    pub(crate) fn new(notifications: &Meters) -> Self {
        let mut registry = Registry::with_prefix("sternway");
        let requests = Family::default();
        let durations = Family::<ActionLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let active_orders = Family::default();
        let refused = Family::default();
        registry.register("requests", "Requests by operation and Code", requests.clone());
        registry.register("request_duration_seconds", "Time from headers to answer by operation", durations.clone());
        registry.register(
            "active_change_orders",
            "Change orders that are not finished, by CoTypeCode",
            active_orders.clone(),
        );
        registry.register(
            "authentication_failures",
            "Requests refused before they became an operation, by Code",
            refused.clone(),
        );
        notifications.register(&mut registry);
        Self { registry, requests, durations, active_orders, refused }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, action: &'static str, code: &str, took: Duration) {
        let code = code.to_owned();
        self.requests.get_or_create(&RequestLabels { action, code }).inc();
        self.durations.get_or_create(&ActionLabels { action }).observe(took.as_secs_f64());
    }

    /// A request did not prove who sent it.
    pub(crate) fn refused(&self, code: &str) {
        let reason = code.to_owned();
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    async fn count_active_orders(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut counts: HashMap<&'static str, i64> = HashMap::new();
        for id in store.active_orders().await? {
            if let Some(order) = store.order(id).await? {
                *counts.entry(order.kind.code()).or_default() += 1;
            }
        }
        self.active_orders.clear();
        for (kind, count) in counts {
            self.active_orders.get_or_create(&KindLabels { kind }).set(count);
        }
        Ok(())
    }
}

/// `/metrics`
pub(crate) async fn expose(
    State(shared): State<Arc<Shared>>,
) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    let metrics = &shared.metrics;
    let store = shared.engine.ports().store.as_ref();
    if let Err(error) = metrics.count_active_orders(store).await {
        // What the edge itself counted is still worth telling.
        tracing::error!(error = &error as &dyn std::error::Error, "active orders could not be counted");
    }
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, TEXT)], text))
}
