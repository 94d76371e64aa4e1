//! Temporary credentials for uploads: good for an hour and for the names under one prefix.
//!
//! Nothing of them is stored. The token says what they are good for and is signed; the secret follows from the token. So the server knows its
//! own again after a restart.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys::Keys;

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

/// New credentials for a user.
pub(crate) fn issue(keys: &Keys, id: String, user: &str, now: Timestamp) -> Result<Temporary, serde_json::Error> {
    let claims = Claims { id, user: user.to_owned(), prefix: prefix(user), expires: (now + LIFE).as_second() };
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

/// A user's own folder. Names of users are plain; what is not becomes something that is.
fn prefix(user: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.@".contains(character);
    if !user.is_empty() && user.chars().all(plain) { user.to_owned() } else { hex::encode(user) }
}
