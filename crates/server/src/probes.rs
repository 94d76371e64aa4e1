//! Is the process alive, and can it do its work?

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::server::Shared;

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// The store answers. Clusters do not count: one that is away must not take the API of the others down.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    let store = &shared.engine.ports().store;
    match tokio::time::timeout(shared.config.request_timeout, store.active_orders()).await {
        Ok(Ok(_)) => (StatusCode::OK, "ok\n"),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
        Err(_) => {
            tracing::error!("the store does not answer in time");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time\n")
        }
    }
}
