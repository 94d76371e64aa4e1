//! Which path goes where: the three of operations, packages for pods, and all the rest to EDAS or to uploads.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::packages::{download, link, upload};
use crate::server::Shared;
use crate::{metrics, probes};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(probes::alive))
        .route("/readyz", get(probes::ready))
        .route("/metrics", get(metrics::expose))
        .route(link::PATH, get(download::download))
        .fallback(upload::or_dispatch)
        .with_state(shared)
}
