//! Who sent this request, and is it what they sent?
//!
//! Two schemes are in use: [`roa`] (HMAC-SHA1, the default of the older SDKs) and [`acs3`] (HMAC-SHA256, the default of
//! the newer ones). Checking has two phases, because the secret lives elsewhere:
//!
//! ```text
//! Claim::parse(&request)  ─► access key id ─► (look up the secret) ─► claim.verify(&request, secret)
//!        └─► claim.check_clock(now, ..)                                    └─► replay::NonceCache::admit
//! ```
//!
//! A claim proves nothing until `verify` has said so. The digests in the canonical strings are always computed from the
//! body that really came, never copied from a header, so that a changed body is a changed signature. Signing, for the
//! command line and for tests, is in [`client`].

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};

use crate::error::GatewayError;
use crate::query;

pub mod acs3;
pub mod client;
pub mod roa;

/// How far a client's clock may be from ours, as EDAS documents it.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

/// Longer than any SDK's nonce (32 to 64 characters); keeps the replay cache small.
const LONGEST_NONCE: usize = 128;

const AUTHORIZATION: &str = "authorization";
const DATE: &str = "date";
const ACS_DATE: &str = "x-acs-date";
const CONTENT_SHA256: &str = "x-acs-content-sha256";
const NONCE: &str = "x-acs-signature-nonce";
const SECURITY_TOKEN: &str = "x-acs-security-token";
const SIGNATURE_METHOD: &str = "x-acs-signature-method";

/// A request as it came over the wire, before anything was decoded.
///
/// `headers` may have names in any case. Over HTTP/2 the caller supplies `host` from the authority.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    pub method: &'a str,
    pub raw_path: &'a str,
    /// What stood after `?`, undecoded; `None` when there was no `?`.
    pub raw_query: Option<&'a str>,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

impl<'a> SignedRequest<'a> {
    /// The first header of that name, whatever the case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn header_or_empty(&self, name: &str) -> &'a str {
        self.header(name).unwrap_or("")
    }
}

/// The two signature schemes of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: acs <id>:<base64>`, HMAC-SHA1.
    Roa,
    /// `Authorization: ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=..`.
    Acs3,
}

/// Why an `Authorization` header could not even be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    #[error("the Authorization header is missing; sign the request with an access key")]
    Missing,
    #[error("the Authorization header is malformed: {0}")]
    Malformed(Cow<'static, str>),
    #[error("the Authorization scheme \"{0}\" is not supported; use \"acs\" (HMAC-SHA1) or \"ACS3-HMAC-SHA256\"")]
    UnknownScheme(String),
    #[error("the header {0} must be among the SignedHeaders")]
    Unsigned(&'static str),
}

impl From<AuthorizationError> for GatewayError {
    fn from(error: AuthorizationError) -> Self {
        Self::incomplete_signature(error.to_string())
    }
}

/// What a request says about its sender; true only once [`Claim::verify`] has returned `Ok`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub access_key_id: String,
    pub scheme: Scheme,
    /// When the client says it signed.
    pub timestamp: Timestamp,
    /// Absent from the Python and Go core SDKs; when present it is part of what was signed.
    pub nonce: Option<String>,
    pub security_token: Option<String>,
    proof: Proof,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    Roa { signature: Vec<u8> },
    Acs3 { signed_headers: String, signature: Vec<u8> },
}

