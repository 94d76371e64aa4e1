//! Which path goes where: the three of operations, and all the rest to EDAS.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::server::Shared;
use crate::{dispatch, metrics, probes};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(probes::alive))
        .route("/readyz", get(probes::ready))
        .route("/metrics", get(metrics::expose))
        .fallback(dispatch::dispatch)
        .with_state(shared)
}
