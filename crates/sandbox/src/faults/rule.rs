//! Rules: which requests, how often, and what happens to them. Their JSON is the interface.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::glob;
use crate::api::{self, Request, Response};
use crate::status::{Details, Status};

/// A fault and when it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// For whoever reads the list.
    #[serde(default)]
    pub name: String,
    /// Which requests.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// How many of them are spared first.
    #[serde(default)]
    pub skip: u64,
    /// How many are hit then; all if it is left out.
    #[serde(default)]
    pub times: Option<u64>,
    /// How probable it is for each of these.
    #[serde(default = "certain")]
    pub probability: f64,
    /// What happens to them.
    pub fault: Fault,
}

const fn certain() -> f64 {
    1.0
}

/// Which requests: those that fit all that is given. Texts are patterns: `*` is any text, `?` one character.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verbs: Vec<String>,
    /// The path, without the query.
    pub path: Option<String>,
    /// The plural, or `deployments/scale` for a subresource.
    pub resource: Option<String>,
    /// The namespace in the path.
    pub namespace: Option<String>,
    /// The object's name in the path.
    pub name: Option<String>,
    /// The User-Agent header.
    pub user_agent: Option<String>,
    /// The body.
    pub body: Option<String>,
}

/// What happens to a request. `applied`: whether it is carried out all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub enum Fault {
    /// It is answered with an error of the API server.
    Status(Failure),
    /// An admission webhook denies it.
    Denial {
        /// The webhook's name.
        #[serde(default = "default_webhook")]
        webhook: String,
        /// Its reason.
        #[serde(default)]
        message: String,
        /// The status code it chose.
        #[serde(default = "forbidden")]
        code: u16,
    },
    /// The connection is reset instead of an answer.
    Reset {
        /// See [`Fault`].
        #[serde(default)]
        applied: bool,
    },
    /// No answer ever comes; the connection stays open.
    Silence {
        /// See [`Fault`].
        #[serde(default)]
        applied: bool,
    },
    /// The answer takes its time.
    Delay {
        /// How much.
        milliseconds: u32,
        /// Carried out at once, and only the answer is late; else it is carried out late.
        #[serde(default)]
        applied: bool,
    },
    /// All open watches break off at this moment; the request itself is answered as usual.
    CutWatches,
    /// All open watches end with the error 410 (Expired); the request itself is answered as usual.
    ExpireWatches,
    /// The server is away: this request, and all in the time after it, are reset, and open watches break off.
    Away {
        /// For how long.
        milliseconds: u32,
    },
}

/// See [`Fault::Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// The status code.
    pub code: u16,
    /// The message; what a server says with this code if it is left out.
    #[serde(default)]
    pub message: String,
    /// The Retry-After header; 1 for a 429 if it is left out.
    #[serde(default)]
    pub retry_after_seconds: Option<u32>,
}

fn default_webhook() -> String {
    "sandbox.sternway.io".to_owned()
}

const fn forbidden() -> u16 {
    403
}

impl Fault {
    /// The answer that it consists of, if it does.
    pub(crate) fn answer(&self, request: &Request) -> Option<Response> {
        match self {
            Self::Status(failure) => Some(failure.answer(request)),
            Self::Denial { webhook, message, code } => {
                let denied = format!("admission webhook \"{webhook}\" denied the request");
                let message = match message.as_str() {
                    "" => format!("{denied} without explanation"),
                    why => format!("{denied}: {why}"),
                };
                let reason = if *code == forbidden() { "Forbidden" } else { "" };
                Some(Response::json(*code, &Status::new(*code, reason, message).to_value()))
            }
            Self::Reset { .. }
            | Self::Silence { .. }
            | Self::Delay { .. }
            | Self::CutWatches
            | Self::ExpireWatches
            | Self::Away { .. } => None,
        }
    }
}

impl Failure {
    fn answer(&self, request: &Request) -> Response {
        let retry_after = self.retry_after_seconds.or((self.code == 429).then_some(1));
        let mut response = if self.code == 429 && self.message.is_empty() {
            // Written before the API's own machinery is reached, and so no Status.
            Response::new(429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n")
        } else {
            Response::json(self.code, &self.status(request, retry_after).to_value())
        };
        response.headers.extend(retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
        response
    }

    fn status(&self, request: &Request, retry_after_seconds: Option<u32>) -> Status {
        let usual = match (self.code, api::subject(request)) {
            (409, Some(subject)) => Status::stale(subject.resource, subject.name),
            (409, None) => Status::new(409, "Conflict", "the object has been modified"),
            (410, _) => Status::expired("The resourceVersion for the provided watch is too old."),
            (429, _) => Status::new(429, "TooManyRequests", "Too many requests, please try again later."),
            (500, _) => Status::new(500, "InternalError", "Internal error occurred: etcdserver: request timed out"),
            (503, _) => Status::new(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
            (504, _) => Status::new(504, "Timeout", "Timeout: request did not complete within the allotted timeout"),
            (code, _) => Status::new(code, "", "a fault that was asked for"),
        };
        let message = if self.message.is_empty() { usual.message.clone() } else { self.message.clone() };
        let details = usual.details.as_deref().cloned();
        let status = Status { message, ..usual };
        match retry_after_seconds {
            None => status,
            Some(_) => status.with_details(Details { retry_after_seconds, ..details.unwrap_or_default() }),
        }
    }
}

/// What rules see of a request.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    verb: &'static str,
    path: &'a str,
    resource: String,
    namespace: &'a str,
    name: &'a str,
    user_agent: &'a str,
    body: Cow<'a, str>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        let subject = api::subject(request);
        let resource = subject.as_ref().map(|subject| match subject.subresource {
            "" => subject.resource.plural.to_owned(),
            sub => format!("{}/{sub}", subject.resource.plural),
        });
        Self {
            verb: subject.as_ref().map_or("get", |subject| subject.verb),
            path: &request.path,
            resource: resource.unwrap_or_default(),
            namespace: subject.as_ref().map_or("", |subject| subject.namespace),
            name: subject.as_ref().map_or("", |subject| subject.name),
            user_agent: request.header("user-agent").unwrap_or_default(),
            body: String::from_utf8_lossy(&request.body),
        }
    }
}

impl Match {
    pub(super) fn covers(&self, sight: &Sight<'_>) -> bool {
        let texts = [
            (&self.path, sight.path),
            (&self.resource, &sight.resource),
            (&self.namespace, sight.namespace),
            (&self.name, sight.name),
            (&self.user_agent, sight.user_agent),
            (&self.body, &sight.body),
        ];
        (self.verbs.is_empty() || self.verbs.iter().any(|verb| verb == sight.verb))
            && texts.iter().all(|(pattern, text)| pattern.as_ref().is_none_or(|pattern| glob::fits(pattern, text)))
    }
}