impl Claim {
    /// Reads the claim without believing it.
    pub fn parse(request: &SignedRequest<'_>) -> Result<Self, GatewayError> {
        let header = request.header(AUTHORIZATION).map(str::trim).filter(|value| !value.is_empty());
        let header = header.ok_or(AuthorizationError::Missing)?;
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        let (scheme, access_key_id, proof) = if scheme.eq_ignore_ascii_case(roa::SCHEME) {
            let (id, signature) = roa::parse(rest, request)?;
            (Scheme::Roa, id, Proof::Roa { signature })
        } else if scheme.eq_ignore_ascii_case(acs3::SCHEME) {
            let parsed = acs3::parse(rest, request)?;
            let proof = Proof::Acs3 { signed_headers: parsed.signed_headers, signature: parsed.signature };
            (Scheme::Acs3, parsed.access_key_id, proof)
        } else {
            return Err(AuthorizationError::UnknownScheme(scheme.chars().take(40).collect()).into());
        };
        let nonce = request.header(NONCE).filter(|nonce| !nonce.is_empty());
        if nonce.is_some_and(|nonce| nonce.len() > LONGEST_NONCE) {
            let reason = format!("{NONCE} is longer than {LONGEST_NONCE} characters");
            return Err(AuthorizationError::Malformed(reason.into()).into());
        }
        Ok(Self {
            access_key_id,
            scheme,
            timestamp: timestamp(request, scheme)?,
            nonce: nonce.map(str::to_owned),
            security_token: security_token(request),
            proof,
        })
    }

    /// Checks the signature over the whole request, in constant time.
    pub fn verify(&self, request: &SignedRequest<'_>, secret: &str) -> Result<(), GatewayError> {
        match &self.proof {
            Proof::Roa { signature } => roa::verify(request, signature, secret),
            Proof::Acs3 { signed_headers, signature } => acs3::verify(request, signed_headers, signature, secret),
        }
    }

    /// Refuses a request signed too long before or after `now`.
    pub fn check_clock(&self, now: Timestamp, tolerance: SignedDuration) -> Result<(), GatewayError> {
        if now.duration_since(self.timestamp).abs() <= tolerance {
            return Ok(());
        }
        Err(GatewayError::timestamp_expired(self.timestamp, now))
    }
}

/// The token of a temporary key: in its header, or in the query as the SDKs of other products send it. Both schemes sign both.
fn security_token(request: &SignedRequest<'_>) -> Option<String> {
    let in_header = request.header(SECURITY_TOKEN).filter(|token| !token.is_empty()).map(str::to_owned);
    in_header.or_else(|| {
        let pairs = query::pairs(request.raw_query.unwrap_or(""));
        pairs.into_iter().find_map(|(name, value)| (name == "SecurityToken" && !value.is_empty()).then_some(value))
    })
}

/// The moment of signing: `Date` of the older scheme, `x-acs-date` of the newer; the older may use the newer's header.
fn timestamp(request: &SignedRequest<'_>, scheme: Scheme) -> Result<Timestamp, GatewayError> {
    let date = match scheme {
        Scheme::Roa => request.header(DATE),
        Scheme::Acs3 => None,
    };
    if let Some(date) = date {
        return jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(date)
            .map_err(|_| GatewayError::timestamp_malformed("Date", date, "Thu, 01 Jan 2026 00:00:00 GMT"));
    }
    let text = request.header_or_empty(ACS_DATE);
    text.parse().map_err(|_| match scheme {
        Scheme::Roa => GatewayError::timestamp_malformed("Date", text, "Thu, 01 Jan 2026 00:00:00 GMT"),
        Scheme::Acs3 => GatewayError::timestamp_malformed(ACS_DATE, text, "2026-01-01T00:00:00Z"),
    })
}

/// A keyed digest; HMAC takes a key of any length, so there is no failure to report.
macro_rules! keyed {
    ($name:ident, $digest:ty) => {
        pub(crate) fn $name(secret: &str, text: &str) -> Hmac<$digest> {
            let mut mac = Hmac::<$digest>::new_from_slice(secret.as_bytes()).expect("HMAC accepts a key of any length");
            mac.update(text.as_bytes());
            mac
        }
    };
}
keyed!(hmac_sha1, sha1::Sha1);
keyed!(hmac_sha256, sha2::Sha256);

pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

pub(crate) fn encode_base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

#[cfg(test)]
mod tests;
