//! The key that signs links to packages and temporary credentials.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use serde_json::json;
use sha2::Sha256;
use sternway_core::ports::{Record, Records, Secret, StoreError};

const KIND: &str = "package-key";
const ID: &str = "1";
const KEY_BYTES: usize = 32;
/// Digits of a name that only this installation has.
const NAME_DIGITS: usize = 12;

/// Signs texts, each for one purpose.
pub(crate) struct Keys(Vec<u8>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Keys(…)")
    }
}

impl Keys {
    /// The stored key; a new one at the first time. Of two that are made at the same moment, the one that was stored counts.
    pub(crate) async fn load_or_make(records: &dyn Records) -> Result<Self, StoreError> {
        if let Some(key) = Self::load(records).await? {
            return Ok(key);
        }
        let mut bytes = [0_u8; KEY_BYTES];
        rand::rng().fill(&mut bytes);
        let record = Record {
            kind: KIND.to_owned(),
            id: ID.to_owned(),
            owner: String::new(),
            revision: 1,
            document: json!({}),
            secret: Some(Secret::new(hex::encode(bytes))),
        };
        records.put_record(record).await?;
        let missing = || StoreError {
            doing: "keep the key of packages".to_owned(),
            source: "it is not there after it was written".into(),
        };
        Self::load(records).await?.ok_or_else(missing)
    }

    async fn load(records: &dyn Records) -> Result<Option<Self>, StoreError> {
        let record = records.record(KIND, ID).await?;
        let secret = record.and_then(|record| record.secret);
        Ok(secret.and_then(|secret| hex::decode(secret.reveal()).ok()).map(Self))
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC accepts a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(b"\n");
        mac.update(text.as_bytes());
        mac
    }

    /// The signature of a text for a purpose, in hex.
    pub(crate) fn sign(&self, purpose: &str, text: &str) -> String {
        hex::encode(self.mac(purpose, text).finalize().into_bytes())
    }

    /// Whether a signature is right; in constant time.
    pub(crate) fn verify(&self, purpose: &str, text: &str, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|signature| self.mac(purpose, text).verify_slice(&signature).is_ok())
    }

    /// The bucket of this installation: its name is nobody else's, so that a URL with it is known for an upload of ours wherever it points.
    pub(crate) fn bucket(&self) -> String {
        let name = self.sign("bucket", "");
        format!("sternway-{}", name.get(..NAME_DIGITS).unwrap_or_default())
    }
}
