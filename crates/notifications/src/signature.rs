//! Signatures: of Standard Webhooks for CloudEvents, and what the robots of DingTalk and Feishu ask for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use rand::Rng as _;
use sha2::Sha256;

/// What keys of Standard Webhooks begin with.
const PREFIX: &str = "whsec_";
/// What Standard Webhooks allows, in bytes.
const SHORTEST: usize = 24;
const LONGEST: usize = 64;
const FRESH: usize = 32;

/// A key of Standard Webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key is whsec_ and {SHORTEST} to {LONGEST} bytes in Base64, as Standard Webhooks has it; without one, a key is made"
)]
pub struct KeyError;

impl SigningKey {
    /// A new key, from the system's randomness.
    pub fn fresh() -> Self {
        let mut bytes = vec![0_u8; FRESH];
        rand::rng().fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// A key, as written.
    ///
    /// # Errors
    /// The text is not such a key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE64.decode(text).ok()).ok_or(KeyError)?;
        if (SHORTEST..=LONGEST).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(KeyError) }
    }

    /// The key itself; the caller takes care where it goes.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// The value of the header `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut text = format!("{id}.{timestamp}.").into_bytes();
        text.extend(body);
        format!("v1,{}", BASE64.encode(hmac_sha256(&self.0, &text)))
    }
}

/// DingTalk's: `timestamp` in milliseconds and `sign`, for the URL's query. HMAC of the time and the secret, by the secret.
pub(crate) fn dingtalk(secret: &str, now: Timestamp) -> (String, String) {
    let timestamp = now.as_millisecond().to_string();
    let sign = hmac_sha256(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes());
    (timestamp, BASE64.encode(sign))
}

/// Feishu's: `timestamp` in seconds and `sign`, for the body. HMAC of nothing, by the time and the secret.
pub(crate) fn feishu(secret: &str, now: Timestamp) -> (String, String) {
    let timestamp = now.as_second().to_string();
    let sign = hmac_sha256(format!("{timestamp}\n{secret}").as_bytes(), &[]);
    (timestamp, BASE64.encode(sign))
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        // The example that the libraries of Standard Webhooks test themselves by.
        let key = SigningKey::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = key.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn robots_get_what_their_documentation_asks_for() {
        // Computed with Python's hmac and base64, by the programs in the documentation of both.
        let now = "2026-11-26T04:00:00.5Z".parse().unwrap();
        let secret = "SECthis-is-secret";
        assert_eq!(
            dingtalk(secret, now),
            ("1795665600500".to_owned(), "ZrJZIkJb6n/q953g+3O8B9tVB/WRTAAr8124Sr+m5i8=".to_owned())
        );
        assert_eq!(
            feishu(secret, now),
            ("1795665600".to_owned(), "Xi0vt3ZN2LDVxvqjVeErQ4E+NnJt9kQaAE6NLnJaEQ4=".to_owned())
        );
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = SigningKey::fresh();
        assert_eq!(SigningKey::parse(&key.reveal()), Ok(key.clone()));
        assert!(!format!("{key:?}").contains(&key.reveal()[PREFIX.len()..]));
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_!!!!"] {
            assert_eq!(SigningKey::parse(bad), Err(KeyError), "{bad}");
        }
    }
}
