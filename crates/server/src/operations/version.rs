//! ListHistoryDeployVersion. A version's id is its number: short enough to be typed, and the one that task messages show.

use std::sync::Arc;

use sternway_core::ids::VersionNumber;
use sternway_core::version::Version;
use sternway_wire::codes::PackageType;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{ListHistoryDeployVersion, PackageVersion};

use crate::call::Call;
use crate::failure::Failure;

/// As far back as anybody goes.
pub(crate) const MOST_VERSIONS: u32 = 100;

/// ListHistoryDeployVersion
pub(crate) async fn list(call: Arc<Call>) -> Result<ListHistoryDeployVersion, Failure> {
    let app = call.app().await?;
    let versions = call.store().versions(app.id, MOST_VERSIONS).await?;
    Ok(ListHistoryDeployVersion { package_version_list: versions.iter().map(shown).collect() })
}

/// The version that a PackageVersionId names.
pub(crate) fn parse(id: &str) -> Result<VersionNumber, BusinessError> {
    let number = id.parse().map(VersionNumber);
    number.map_err(|_| BusinessError::version_not_found(id))
}

fn shown(version: &Version) -> PackageVersion {
    let image = version.snapshot.template.image();
    PackageVersion {
        app_id: version.app.to_string(),
        create_time: version.created_at.as_millisecond(),
        description: version.description.clone(),
        id: version.number.to_string(),
        package_version: version.package_version.clone(),
        public_url: image.to_owned(),
        r#type: PackageType::Image.code().to_owned(),
        update_time: version.created_at.as_millisecond(),
        war_url: image.to_owned(),
    }
}
