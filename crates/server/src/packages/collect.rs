//! Packages that nothing refers to any more are removed.
//!
//! A package stays while any version of a living application has it: each may be gone back to. It stays for a day after it was last kept, because
//! a request may be on its way to make a version of it, and for a week where it was uploaded. If anything cannot be read, nothing is
//! removed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::{AppFilter, StoreError};
use sternway_core::template::package::Package;
use sternway_packages::{Digest, PackageError};
use tokio_util::sync::CancellationToken;

use super::{PackageService, uploads};
use crate::server::Shared;

/// Between two looks.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// Far longer than any request takes.
const GRACE: SignedDuration = SignedDuration::from_hours(24);
const ALL_VERSIONS: u32 = u32::MAX;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Packages(#[from] PackageError),
}

/// Collects now and then, until told to stop.
pub(crate) async fn run(shared: &Shared, stop: CancellationToken) {
    let Some(service) = &shared.packages else {
        return;
    };
    let clock = &shared.engine.ports().clock;
    while stop.run_until_cancelled(clock.sleep_until(clock.now() + INTERVAL)).await.is_some() {
        match collect(shared, service, clock.now()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "packages that nothing refers to were removed"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "packages could not be collected");
            }
        }
    }
}

/// Removes what is not needed at a moment; answers how many packages.
pub(crate) async fn collect(shared: &Shared, service: &PackageService, now: Timestamp) -> Result<usize, CollectError> {
    let records = shared.engine.ports().records.as_ref();
    let forgotten = now - uploads::KEPT_FOR;
    uploads::end_old(records, forgotten).await?;
    service.packages.drop_old_parts(forgotten).await?;
    // The list comes before the versions: what is kept while they are read is not in it.
    let there = service.packages.all().await?;
    let mut wanted = wanted_by_versions(shared).await?;
    for (key, upload) in uploads::all(records).await? {
        if upload.at < forgotten {
            uploads::forget(records, &key).await?;
        } else {
            wanted.extend(uploads::digest(&upload));
        }
    }
    let before = now - GRACE;
    let mut removed = 0;
    for (digest, kept_at) in there {
        if kept_at < before && !wanted.contains(&digest) && service.packages.remove(&digest, before).await? {
            removed += 1;
        }
    }
    Ok(removed)
}

async fn wanted_by_versions(shared: &Shared) -> Result<BTreeSet<Digest>, StoreError> {
    let store = &shared.engine.ports().store;
    let mut wanted = BTreeSet::new();
    for app in store.apps(AppFilter::default()).await? {
        let versions = store.versions(app.id, ALL_VERSIONS).await?;
        let packages = versions.iter().filter_map(|version| Package::of(&version.snapshot.template));
        wanted.extend(packages.filter_map(|package| Digest::parse(&package.digest)));
    }
    Ok(wanted)
}
