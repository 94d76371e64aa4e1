//! ListHistoryDeployVersion. A version's id is its number: short enough to be typed, and the one that task messages show.

use std::sync::Arc;

use sternway_core::ids::VersionNumber;
use sternway_core::template::package::{Package, PackageKind};
use sternway_core::version::Version;
use sternway_packages::Digest;
use sternway_wire::codes::PackageType;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{ListHistoryDeployVersion, PackageVersion};

use crate::call::Call;
use crate::failure::Failure;
use crate::packages::link;

/// As far back as anybody goes.
pub(crate) const MOST_VERSIONS: u32 = 100;

/// ListHistoryDeployVersion
pub(crate) async fn list(call: Arc<Call>) -> Result<ListHistoryDeployVersion, Failure> {
    let app = call.app().await?;
    let versions = call.store().versions(app.id, MOST_VERSIONS).await?;
    let mut package_version_list: Vec<_> = versions.iter().map(shown).collect();
    if let Some(service) = &call.shared.packages
        && let Some(server) = service.public_url()
    {
        let keys = service.keys(call.records()).await?;
        for (version, shown) in versions.iter().zip(&mut package_version_list) {
            if let Some(package) = Package::of(&version.snapshot.template)
                && let Some(digest) = Digest::parse(&package.digest)
            {
                shown.public_url = link::for_people(keys, server, app.id, &digest, &package.file, call.now());
            }
        }
    }
    Ok(ListHistoryDeployVersion { package_version_list })
}

/// The version that a PackageVersionId names.
pub(crate) fn parse(id: &str) -> Result<VersionNumber, BusinessError> {
    let number = id.parse().map(VersionNumber);
    number.map_err(|_| BusinessError::version_not_found(id))
}

fn shown(version: &Version) -> PackageVersion {
    let template = &version.snapshot.template;
    let package = Package::of(template);
    let kind = package.as_ref().map_or(PackageType::Image, |package| match package.kind {
        PackageKind::FatJar => PackageType::FatJar,
        PackageKind::War => PackageType::War,
    });
    let url = package.map_or_else(|| template.image().to_owned(), |package| package.url);
    PackageVersion {
        app_id: version.app.to_string(),
        create_time: version.created_at.as_millisecond(),
        description: version.description.clone(),
        id: version.number.to_string(),
        package_version: version.package_version.clone(),
        public_url: url.clone(),
        r#type: kind.code().to_owned(),
        update_time: version.created_at.as_millisecond(),
        war_url: url,
    }
}
