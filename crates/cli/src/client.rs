//! Talks to a server through its public, signed API, exactly as any other client does.
//!
//! An operation is named, its route comes from the catalog, its answer is a model of `sternway-wire` beside the body as
//! it came, which `-o json` prints.

mod credentials;
mod endpoint;

use std::time::Duration;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sternway_core::ports::Secret;
use sternway_wire::catalog::{Catalog, Location};
use sternway_wire::envelope::Answer;
use sternway_wire::model::Success;
use sternway_wire::signature::client::{AccessKey, Call, SignedCall};
use uuid::Uuid;

pub(crate) use self::credentials::{Credentials, ROOT_KEY_FILE};
pub(crate) use self::endpoint::Endpoint;
use crate::system;

/// Longer than any operation takes on a cluster that answers; servers answer within 10 s because SDKs give up then.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and the key to sign with.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    credentials: Credentials,
}

/// Certificates for https, in PEM.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// Those to trust beside the system's.
    pub(crate) authority: Option<Vec<u8>>,
    /// Our own, with its private key.
    pub(crate) identity: Option<Vec<u8>>,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    /// The whole body as it came.
    pub(crate) body: Value,
    /// What the operation answers.
    pub(crate) payload: T,
}

/// An operation that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Nobody answered.
    #[error(
        "no answer from {endpoint}: is a server running there? Start one with `sternway serve`, or name another with --endpoint"
    )]
    NoAnswer {
        endpoint: String,
        #[source]
        source: reqwest::Error,
    },
    /// The server understood and says no.
    #[error("{operation} was refused: {message}{}", hint(code))]
    Refused { operation: &'static str, code: String, message: String },
    /// What answered is no server of this API.
    #[error("{endpoint} answered HTTP {status} with something that is no answer of this API: {body}")]
    Foreign { endpoint: String, status: u16, body: String },
}

impl CallError {
    /// Whether asking again may help without anybody changing anything: the server restarts, or asks to wait.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Refused { code, .. } => {
                matches!(code.as_str(), "ServiceUnavailable" | "Throttling" | "Throttling.User")
            }
            Self::Foreign { status, .. } => *status >= 500,
        }
    }
}

/// What to do about refusals whose message was written for programmers of clients.
fn hint(code: &str) -> &'static str {
    match code {
        "InvalidAccessKeyId.NotFound" | "InvalidAccessKeyId.Inactive" => {
            "\nThe key comes from ACCESS_KEY_ID and ACCESS_KEY_SECRET if set, else from root-access-key.json in the server's data directory (--data)."
        }
        _ => "",
    }
}

