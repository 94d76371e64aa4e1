//! A client of the public API that takes nothing for granted: no answer is an answer too.

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;
use sternway_wire::catalog::{Catalog, Location};
use sternway_wire::signature::client::{AccessKey, Call};
use uuid::Uuid;

/// Longer than anything takes on a busy machine: how long a client may have to wait is not what is tested here.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Success.
    Done(Value),
    /// Understood, and refused or failed.
    Refused { status: u16, body: Value },
    /// Nothing: whether it was done is not known.
    Lost,
}

impl Reply {
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        match self {
            Self::Done(body) => body,
            other => panic!("{other:?}"),
        }
    }
}

/// A signed way to a server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: String,
    id: String,
    secret: String,
}

impl Client {
    /// With the root key in the server's data directory.
    pub(crate) fn new(endpoint: &str, data: &Path) -> Self {
        let key = std::fs::read(data.join("root-access-key.json")).unwrap();
        let key: Value = serde_json::from_slice(&key).unwrap();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        Self {
            http: reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap(),
            endpoint: endpoint.to_owned(),
            id: text("AccessKeyId"),
            secret: text("AccessKeySecret"),
        }
    }

    pub(crate) async fn call(&self, operation: &str, parameters: &[(&str, &str)]) -> Reply {
        let route = Catalog::by_name(operation).unwrap();
        let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (form, query): (Vec<_>, Vec<_>) = owned.partition(|(name, _)| {
            route.parameter(name).is_none_or(|specification| specification.location == Location::Body)
        });
        let host = self.endpoint.trim_start_matches("http://");
        let call = Call { operation, method: route.method, host, path: route.path, query: &query, form: &form };
        let key = AccessKey { id: &self.id, secret: &self.secret, security_token: None };
        let now = Timestamp::try_from(SystemTime::UNIX_EPOCH + unix_time()).unwrap();
        let signed = call.sign_acs3(key, now, &Uuid::new_v4().simple().to_string());
        let method = reqwest::Method::from_bytes(route.method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{}", self.endpoint, signed.target));
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let Ok(response) = request.body(signed.body).send().await else {
            return Reply::Lost;
        };
        let status = response.status().as_u16();
        let Ok(text) = response.text().await else {
            return Reply::Lost;
        };
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{operation}: {error}: {text}"));
        if status == 200 && body["Code"] == 200 { Reply::Done(body) } else { Reply::Refused { status, body } }
    }
}

#[expect(clippy::disallowed_methods, reason = "signatures carry the real time")]
fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}
