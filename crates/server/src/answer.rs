//! From an outcome to an HTTP response in EDAS's envelope.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sternway_wire::envelope;
use sternway_wire::error::GatewayError;

use crate::call::Ids;
use crate::failure::Failure;

/// How an operation's refusals are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// Code, Message, RequestId.
    Plain,
    /// The Abort* family: TraceId, ErrorCode and Data as well.
    ChangeOrder,
}

/// A response, and its Code for log and metrics.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    body: String,
}

impl Answer {
    /// An outcome in its envelope. An internal failure is logged here, the only time.
    pub(crate) fn new(outcome: Result<String, Failure>, envelope: Envelope, ids: &Ids, host: &str) -> Self {
        let refused = |error: &GatewayError| Self {
            status: StatusCode::from_u16(error.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: error.code.clone().into_owned(),
            body: envelope::gateway_error(error, &ids.request, host),
        };
        match outcome {
            Ok(body) => Self { status: StatusCode::OK, code: envelope::SUCCESS_CODE.to_string(), body },
            Err(Failure::Business(error)) => Self {
                status: StatusCode::OK,
                code: error.error_code.clone().into_owned(),
                body: match envelope {
                    Envelope::Plain => envelope::business_error(&error, &ids.request),
                    Envelope::ChangeOrder => envelope::change_order_error(&error, &ids.request, &ids.trace),
                },
            },
            Err(Failure::Gateway(error)) => refused(&error),
            Err(Failure::Internal(error)) => {
                tracing::error!(
                    trace_id = ids.trace,
                    error = error.as_ref() as &dyn std::error::Error,
                    "the request could not be handled"
                );
                refused(&GatewayError::internal(&ids.trace))
            }
        }
    }

    pub(crate) fn into_response(self, ids: &Ids) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(envelope::CONTENT_TYPE));
        for (name, value) in [("x-acs-request-id", &ids.request), ("x-acs-trace-id", &ids.trace)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
