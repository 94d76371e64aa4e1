//! Temporary credentials for uploads: good for an hour and for the names under one prefix.
//!
//! Nothing of them is stored. The token says what they are good for and is signed; the secret follows from the token. So the server knows its
//! own again after a restart. They are good only as long as the key that asked for them.
//!
//! A prefix is one principal's, so that nobody reads or replaces under another's; a package itself is named by its digest and is never replaced.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::authentication::Caller;

const TOKEN: &str = "upload token";
const SECRET: &str = "upload secret";
/// The least that Alibaba Cloud gives temporary credentials.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// What credentials are good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The AccessKeyId.
    pub(crate) id: String,
    /// Who asked for them.
    pub(crate) user: String,
    /// By which access key.
    pub(crate) key: String,
    /// All names begin with it and a slash.
    pub(crate) prefix: String,
    /// In seconds since 1970.
    pub(crate) expires: i64,
}

/// What a client gets.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) claims: Claims,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// New credentials for a caller.
pub(crate) fn issue(keys: &Keys, id: String, caller: &Caller, now: Timestamp) -> Result<Temporary, serde_json::Error> {
    let claims = Claims {
        id,
        user: caller.user.clone(),
        key: caller.access_key_id.clone(),
        prefix: prefix(&caller.user),
        expires: (now + LIFE).as_second(),
    };
    let text = hex::encode(serde_json::to_vec(&claims)?);
    let token = format!("{text}.{}", keys.sign(TOKEN, &text));
    let secret = keys.sign(SECRET, &token);
    Ok(Temporary { claims, secret, token })
}

/// The claims of a token and the secret that goes with it; `None` if it is not ours.
pub(crate) fn open(keys: &Keys, token: &str) -> Option<(Claims, String)> {
    let (text, signature) = token.split_once('.')?;
    if !keys.verify(TOKEN, text, signature) {
        return None;
    }
    let claims = serde_json::from_slice(&hex::decode(text).ok()?).ok()?;
    Some((claims, keys.sign(SECRET, token)))
}

/// A principal's own folder. Names of users are plain; what is not becomes something that no user can be called.
fn prefix(user: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.@".contains(character);
    if !user.is_empty() && user.chars().all(plain) { user.to_owned() } else { format!("~{}", hex::encode(user)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_principals_share_a_prefix() {
        let session = prefix("deployer/alice");
        assert_eq!(session, "~6465706c6f7965722f616c696365");
        for other in ["6465706c6f7965722f616c696365", "deployer", "alice", "~6465706c6f7965722f616c696365"] {
            assert_ne!(prefix(other), session, "{other}");
        }
        assert_eq!(prefix("alice@shop"), "alice@shop");
    }
}
