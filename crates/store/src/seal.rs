//! Secrets at rest: AES-256-GCM under the master key, each bound to the place where it is stored.
//!
//! ```text
//! format (1 byte, 1) │ nonce (12 bytes, random) │ ciphertext │ tag (16 bytes)
//! ```
//!
//! Table, column and row are authenticated with it, so that a sealed value copied to another row does not open there. Nonces
//! are random: one key must not seal more than 2^32 values, which access keys and kubeconfigs never reach.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use sternway_core::ports::Secret;
use zeroize::Zeroizing;

/// The first byte of every sealed value.
const FORMAT: u8 = 1;

/// Where a secret is stored. It opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table.
    pub(crate) table: &'static str,
    /// The column.
    pub(crate) column: &'static str,
    /// The row's id.
    pub(crate) row: &'a str,
}

impl Place<'_> {
    /// Unambiguous: only the row, which comes last, may contain a slash.
    fn authenticated(&self) -> Aad<String> {
        Aad::from(format!("{}/{}/{}", self.table, self.column, self.row))
    }
}

/// A sealed value that does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnsealError {
    /// It is not in a form that this version knows.
    #[error("a sealed value is not in a known form")]
    Form,
    /// Another key sealed it, or it was changed, or it was sealed for another place.
    #[error("a sealed value does not open: it was sealed by another master key, or it was changed")]
    Refused,
    /// What was sealed is no text.
    #[error("a sealed value is not a text")]
    NotText,
}

/// Sealing itself failed: the system has no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the value could not be sealed")]
pub(crate) struct SealError;

/// The key that seals secrets. It is never stored beside them.
pub struct MasterKey(RandomizedNonceKey);

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

/// A key that is not 32 bytes long.
#[derive(Debug, thiserror::Error)]
#[error("a master key has 32 bytes")]
pub(crate) struct WrongLength;

impl MasterKey {
    /// Length in bytes.
    pub(crate) const LENGTH: usize = 32;

    /// The key of these bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, WrongLength> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).map(Self).map_err(|_| WrongLength)
    }

    /// Seals a text for a place.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let mut text = Zeroizing::new(secret.reveal().as_bytes().to_vec());
        let (nonce, tag) =
            self.0.seal_in_place_separate_tag(place.authenticated(), &mut text).map_err(|_| SealError)?;
        // From here on `text` is ciphertext.
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`MasterKey::seal`] made for the same place.
    pub(crate) fn unseal(&self, place: Place<'_>, sealed: &[u8]) -> Result<Secret, UnsealError> {
        let (format, rest) = sealed.split_first().ok_or(UnsealError::Form)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(UnsealError::Form)?;
        if *format != FORMAT {
            return Err(UnsealError::Form);
        }
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let text = self
            .0
            .open_in_place(Nonce::from(nonce), place.authenticated(), &mut buffer)
            .map_err(|_| UnsealError::Refused)?;
        let text = std::str::from_utf8(text).map_err(|_| UnsealError::NotText)?;
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "access_keys", column: "sealed_secret", row: "LTAI1" };

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes(&[byte; MasterKey::LENGTH]).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let secret = Secret::new("correct horse");
        let sealed = key(1).seal(PLACE, &secret).unwrap();
        assert_eq!(key(1).unseal(PLACE, &sealed), Ok(secret));

        assert_eq!(key(2).unseal(PLACE, &sealed), Err(UnsealError::Refused));
        for elsewhere in
            [Place { table: "clusters", ..PLACE }, Place { column: "owner", ..PLACE }, Place { row: "LTAI2", ..PLACE }]
        {
            assert_eq!(key(1).unseal(elsewhere, &sealed), Err(UnsealError::Refused), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let sealed = key(1).seal(PLACE, &Secret::new("text")).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(key(1).unseal(PLACE, &changed).is_err(), "byte {index}");
            assert!(key(1).unseal(PLACE, &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        let secret = Secret::new("text");
        assert_ne!(key(1).seal(PLACE, &secret).unwrap(), key(1).seal(PLACE, &secret).unwrap());
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(MasterKey::from_bytes(&[0; 31]).is_err());
        assert!(MasterKey::from_bytes(&[0; 33]).is_err());
    }
}
