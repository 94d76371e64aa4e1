//! The other end: signing a request as an SDK would, for the command line and for tests.
//!
//! The caller brings the time and a nonce that it never uses twice; everything else follows from the request.

use jiff::Timestamp;

use super::{SignedRequest, acs3, roa};
use crate::query;

const VERSION: &str = "2017-08-01";
const ACCEPT: &str = "application/json";

/// An access key, with the token that a temporary one needs.
#[derive(Clone, Copy)]
pub struct AccessKey<'a> {
    pub id: &'a str,
    pub secret: &'a str,
    pub security_token: Option<&'a str>,
}

impl std::fmt::Debug for AccessKey<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A call that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation's name, such as `GetChangeOrderInfo`.
    pub operation: &'a str,
    pub method: &'a str,
    /// As the Host header will be: `name` or `name:port`.
    pub host: &'a str,
    pub path: &'a str,
    pub query: &'a [(String, String)],
    /// The form body of the few operations that have one; empty otherwise.
    pub form: &'a [(String, String)],
}

/// A call ready to be sent: these headers, exactly these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCall {
    /// Path and query, as they stand in the request line.
    pub target: String,
    /// Lower-case names, `host` and `authorization` among them.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Call<'_> {
    /// Signs with ACS3-HMAC-SHA256, the scheme to prefer: it protects body, host and every header it sends.
    pub fn sign_acs3(&self, key: AccessKey<'_>, now: Timestamp, nonce: &str) -> SignedCall {
        let body = query::join(self.form).into_bytes();
        let mut headers = self.common_headers(key, nonce);
        headers.push(("x-acs-content-sha256".into(), acs3::body_hash(&body)));
        headers.push(("x-acs-date".into(), now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let signed_headers = names.join(";");
        let signature = self.with(&headers, &body, |request| acs3::sign(request, &signed_headers, key.secret));
        let authorization =
            format!("{} Credential={},SignedHeaders={signed_headers},Signature={signature}", acs3::SCHEME, key.id);
        self.finish(headers, authorization, body)
    }

    /// Signs with HMAC-SHA1, as an SDK of this form would.
    pub fn sign_roa(&self, key: AccessKey<'_>, form: roa::Form, now: Timestamp, nonce: &str) -> SignedCall {
        let body = query::join(self.form).into_bytes();
        let mut headers = self.common_headers(key, nonce);
        headers.push(("content-md5".into(), roa::body_digest(&body)));
        headers.push(("date".into(), now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        headers.push(("x-acs-signature-method".into(), "HMAC-SHA1".into()));
        headers.push(("x-acs-signature-version".into(), "1.0".into()));
        let signature = self.with(&headers, &body, |request| roa::sign(request, form, key.secret));
        self.finish(headers, format!("{} {}:{signature}", roa::SCHEME, key.id), body)
    }

    fn common_headers(&self, key: AccessKey<'_>, nonce: &str) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = vec![
            ("accept".into(), ACCEPT.into()),
            ("host".into(), self.host.into()),
            ("x-acs-action".into(), self.operation.into()),
            ("x-acs-signature-nonce".into(), nonce.into()),
            ("x-acs-version".into(), VERSION.into()),
        ];
        if !self.form.is_empty() {
            headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        }
        if let Some(token) = key.security_token {
            headers.push(("x-acs-security-token".into(), token.into()));
        }
        headers
    }

    fn with<T>(&self, headers: &[(String, String)], body: &[u8], act: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let query = query::join(self.query);
        act(&SignedRequest {
            method: self.method,
            raw_path: self.path,
            raw_query: (!query.is_empty()).then_some(&query),
            headers: &headers,
            body,
        })
    }

    fn finish(&self, mut headers: Vec<(String, String)>, authorization: String, body: Vec<u8>) -> SignedCall {
        headers.push(("authorization".into(), authorization));
        let target = match self.query {
            [] => self.path.to_owned(),
            query => format!("{}?{}", self.path, query::join(query)),
        };
        SignedCall { target, headers, body }
    }
}
