//! ACS3-HMAC-SHA256:
//! `Authorization: ACS3-HMAC-SHA256 Credential=<id>,SignedHeaders=<h1;h2>,Signature=<hex>`, its parts in any order.
//!
//! ```text
//! canonical request = METHOD LF path LF query LF (name:value LF)* LF SignedHeaders LF hex(sha256(body))
//! string to sign    = ACS3-HMAC-SHA256 LF hex(sha256(canonical request))
//! ```
//!
//! The query is encoded anew from its decoded parameters, because clients sign `%20` and send `+`. Which headers are
//! signed is the client's choice (Python Tea signs all it sets, Java hardly any), except for those this server acts upon:
//! the date and the body's hash always, the nonce and the security token where present.

use std::borrow::Cow;

use hmac::Mac as _;
use sha2::{Digest as _, Sha256};

use super::{ACS_DATE, AuthorizationError, CONTENT_SHA256, NONCE, SECURITY_TOKEN, SignedRequest, hmac_sha256};
use crate::error::GatewayError;
use crate::query;

/// The word before the credentials, and the first line of the string to sign.
pub const SCHEME: &str = "ACS3-HMAC-SHA256";

#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) access_key_id: String,
    /// As the client wrote it: it is itself a line of the canonical request.
    pub(super) signed_headers: String,
    pub(super) signature: Vec<u8>,
}

/// What the empty value of a signed header was signed as. Java writes its null reference out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyHeader {
    Empty,
    JavaNull,
}

/// The canonical request over the headers that `signed_headers` names (`a;b;c`).
pub fn canonical_request(request: &SignedRequest<'_>, signed_headers: &str, empty: EmptyHeader) -> String {
    let path = if request.raw_path.is_empty() { "/" } else { request.raw_path };
    let mut text = format!("{}\n{path}\n{}\n", request.method.to_ascii_uppercase(), canonical_query(request));
    for name in names(signed_headers) {
        let value = canonical_value(request, name);
        let value = match (value.is_empty(), empty) {
            (true, EmptyHeader::JavaNull) => "null",
            _ => &value,
        };
        text.push_str(&format!("{}:{value}\n", name.to_ascii_lowercase()));
    }
    text.push_str(&format!("\n{signed_headers}\n{}", body_hash(request.body)));
    text
}

/// The string that is signed: the scheme and the hash of the canonical request.
pub fn string_to_sign(canonical_request: &str) -> String {
    format!("{SCHEME}\n{}", hex::encode(Sha256::digest(canonical_request)))
}

/// The hexadecimal SHA-256 that `x-acs-content-sha256` carries.
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// The hexadecimal signature of this request over these headers.
pub fn sign(request: &SignedRequest<'_>, signed_headers: &str, secret: &str) -> String {
    let text = string_to_sign(&canonical_request(request, signed_headers, EmptyHeader::Empty));
    hex::encode(hmac_sha256(secret, &text).finalize().into_bytes())
}

fn names(signed_headers: &str) -> impl Iterator<Item = &str> {
    signed_headers.split(';').filter(|name| !name.is_empty())
}

fn canonical_query(request: &SignedRequest<'_>) -> String {
    let mut pairs = query::pairs(request.raw_query.unwrap_or(""));
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    query::join(&pairs)
}

fn canonical_value<'a>(request: &SignedRequest<'a>, name: &str) -> Cow<'a, str> {
    let mut values: Vec<&str> = request
        .headers
        .iter()
        .filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect();
    match values.as_slice() {
        [] => Cow::Borrowed(""),
        [value] => Cow::Borrowed(value),
        _ => {
            values.sort_unstable();
            Cow::Owned(values.join(","))
        }
    }
}

pub(super) fn parse(credentials: &str, request: &SignedRequest<'_>) -> Result<Parsed, AuthorizationError> {
    const EXPECTED: &str = "expected \"ACS3-HMAC-SHA256 Credential=<id>,SignedHeaders=<name;name>,Signature=<hex>\"";
    let mut fields = [None; 3];
    for part in credentials.split(',').map(str::trim) {
        let (name, value) = part.split_once('=').ok_or(AuthorizationError::Malformed(EXPECTED.into()))?;
        let slot = ["Credential", "SignedHeaders", "Signature"].iter().position(|known| *known == name);
        let slot = slot.ok_or(AuthorizationError::Malformed(EXPECTED.into()))?;
        if fields[slot].replace(value).is_some() {
            return Err(AuthorizationError::Malformed(format!("{name} is given twice").into()));
        }
    }
    let [Some(id), Some(signed_headers), Some(signature)] = fields else {
        return Err(AuthorizationError::Malformed(EXPECTED.into()));
    };
    let signature = hex::decode(signature).map_err(|_| AuthorizationError::Malformed(EXPECTED.into()))?;
    if id.is_empty() || signature.is_empty() {
        return Err(AuthorizationError::Malformed(EXPECTED.into()));
    }
    let signed = |name: &str| names(signed_headers).any(|signed| signed.eq_ignore_ascii_case(name));
    let present = |name: &&str| request.header(name).is_some();
    let required = [ACS_DATE, CONTENT_SHA256].into_iter().chain([NONCE, SECURITY_TOKEN].into_iter().filter(present));
    if let Some(unsigned) = required.into_iter().find(|name| !signed(name)) {
        return Err(AuthorizationError::Unsigned(unsigned));
    }
    Ok(Parsed { access_key_id: id.to_owned(), signed_headers: signed_headers.to_owned(), signature })
}

pub(super) fn verify(
    request: &SignedRequest<'_>,
    signed_headers: &str,
    signature: &[u8],
    secret: &str,
) -> Result<(), GatewayError> {
    let text = |empty| string_to_sign(&canonical_request(request, signed_headers, empty));
    let matches = |empty: &EmptyHeader| hmac_sha256(secret, &text(*empty)).verify_slice(signature).is_ok();
    let hash_is_true = request.header_or_empty(CONTENT_SHA256).eq_ignore_ascii_case(&body_hash(request.body));
    if hash_is_true && [EmptyHeader::Empty, EmptyHeader::JavaNull].iter().any(matches) {
        return Ok(());
    }
    Err(GatewayError::signature_mismatch(&text(EmptyHeader::Empty)))
}
