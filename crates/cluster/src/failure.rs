//! What goes wrong with a request, and what it means to the port.
//!
//! Kubernetes says with one status code things that an order must tell apart: 403 is a missing right, an exhausted quota, a
//! pod that a security policy refuses, or a namespace that is going away. The first can be cured by an administrator of
//! the cluster, the others by whoever wrote the object.

use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sternway_core::ports::ClusterError;

/// A request that did not do what it was sent for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The API server answered with an error.
    #[error("{}: {}", .0.status, .0.message)]
    Answer(Answer),
    /// No answer in time.
    #[error("no answer within {} seconds", .0.as_secs())]
    Timeout(Duration),
    /// No connection, or one that broke.
    #[error("the request failed")]
    Transport(#[source] Box<kube::Error>),
    /// The request could not be built.
    #[error("the request is malformed")]
    Malformed(#[source] http::Error),
    /// The answer is no JSON.
    #[error("the answer is not JSON")]
    Decode(#[source] serde_json::Error),
}

/// An error that the API server answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The server's message, or the beginning of the body.
    pub(crate) message: String,
    /// When the server wants to be asked again.
    pub(crate) retry_after_seconds: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u32>,
}

/// As much of a body that is no `Status` as a person needs to see.
const MESSAGE_CHARACTERS: usize = 300;

impl Answer {
    /// Reads an error answer: a `Status` object, or whatever a proxy in between has written.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let parsed: Status = serde_json::from_slice(body).unwrap_or_default();
        let message = match parsed.message.as_str() {
            "" => String::from_utf8_lossy(body).trim().chars().take(MESSAGE_CHARACTERS).collect(),
            message => message.to_owned(),
        };
        let from_header =
            headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self {
            status: status.as_u16(),
            message: match message.as_str() {
                "" => status.to_string(),
                _ => message,
            },
            retry_after_seconds: from_header.or(parsed.details.retry_after_seconds),
        }
    }
}

/// Every authorizer's denial is worded by the API server in this one way; what admission refuses never is.
fn is_missing_right(message: &str) -> bool {
    message.contains("User \"") && message.contains(" cannot ")
}

impl RequestError {
    /// Whether the answer had this status.
    pub(crate) fn is_status(&self, status: StatusCode) -> bool {
        matches!(self, Self::Answer(answer) if answer.status == status.as_u16())
    }
}

impl From<Answer> for ClusterError {
    fn from(answer: Answer) -> Self {
        let Answer { status, message, retry_after_seconds } = answer;
        match status {
            401 => Self::Forbidden(format!("the credentials are not accepted: {message}")),
            403 if is_missing_right(&message) => Self::Forbidden(message),
            409 => Self::Conflict,
            408 | 429 | 500..=599 => Self::Unreachable { message, retry_after_seconds },
            _ => Self::Rejected(message),
        }
    }
}

impl From<RequestError> for ClusterError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Answer(answer) => answer.into(),
            RequestError::Malformed(_) => Self::Rejected(with_causes(&error)),
            RequestError::Timeout(_) | RequestError::Transport(_) | RequestError::Decode(_) => {
                unreachable(with_causes(&error))
            }
        }
    }
}

/// A failure of the watcher, as what observers of a workload should hear.
pub(crate) fn of_watch(error: &kube::runtime::watcher::Error) -> ClusterError {
    use kube::runtime::watcher::Error as Watch;
    let status = match error {
        Watch::InitialListFailed(kube::Error::Api(status))
        | Watch::WatchStartFailed(kube::Error::Api(status))
        | Watch::WatchFailed(kube::Error::Api(status))
        | Watch::WatchError(status) => status,
        Watch::InitialListFailed(_) | Watch::WatchStartFailed(_) | Watch::WatchFailed(_) | Watch::NoResourceVersion => {
            return unreachable(with_causes(error));
        }
    };
    match status.code {
        401 | 403 => ClusterError::Forbidden(status.message.clone()),
        _ => unreachable(status.message.clone()),
    }
}

pub(crate) fn unreachable(message: String) -> ClusterError {
    ClusterError::Unreachable { message, retry_after_seconds: None }
}

/// An error with its causes, each said once: many errors repeat their cause in their own text.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn meaning(status: u16, body: &Value) -> ClusterError {
        let status = StatusCode::from_u16(status).unwrap();
        Answer::read(status, &HeaderMap::new(), body.to_string().as_bytes()).into()
    }

    fn failure(message: &str) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message})
    }

    type Expected = fn(&ClusterError) -> bool;

    #[test]
    fn the_statuses_of_one_code_are_told_apart() {
        let missing_right = r#"deployments.apps "web" is forbidden: User "system:serviceaccount:a:b" cannot patch resource "deployments" in API group "apps" in the namespace "shop""#;
        let quota = r#"deployments.apps "web" is forbidden: exceeded quota: small, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1"#;
        let leaving = r#"deployments.apps "web" is forbidden: unable to create new content in namespace shop because it is being terminated"#;
        let webhook = r#"admission webhook "images.example.com" denied the request: only images of our registry"#;
        let table: [(u16, &str, Expected); 12] = [
            (401, "Unauthorized", |error| matches!(error, ClusterError::Forbidden(_))),
            (403, missing_right, |error| matches!(error, ClusterError::Forbidden(_))),
            (403, quota, |error| matches!(error, ClusterError::Rejected(_))),
            (403, leaving, |error| matches!(error, ClusterError::Rejected(_))),
            (403, webhook, |error| matches!(error, ClusterError::Rejected(_))),
            (400, webhook, |error| matches!(error, ClusterError::Rejected(_))),
            (409, "the object has been modified", |error| matches!(error, ClusterError::Conflict)),
            (422, "Deployment.apps \"web\" is invalid", |error| matches!(error, ClusterError::Rejected(_))),
            (429, "slow down", |error| matches!(error, ClusterError::Unreachable { .. })),
            (500, "failed calling webhook", |error| matches!(error, ClusterError::Unreachable { .. })),
            (503, "not ready", |error| matches!(error, ClusterError::Unreachable { .. })),
            (504, "timeout", |error| matches!(error, ClusterError::Unreachable { .. })),
        ];
        for (status, message, expected) in table {
            let error = meaning(status, &failure(message));
            assert!(expected(&error), "{status} {message}: {error:?}");
            if !matches!(error, ClusterError::Conflict) {
                assert!(error.to_string().contains(message), "{error}");
            }
        }
    }

    #[test]
    fn the_wish_to_be_asked_later_is_kept() {
        let mut body = failure("later");
        body["details"] = json!({"retryAfterSeconds": 7});
        let ClusterError::Unreachable { retry_after_seconds, .. } = meaning(429, &body) else {
            panic!("429 is transient");
        };
        assert_eq!(retry_after_seconds, Some(7));

        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "3".parse().unwrap())]);
        let answer = Answer::read(StatusCode::SERVICE_UNAVAILABLE, &headers, b"<html>busy</html>");
        assert_eq!(answer.retry_after_seconds, Some(3));
        assert_eq!(answer.message, "<html>busy</html>");
    }
}
