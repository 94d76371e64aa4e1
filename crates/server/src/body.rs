//! Bodies of requests, and how much memory they may take before it is known who sent them.
//!
//! A signature is over the whole body, so the body has to be there first, whoever sent it. Short ones cannot hurt: there are only so many
//! connections. Of long ones, and of those that do not say how long they are, only so many are held at the same time, each until its answer.

use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use sternway_wire::error::GatewayError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::failure::Failure;

/// In bytes. Nearly all requests are shorter: what is longer carries a kubeconfig, a certificate or a manifest.
const SHORT: u64 = 64 << 10;

/// Reads bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    limit: usize,
    long: Arc<Semaphore>,
}

/// A body, and its place among the long ones.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

impl Held {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(crate) fn new(config: &Config) -> Self {
        Self { limit: config.body_limit, long: Arc::new(Semaphore::new(config.long_bodies)) }
    }

    /// Reads a body to its end.
    pub(crate) async fn read(&self, body: Body) -> Result<Held, Failure> {
        let is_short = body.size_hint().upper().is_some_and(|length| length <= SHORT);
        let place = match is_short {
            true => None,
            false => Some(Arc::clone(&self.long).try_acquire_owned().map_err(|_| GatewayError::throttled())?),
        };
        match Limited::new(body, self.limit).collect().await {
            Ok(body) => Ok(Held { bytes: body.to_bytes(), _place: place }),
            Err(error) if error.is::<LengthLimitError>() => Err(GatewayError::body_too_large(self.limit).into()),
            Err(error) => {
                let problem = format!("It could not be read to its end ({error}). Send it again.");
                Err(GatewayError::invalid_parameter("(body)", &problem).into())
            }
        }
    }
}
