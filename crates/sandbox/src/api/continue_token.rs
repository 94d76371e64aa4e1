//! Continue tokens: where a paginated list goes on, and at which revision.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use serde_json::{Value, json};

use super::go_json;
use crate::status::Status;

/// Base64 that, as a real server's decoder does, does not mind stray bits at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// A decoded token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContinueToken {
    /// `None` continues at the present: the list is then not consistent with its first page.
    pub(super) revision: Option<u64>,
    /// The last object already given, as (namespace, name).
    pub(super) after: (String, String),
}

impl ContinueToken {
    /// The opaque text: the version of its layout, the revision and the first key not yet given.
    pub(super) fn encode(&self) -> String {
        let revision: i64 = self.revision.and_then(|revision| revision.try_into().ok()).unwrap_or(-1);
        let start = format!("{}/{}\u{0}", self.after.0, self.after.1);
        let value = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start});
        BASE64.encode(value.to_string())
    }

    /// Reads a token.
    ///
    /// # Errors
    /// 400 for anything that [`ContinueToken::encode`] did not write.
    pub(super) fn decode(text: &str) -> Result<Self, Status> {
        let invalid =
            |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = BASE64
            .decode(text)
            .map_err(|error| invalid(format!("illegal base64 data at input byte {}", offset(&error, text))))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| invalid(go_json::explain(&bytes)))?;
        if value["v"] != "meta.k8s.io/v1" {
            let version = value["v"].as_str().unwrap_or_default();
            return Err(invalid(format!("server does not recognize this encoded version {version:?}")));
        }
        let revision = value["rv"].as_i64().unwrap_or(0);
        if revision == 0 {
            return Err(invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)".into()));
        }
        let start = value["start"].as_str().unwrap_or_default().trim_end_matches('\u{0}');
        let (namespace, name) = start.rsplit_once('/').unwrap_or(("", start));
        if name.is_empty() {
            return Err(invalid("encoded start key empty (version meta.k8s.io/v1)".into()));
        }
        let after = (namespace.trim_start_matches('/').to_owned(), name.to_owned());
        Ok(Self { revision: u64::try_from(revision).ok(), after })
    }
}

fn offset(error: &base64::DecodeError, text: &str) -> usize {
    match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => *at,
        _ => text.len(),
    }
}
