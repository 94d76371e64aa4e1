//! May this user do this to that? One hook, asked once for every operation, before anything is read or written.
//!
//! For now there is one user, the root user, who may do everything; any other is refused everything.

use sternway_wire::error::GatewayError;
use sternway_wire::parameters::Parameters;

/// The user that the first access key belongs to.
pub const ROOT_USER: &str = "root";

/// What an operation does, in EDAS's own words for permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    ReadApplication,
    ManageApplication,
    ReadCluster,
    ManageCluster,
    ReadNamespace,
    ManageNamespace,
}

impl Action {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ReadApplication => "edas:ReadApplication",
            Self::ManageApplication => "edas:ManageApplication",
            Self::ReadCluster => "edas:ReadCluster",
            Self::ManageCluster => "edas:ManageCluster",
            Self::ReadNamespace => "edas:ReadNamespace",
            Self::ManageNamespace => "edas:ManageNamespace",
        }
    }
}

/// What a request is about, as it names it: the parameter and its value; `*` where it names nothing.
pub(crate) fn resource(parameters: &Parameters) -> String {
    const NAMES: [&str; 6] = ["AppId", "ChangeOrderId", "PipelineId", "TaskId", "ClusterId", "RegionTag"];
    let named = NAMES.iter().find_map(|name| {
        let value = parameters.optional(name).ok().flatten()?;
        Some(format!("{name}/{value}"))
    });
    named.unwrap_or_else(|| "*".to_owned())
}

/// Refuses what the user may not do.
pub(crate) fn authorize(user: &str, action: Action, resource: &str) -> Result<(), GatewayError> {
    if user == ROOT_USER {
        return Ok(());
    }
    Err(GatewayError::forbidden(user, action.name(), resource))
}
