//! Links by which packages are downloaded.
//!
//! A link in a pod template lives as long as a version of the application refers to the package: pods are made from the template months later and
//! after restarts, so a date in it would be wrong whatever it is. It names application and digest, is signed, and is refused once the
//! application is deleted or the package collected ([`super::download`]). Who knows it can read this one package. It is the same
//! each time it is made, so that it makes no template differ. Links for people carry a date as well.

use jiff::{SignedDuration, Timestamp};
use sternway_core::ids::AppId;
use sternway_packages::Digest;

use super::keys::Keys;

const PURPOSE: &str = "download";
/// Where links lead.
pub(crate) const PATH: &str = "/packages/{app}/{digest}/{file}";
/// Long enough to click it, or to give it to a tool.
const FOR_PEOPLE: SignedDuration = SignedDuration::from_hours(1);

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    pub(crate) app: AppId,
    pub(crate) digest: &'a Digest,
    /// In seconds since 1970; none for pods.
    pub(crate) expires: Option<i64>,
}

impl Link<'_> {
    fn text(&self) -> String {
        let expires = self.expires.map(|expires| expires.to_string()).unwrap_or_default();
        format!("{}\n{}\n{expires}", self.app, self.digest)
    }

    /// Whether the signature is this link's.
    pub(crate) fn is_signed(&self, keys: &Keys, signature: &str) -> bool {
        keys.verify(PURPOSE, &self.text(), signature)
    }

    /// Whether its date is over.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now.as_second())
    }

    fn url(&self, keys: &Keys, server: &str, file: &str) -> String {
        let signature = keys.sign(PURPOSE, &self.text());
        let expires = self.expires.map(|expires| format!("expires={expires}&")).unwrap_or_default();
        format!("{server}/packages/{}/{}/{file}?{expires}signature={signature}", self.app, self.digest)
    }
}

/// The link for pods.
pub(crate) fn for_pods(keys: &Keys, server: &str, app: AppId, digest: &Digest, file: &str) -> String {
    Link { app, digest, expires: None }.url(keys, server, file)
}

/// A link for people, good for an hour.
pub(crate) fn for_people(keys: &Keys, server: &str, app: AppId, digest: &Digest, file: &str, now: Timestamp) -> String {
    Link { app, digest, expires: Some((now + FOR_PEOPLE).as_second()) }.url(keys, server, file)
}