impl Client {
    /// A client of this server.
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials, trust: Trust) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sternway/", env!("CARGO_PKG_VERSION")));
        if endpoint.is_local() {
            // A proxy from the environment is meant for the world outside.
            builder = builder.no_proxy();
        }
        if let Some(pem) = trust.authority {
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .context("the file of --ca-cert holds no PEM certificate")?;
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(pem) = trust.identity {
            let identity = reqwest::Identity::from_pem(&pem);
            builder =
                builder.identity(identity.context("the file of --client-cert holds no certificate with its key")?);
        }
        let http = builder.build().context("cannot set up HTTP")?;
        Ok(Self { http, endpoint, credentials })
    }

    /// Calls an operation of the catalog with these parameters. Those that EDAS does not have travel in a form body: a query
    /// is no place for a kubeconfig.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Panics
    /// If the catalog has no such operation: names are written in this crate.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        parameters: Vec<(&'static str, String)>,
    ) -> Result<Reply<T>, CallError> {
        let request = self.sign(operation, parameters);
        let no_answer = |source: reqwest::Error| CallError::NoAnswer {
            endpoint: self.endpoint.to_string(),
            source: source.without_url(),
        };
        let (method, signed) = request;
        let mut builder = self.http.request(method, format!("{}{}", self.endpoint, signed.target));
        for (name, value) in &signed.headers {
            builder = builder.header(name, value);
        }
        if !signed.body.is_empty() {
            builder = builder.body(signed.body);
        }
        let response = builder.send().await.map_err(no_answer)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(no_answer)?;
        self.read(operation, status, &text)
    }

    fn sign(&self, operation: &'static str, parameters: Vec<(&'static str, String)>) -> (reqwest::Method, SignedCall) {
        let route = Catalog::by_name(operation).unwrap_or_else(|| panic!("{operation} is in the catalog"));
        let (form, query): (Vec<_>, Vec<_>) = parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .partition(|(name, _)| route.parameter(name).is_none_or(|spec| spec.location == Location::Body));
        let host = self.endpoint.host();
        let call = Call { operation, method: route.method, host: &host, path: route.path, query: &query, form: &form };
        let key = AccessKey {
            id: &self.credentials.id,
            secret: self.credentials.secret.reveal(),
            security_token: self.credentials.token.as_ref().map(Secret::reveal),
        };
        let signed = call.sign_acs3(key, system::now(), &Uuid::new_v4().simple().to_string());
        let method = reqwest::Method::from_bytes(route.method.as_bytes()).unwrap_or(reqwest::Method::POST);
        (method, signed)
    }

    fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        status: u16,
        text: &str,
    ) -> Result<Reply<T>, CallError> {
        let foreign = || CallError::Foreign {
            endpoint: self.endpoint.to_string(),
            status,
            body: text.chars().take(200).collect(),
        };
        let body: Value = serde_json::from_str(text).map_err(|_| foreign())?;
        let answer: Answer = serde_json::from_value(body.clone()).map_err(|_| foreign())?;
        if answer.code.is_null() {
            return Err(foreign());
        }
        if !answer.is_success() {
            let code = answer.code.as_str().map_or_else(|| answer.code.to_string(), str::to_owned);
            return Err(CallError::Refused { operation, code, message: answer.message });
        }
        let success: Success<T> = serde_json::from_value(body.clone()).map_err(|_| foreign())?;
        Ok(Reply { body, payload: success.payload })
    }
}

#[cfg(test)]
mod tests {
    use sternway_wire::model::ChangeOrderStarted;
    use sternway_wire::signature::{Claim, SignedRequest};

    use super::*;

    fn client() -> Client {
        let credentials = Credentials::permanent("testid", "testsecret");
        Client::new("http://127.0.0.1:8080".parse().unwrap(), credentials, Trust::default()).unwrap()
    }

    #[test]
    fn a_call_verifies_as_the_server_will_verify_it() {
        let (method, signed) =
            client().sign("ScaleK8sApplication", vec![("AppId", "a b/c~*".into()), ("Replicas", "3".into())]);
        let (path, query) = signed.target.split_once('?').unwrap();
        let headers: Vec<(&str, &str)> =
            signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = SignedRequest {
            method: method.as_str(),
            raw_path: path,
            raw_query: Some(query),
            headers: &headers,
            body: &signed.body,
        };
        assert_eq!((method.as_str(), path), ("PUT", "/pop/v5/k8s/acs/k8s_apps"));
        Claim::parse(&request).unwrap().verify(&request, "testsecret").unwrap();
    }

    #[test]
    fn the_three_kinds_of_answers_are_told_apart() {
        let read = |status, text| client().read::<ChangeOrderStarted>("ScaleK8sApplication", status, text);
        let started = read(200, r#"{"Code":200,"Message":"success","RequestId":"R","ChangeOrderId":"o"}"#).unwrap();
        assert_eq!((started.payload.change_order_id.as_str(), &started.body["RequestId"]), ("o", &Value::from("R")));
        let refused = read(200, r#"{"Code":400,"Message":"busy","RequestId":"R"}"#).unwrap_err();
        assert_eq!(refused.to_string(), "ScaleK8sApplication was refused: busy");
        let gateway =
            read(404, r#"{"Code":"InvalidAccessKeyId.NotFound","Message":"no","RequestId":"R"}"#).unwrap_err();
        assert!(gateway.to_string().contains("ACCESS_KEY_ID"));
        for foreign in ["<html>", "[]", "{}"] {
            assert!(matches!(read(200, foreign), Err(CallError::Foreign { .. })), "{foreign}");
        }
    }
}
