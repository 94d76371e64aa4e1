//! Fetches that outlast the request that began them.
//!
//! Clients wait 10 s for an answer, and a large package takes longer. A request that cannot wait is told to come again; the fetch goes on, and the
//! same request finds it. What nobody comes back for is forgotten; its package is collected like any that nothing refers to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use sternway_packages::{Digest, Fetched, Fetcher, PackageError, Packages};
use tokio::task::JoinSet;

/// A fetch and its result, for as many as ask.
type Job = Shared<BoxFuture<'static, Result<Fetched, Arc<PackageError>>>>;

/// Longer than any fetch takes.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// More at a time would only be slower.
const MOST_AT_A_TIME: usize = 64;

/// Why there is no package now.
#[derive(Debug)]
pub(crate) enum NotYet {
    /// It is still coming.
    Coming,
    /// Too many others are.
    Busy,
    /// It will not come.
    Failed(Arc<PackageError>),
}

pub(crate) struct Fetching {
    fetcher: Fetcher,
    jobs: Mutex<HashMap<String, (Timestamp, Job)>>,
    /// Ends with the server.
    tasks: Mutex<JoinSet<()>>,
}

impl std::fmt::Debug for Fetching {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fetching").finish_non_exhaustive()
    }
}

impl Fetching {
    pub(crate) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, jobs: Mutex::default(), tasks: Mutex::default() }
    }

    /// The package at a URL, if it is there within `patience`. Once told, a result is not told again: the next request fetches anew.
    pub(crate) async fn fetch(
        &self,
        url: &str,
        expected: Option<&Digest>,
        packages: &Packages,
        patience: Duration,
        now: Timestamp,
    ) -> Result<Fetched, NotYet> {
        let name = format!("{}\n{url}", expected.map_or("", Digest::as_str));
        let job = self.job(&name, url, expected, packages, now).ok_or(NotYet::Busy)?;
        let result = tokio::time::timeout(patience, job).await.map_err(|_| NotYet::Coming)?;
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        result.map_err(NotYet::Failed)
    }

    fn job(
        &self,
        name: &str,
        url: &str,
        expected: Option<&Digest>,
        packages: &Packages,
        now: Timestamp,
    ) -> Option<Job> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.retain(|_, (began, _)| now.duration_since(*began) < FORGOTTEN_AFTER);
        if let Some((_, job)) = jobs.get(name) {
            return Some(job.clone());
        }
        if jobs.len() >= MOST_AT_A_TIME {
            return None;
        }
        let (fetcher, packages, url, expected) =
            (self.fetcher.clone(), packages.clone(), url.to_owned(), expected.cloned());
        let fetch = async move { fetcher.fetch(&url, expected.as_ref(), &packages).await.map_err(Arc::new) };
        let job = fetch.boxed().shared();
        jobs.insert(name.to_owned(), (now, job.clone()));
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(job.clone().map(drop));
        Some(job)
    }
}
