//! What one caller may do, for the length of one request.

use sternway_access::{Action, Resource};
use sternway_wire::error::GatewayError;

use super::ROOT_USER;
use crate::authentication::Caller;

/// The id of the one account there is, as it stands in the names of resources.
const ACCOUNT: &str = "1";

/// What a caller's policies allow.
#[derive(Debug)]
pub(crate) struct Permit {
    user: String,
}

impl Permit {
    /// That of a proven caller.
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { user: caller.user.clone() }
    }

    /// Whether nothing needs to be asked.
    pub(crate) fn is_root(&self) -> bool {
        self.user == ROOT_USER
    }

    /// Whether the caller may do this to that: for the items of a list.
    pub(crate) fn allows(&self, _action: Action, _resource: &Resource) -> bool {
        self.is_root()
    }

    /// Refuses what the caller may not do.
    pub(crate) fn require(&self, action: Action, resource: &Resource) -> Result<(), GatewayError> {
        if self.allows(action, resource) {
            return Ok(());
        }
        Err(GatewayError::forbidden(&self.user, action.name(), &resource.name(ACCOUNT)))
    }
}
