//! HMAC-SHA1 ROA: `Authorization: acs <AccessKeyId>:<base64(HMAC-SHA1(secret, string to sign))>`.
//!
//! ```text
//! METHOD LF Accept LF Content-MD5 LF Content-Type LF Date LF
//! x-acs-a:value LF ... (sorted)
//! /path?key=value&... (sorted, decoded)
//! ```
//!
//! The SDKs render two corners differently: an empty value as `key` (Java, Tea, Go) or `key=` (Python), and a request
//! without query as `/path` (Java, Tea, Python) or `/path?` (Go). Both readings of a corner mean the same request, so
//! each of the four [`Form`]s is tried.
//!
//! A body is protected by Content-MD5 only, and Tea does not send that header; such a body is as unprotected here as it
//! is at EDAS.

use hmac::Mac as _;
use md5::{Digest as _, Md5};

use super::{AuthorizationError, SIGNATURE_METHOD, SignedRequest, decode_base64, encode_base64, hmac_sha1};
use crate::error::GatewayError;
use crate::query;

/// The word before the credentials.
pub const SCHEME: &str = "acs";

const CONTENT_MD5: &str = "content-md5";
const METHOD: &str = "HMAC-SHA1";

/// How a client renders the two corners in which clients differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// An empty value is written `key=` instead of `key`.
    pub empty_with_equals: bool,
    /// A request without query is written `/path?` instead of `/path`.
    pub bare_question_mark: bool,
}

impl Form {
    /// Java and Tea.
    pub const JAVA: Self = Self { empty_with_equals: false, bare_question_mark: false };
    /// The Python core SDK.
    pub const PYTHON: Self = Self { empty_with_equals: true, bare_question_mark: false };
    /// The Go core SDK, which Terraform uses.
    pub const GO: Self = Self { empty_with_equals: false, bare_question_mark: true };
    const ALL: [Self; 4] =
        [Self::JAVA, Self::PYTHON, Self::GO, Self { empty_with_equals: true, bare_question_mark: true }];

    /// The form of the SDK that says it sent this request; Java's if it says nothing.
    fn of_client(request: &SignedRequest<'_>) -> Self {
        let client = request.header_or_empty("x-sdk-client").to_ascii_lowercase();
        if client.starts_with("python") {
            Self::PYTHON
        } else if client.starts_with("go") {
            Self::GO
        } else {
            Self::JAVA
        }
    }
}

/// The string that a client of this form signs.
pub fn string_to_sign(request: &SignedRequest<'_>, form: Form) -> String {
    let mut text = request.method.to_ascii_uppercase();
    let body_digest = request.header(CONTENT_MD5).map(|_| body_digest(request.body)).unwrap_or_default();
    for line in [
        request.header_or_empty("accept"),
        &body_digest,
        request.header_or_empty("content-type"),
        request.header_or_empty("date"),
    ] {
        text.push('\n');
        text.push_str(line);
    }
    text.push('\n');
    let mut headers: Vec<(String, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), *value))
        .filter(|(name, _)| name.starts_with("x-acs-"))
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, value) in headers {
        text.push_str(&format!("{name}:{value}\n"));
    }
    text.push_str(&resource(request, form));
    text
}

/// The base64 MD5 that `Content-MD5` carries.
pub fn body_digest(body: &[u8]) -> String {
    encode_base64(Md5::digest(body))
}

fn resource(request: &SignedRequest<'_>, form: Form) -> String {
    let mut pairs = query::pairs(request.raw_query.unwrap_or(""));
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let rendered: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| match value.is_empty() && !form.empty_with_equals {
            true => key,
            false => format!("{key}={value}"),
        })
        .collect();
    match (rendered.is_empty(), form.bare_question_mark) {
        (true, false) => request.raw_path.to_owned(),
        (true, true) => format!("{}?", request.raw_path),
        (false, _) => format!("{}?{}", request.raw_path, rendered.join("&")),
    }
}

/// The base64 signature of this request in the form of that client.
pub fn sign(request: &SignedRequest<'_>, form: Form, secret: &str) -> String {
    encode_base64(hmac_sha1(secret, &string_to_sign(request, form)).finalize().into_bytes())
}

pub(super) fn parse(credentials: &str, request: &SignedRequest<'_>) -> Result<(String, Vec<u8>), AuthorizationError> {
    const EXPECTED: &str = "expected \"acs <AccessKeyId>:<base64 signature>\"";
    let (id, signature) = credentials.trim().split_once(':').ok_or(AuthorizationError::Malformed(EXPECTED.into()))?;
    let signature = decode_base64(signature).filter(|bytes| !bytes.is_empty());
    let signature = signature.ok_or(AuthorizationError::Malformed(EXPECTED.into()))?;
    if id.is_empty() {
        return Err(AuthorizationError::Malformed(EXPECTED.into()));
    }
    match request.header(SIGNATURE_METHOD) {
        Some(method) if !method.eq_ignore_ascii_case(METHOD) => {
            let reason = format!("{SIGNATURE_METHOD} must be {METHOD} with the scheme \"{SCHEME}\"");
            Err(AuthorizationError::Malformed(reason.into()))
        }
        _ => Ok((id.to_owned(), signature)),
    }
}

pub(super) fn verify(request: &SignedRequest<'_>, signature: &[u8], secret: &str) -> Result<(), GatewayError> {
    let matches = |form: &Form| hmac_sha1(secret, &string_to_sign(request, *form)).verify_slice(signature).is_ok();
    let digest_is_true = request.header(CONTENT_MD5).is_none_or(|digest| digest == body_digest(request.body));
    if digest_is_true && Form::ALL.iter().any(matches) {
        return Ok(());
    }
    Err(GatewayError::signature_mismatch(&string_to_sign(request, Form::of_client(request))))
}
