//! Packages from a URL that a client names.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url, redirect};
use sternway_reach::{Reach, Refused, shown};

use crate::PackageError;
use crate::store::{Digest, Kept, Packages};

/// Repositories send to a mirror, and the mirror to a bucket.
const MOST_REDIRECTS: usize = 5;

/// How long a fetch may take. How much it may bring is for the store to say.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a connection is there.
    pub connect: Duration,
    /// Without a byte.
    pub silence: Duration,
    /// In all.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(30), total: Duration::from_secs(30 * 60) }
    }
}

/// A package that was fetched and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What is in the store now.
    pub kept: Kept,
    /// Where it came from, without user and query.
    pub url: String,
    /// The last part of its path; empty if there is none.
    pub file: String,
}

/// Fetches packages.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    reach: Reach,
    limits: Limits,
}

impl Fetcher {
    /// A fetcher within these limits.
    ///
    /// # Errors
    /// [`PackageError::Unreachable`] if TLS cannot be set up.
    pub fn new(reach: Reach, limits: Limits) -> Result<Self, PackageError> {
        let client = Client::builder()
            .dns_resolver(reach.resolver())
            .redirect(redirect::Policy::none())
            // A proxy would resolve names itself, past our eyes.
            .no_proxy()
            .connect_timeout(limits.connect)
            .read_timeout(limits.silence)
            .build()
            .map_err(|error| unreachable("(no host)", &error))?;
        Ok(Self { client, reach, limits })
    }

    /// Fetches the package at a URL and keeps it.
    ///
    /// # Errors
    /// Any [`PackageError`]; nothing is kept then.
    pub async fn fetch(
        &self,
        url: &str,
        expected: Option<&Digest>,
        packages: &Packages,
    ) -> Result<Fetched, PackageError> {
        let parsed: Url = url.parse().map_err(|_| PackageError::NotAUrl("(the given text)".to_owned()))?;
        let whole = async {
            let response = self.get(parsed.clone()).await?;
            if response.content_length().is_some_and(|length| length > packages.largest()) {
                return Err(PackageError::TooLarge(packages.largest()));
            }
            packages.keep(expected, chunks(response)).await
        };
        let kept = match tokio::time::timeout(self.limits.total, whole).await {
            Ok(kept) => kept?,
            Err(_) => return Err(PackageError::TooSlow(self.limits.total)),
        };
        Ok(Fetched { kept, url: shown(&parsed), file: file_name(&parsed) })
    }

    async fn get(&self, mut url: Url) -> Result<Response, PackageError> {
        for _ in 0..=MOST_REDIRECTS {
            self.reach.check(&url)?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let response = self.client.get(url.clone()).send().await;
            let response = response.map_err(|error| {
                Refused::within(&error).map_or_else(|| unreachable(&host, &error), |refused| refused.clone().into())
            })?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let next = response.headers().get(LOCATION).filter(|_| status.is_redirection());
            let next = next.and_then(|next| next.to_str().ok()).and_then(|next| url.join(next).ok());
            url = next.ok_or(PackageError::Status { host, status: status.as_u16() })?;
        }
        Err(PackageError::Redirects(MOST_REDIRECTS))
    }
}

fn chunks(response: Response) -> BoxStream<'static, Result<Bytes, String>> {
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let chunks = response.bytes_stream();
    chunks.map_err(move |error| unreachable(&host, &error).to_string()).boxed()
}

/// The innermost cause says it best, and no cause names the URL with what may be secret in it.
fn unreachable(host: &str, error: &reqwest::Error) -> PackageError {
    let mut reason = if error.is_timeout() { "it took too long".to_owned() } else { String::new() };
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| !reason.starts_with("it took")) {
        reason = error.to_string();
        cause = error.source();
    }
    PackageError::Unreachable { host: host.to_owned(), reason }
}

/// The last part of a URL's path, as far as it is made of what file names are made of.
fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    let name: String = last.chars().map(|character| if plain(character) { character } else { '_' }).collect();
    name.trim_start_matches('.').to_owned()
}
