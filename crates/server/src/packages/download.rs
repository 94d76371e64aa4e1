//! `GET /packages/...`: a package for whoever holds a link to it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use sternway_core::ids::AppId;
use sternway_core::ports::StoreError;
use sternway_core::template::package::Package;
use sternway_packages::{Digest, PackageError};

use super::PackageService;
use super::link::Link;
use crate::server::Shared;

/// All that there are: any of them may be gone back to.
const ALL_VERSIONS: u32 = u32::MAX;

#[derive(Debug, Deserialize)]
pub(crate) struct Signed {
    #[serde(default)]
    signature: String,
    expires: Option<i64>,
}

/// Why a package is not sent.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no such package\n")]
    NotFound,
    #[error("this link is not signed by this server\n")]
    Forged,
    #[error("this link is no longer good: take a new one from ListHistoryDeployVersion\n")]
    Over,
    #[error("no version of the application refers to this package any more\n")]
    Gone,
    #[error("the packages cannot be read at the moment: the server's log says why\n")]
    Store(#[from] StoreError),
    #[error("the packages cannot be read at the moment: the server's log says why\n")]
    Packages(#[from] PackageError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forged | Self::Over => StatusCode::FORBIDDEN,
            Self::Gone => StatusCode::GONE,
            Self::Store(_) | Self::Packages(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Sends a package, or the rest of it. The log has neither the query nor the signature in it.
pub(crate) async fn download(
    State(shared): State<Arc<Shared>>,
    Path((app, digest, file)): Path<(String, String, String)>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Response {
    let outcome = send(&shared, &app, &digest, &signed, start(&headers)).await;
    let response = outcome.unwrap_or_else(|refusal| {
        if let Refusal::Store(_) | Refusal::Packages(_) = refusal {
            tracing::error!(error = &refusal as &dyn std::error::Error, "a package could not be sent");
        }
        (refusal.status(), refusal.to_string()).into_response()
    });
    let status = response.status().as_u16();
    tracing::info!(target: "sternway::access", app, digest, file, status, "download");
    response
}

async fn send(shared: &Shared, app: &str, digest: &str, signed: &Signed, start: u64) -> Result<Response, Refusal> {
    let service = shared.packages.as_ref().ok_or(Refusal::NotFound)?;
    let ports = shared.engine.ports();
    let app: AppId = app.parse().map_err(|_| Refusal::NotFound)?;
    let digest = Digest::parse(digest).ok_or(Refusal::NotFound)?;
    let link = Link { app, digest: &digest, expires: signed.expires };
    if !link.is_signed(service.keys(ports.records.as_ref()).await?, &signed.signature) {
        return Err(Refusal::Forged);
    }
    if link.is_over(ports.clock.now()) {
        return Err(Refusal::Over);
    }
    if !is_wanted(shared, app, &digest).await? {
        return Err(Refusal::Gone);
    }
    respond(service, &digest, start).await
}

/// Whether a version of a living application has this package.
async fn is_wanted(shared: &Shared, app: AppId, digest: &Digest) -> Result<bool, StoreError> {
    let store = &shared.engine.ports().store;
    if store.app(app).await?.is_none() {
        return Ok(false);
    }
    let versions = store.versions(app, ALL_VERSIONS).await?;
    let mut packages = versions.iter().filter_map(|version| Package::of(&version.snapshot.template));
    Ok(packages.any(|package| package.digest == digest.as_str()))
}

async fn respond(service: &PackageService, digest: &Digest, start: u64) -> Result<Response, Refusal> {
    let size = service.packages.find(digest).await?.ok_or(Refusal::Gone)?;
    if start > 0 && start >= size {
        let range = format!("bytes */{size}");
        return Ok((StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, range)]).into_response());
    }
    let opened = service.packages.open(digest, start).await?.ok_or(Refusal::Gone)?;
    let length = opened.range.end - opened.range.start;
    let mut response = Response::new(Body::from_stream(opened.chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/java-archive"));
    headers.insert(ACCEPT_RANGES, axum::http::HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, length.into());
    if start > 0 {
        let range = format!("bytes {start}-{}/{}", opened.range.end - 1, opened.size);
        headers.extend(range.parse().map(|range| (CONTENT_RANGE, range)));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Where to begin: `bytes=N-`, as a download that goes on asks. Any other range gets the whole.
fn start(headers: &HeaderMap) -> u64 {
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    start.unwrap_or(0)
}
