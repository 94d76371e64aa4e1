//! The audit log: who did what, when, from where, with which outcome. What an entry says, and how entries are chained.
//!
//! ```text
//!  entry 1 ──► hash 1 = SHA-256(1, zeros, entry 1)
//!                 └──► hash 2 = SHA-256(2, hash 1, entry 2)
//!                                  └──► hash 3 …                head: the last sequence and its hash
//! ```
//!
//! An entry is hashed as the text in which it is kept, so that whoever has that text (an export, a row) can check the chain with
//! nothing but SHA-256. A change of any entry breaks the chain there; a cut at the end breaks nothing, which is what heads that are kept
//! elsewhere are for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What the first entry's predecessor would have for a hash.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// When in the life of a request an entry was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Before an operation that changes anything is carried out.
    Asked,
    /// After an operation, before its answer goes out.
    Answered,
    /// The request never became an operation: not proven, not allowed.
    Refused,
}

impl Stage {
    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Answered => "answered",
            Self::Refused => "refused",
        }
    }
}

/// One entry. Nothing secret is in it: parameters are recorded by an allow-list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// At which stage.
    pub stage: Stage,
    /// Who; empty if that was not proven.
    pub user: String,
    /// The access key, as claimed where it was not proven.
    pub access_key_id: String,
    /// The address that the connection came from.
    pub source: String,
    /// The operation's name.
    pub operation: String,
    /// The application that it is about, if it is about one that is known.
    pub app_id: String,
    /// The parameters that are harmless, by name.
    pub parameters: BTreeMap<String, String>,
    /// The names of the other parameters that were given.
    pub withheld: Vec<String>,
    /// Ids that the answer named, such as ChangeOrderId.
    pub results: BTreeMap<String, String>,
    /// The Code of the answer, `200` for success; empty before there is one.
    pub code: String,
    /// By which the log, and the order that came of it, can be searched.
    pub trace_id: String,
    /// Attempts like this one that were not recorded since the last one that was: too many at a time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unrecorded: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Head {
    /// The last entry's number; 0 before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { sequence: 0, hash: GENESIS.to_owned() }
    }
}

impl Head {
    /// The link after this one.
    #[must_use]
    pub fn link(&self, document: String) -> Link {
        let sequence = self.sequence + 1;
        let hash = hash(sequence, &self.hash, &document);
        Link { sequence, previous: self.hash.clone(), hash, document }
    }

    /// Goes on to `link`, if it is the one that follows.
    ///
    /// # Errors
    /// [`Broken`] if it is not.
    pub fn follow(&mut self, link: &Link) -> Result<(), Broken> {
        let expected = self.sequence + 1;
        if link.sequence != expected {
            return Err(Broken::Missing { expected, found: link.sequence });
        }
        if link.previous != self.hash {
            return Err(Broken::Unlinked(link.sequence));
        }
        if link.hash != hash(link.sequence, &link.previous, &link.document) {
            return Err(Broken::Changed(link.sequence));
        }
        self.sequence = link.sequence;
        self.hash.clone_from(&link.hash);
        Ok(())
    }
}

/// An entry in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number, from 1.
    pub sequence: u64,
    /// The hash of the entry before.
    pub previous: String,
    /// Its own.
    pub hash: String,
    /// The [`Entry`], as the text that was hashed.
    pub document: String,
}

impl Link {
    /// What it says.
    ///
    /// # Errors
    /// If the text is no entry.
    pub fn entry(&self) -> serde_json::Result<Entry> {
        serde_json::from_str(&self.document)
    }

    /// As a line of an export, without its end.
    ///
    /// # Errors
    /// If the text is no JSON.
    pub fn line(&self) -> serde_json::Result<String> {
        let (previous, hash) = (self.previous.clone(), self.hash.clone());
        serde_json::to_string(&Line {
            sequence: self.sequence,
            previous,
            hash,
            entry: serde_json::from_str(&self.document)?,
        })
    }

    /// Reads a line of an export. An entry is compact JSON without fractions and keeps the sequence of its keys, so that its text comes back as it
    /// was hashed.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_line(line: &str) -> serde_json::Result<Self> {
        let Line { sequence, previous, hash, entry } = serde_json::from_str(line)?;
        Ok(Self { sequence, previous, hash, document: entry.to_string() })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    sequence: u64,
    previous: String,
    hash: String,
    entry: Value,
}

fn hash(sequence: u64, previous: &str, document: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("sternway-audit-1\n{sequence}\n{previous}\n"));
    digest.update(document);
    hex::encode(digest.finalize())
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Entries are missing, or one is there twice.
    #[error("entry {expected} should follow, and {found} does: entries were removed or added")]
    Missing {
        /// The number that should follow.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// It does not follow on the one before.
    #[error("entry {0} does not carry the hash of the entry before it: one of the two was replaced")]
    Unlinked(u64),
    /// Its content is not what was hashed.
    #[error("entry {0} was changed: its content does not have its hash")]
    Changed(u64),
    /// The end is not where it is known to have been.
    #[error("the log ends with entry {ends}, and entry {expected} was written: the end was cut off")]
    Cut {
        /// The last entry there is.
        ends: u64,
        /// The last one there was.
        expected: u64,
    },
    /// Another chain.
    #[error("entry {0} is not the one that was written: the log was written anew")]
    Rewritten(u64),
    /// It comes after the end that was sealed.
    #[error("entry {0} comes after the end of the log: it was not written by the server")]
    Unsealed(u64),
    /// The seal of the head does not open.
    #[error("the seal of the log's end is missing or not ours: the log or its end was replaced")]
    Seal,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: u64) -> Vec<Link> {
        let mut head = Head::default();
        let links = (1..=count).map(|number| {
            let link = head.link(format!("{{\"n\":{number}}}"));
            head.follow(&link).unwrap();
            link
        });
        links.collect()
    }

    fn verify(links: &[Link]) -> Result<(), Broken> {
        let mut head = Head::default();
        links.iter().try_for_each(|link| head.follow(link))
    }

    #[test]
    fn the_first_broken_entry_is_named() {
        let whole = chain(5);
        assert_eq!(verify(&whole), Ok(()));
        let mut changed = whole.clone();
        changed[2].document = "{\"n\":9}".to_owned();
        assert_eq!(verify(&changed), Err(Broken::Changed(3)));
        // Hashed anew, it is the next that does not follow.
        changed[2] = Head { sequence: 2, hash: whole[1].hash.clone() }.link("{\"n\":9}".to_owned());
        assert_eq!(verify(&changed), Err(Broken::Unlinked(4)));
        let mut removed = whole.clone();
        removed.remove(1);
        assert_eq!(verify(&removed), Err(Broken::Missing { expected: 2, found: 3 }));
        assert_eq!(verify(&whole[1..]), Err(Broken::Missing { expected: 1, found: 2 }));
        // What a chain alone cannot tell.
        assert_eq!(verify(&whole[..3]), Ok(()));
    }

    #[test]
    fn a_line_comes_back_as_the_text_that_was_hashed() {
        let link = Head::default().link(r#"{"b":1,"a":"<é>"}"#.to_owned());
        let line = link.line().unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(Link::from_line(&line).unwrap(), link);
    }
}
