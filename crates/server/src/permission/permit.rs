//! What one caller may do, for the length of one request.

use sternway_access::{Action, Circumstances, Grants, Question, Resource, Unusable, Verdict};
use sternway_wire::error::GatewayError;

use super::ROOT_USER;
use crate::authentication::Caller;
use crate::failure::Failure;
use crate::identity::{self, ACCOUNT};
use crate::origin::Origin;
use crate::server::Shared;

/// What a caller's policies allow, as things are.
#[derive(Debug)]
pub(crate) struct Permit {
    principal: String,
    /// `None`: everything.
    grants: Option<Grants>,
    circumstances: Circumstances,
}

impl Permit {
    /// That of a proven caller. The directory is read for every request, so that a right that is taken away is gone with the next one.
    pub(crate) async fn of(shared: &Shared, caller: &Caller, origin: Origin) -> Result<Self, Failure> {
        let ports = shared.engine.ports();
        let circumstances = Circumstances { now: ports.clock.now(), address: origin.address, secure: origin.secure };
        let permit = |grants| Self { principal: caller.user.clone(), grants, circumstances };
        if caller.session.is_none() && caller.user == ROOT_USER {
            return Ok(permit(None));
        }
        let (directory, _) = identity::read(ports.records.as_ref()).await?;
        let grants = match &caller.session {
            Some(session) => directory.grants_of_role(&session.role, session.policy.as_deref()),
            None => directory.grants_of_user(&caller.user),
        };
        match grants {
            Ok(grants) => Ok(permit(Some(grants))),
            Err(Unusable::Gone(_)) => Ok(permit(Some(Grants::default()))),
            Err(unusable @ Unusable::Policy { .. }) => Err(Failure::Internal(Box::new(unusable))),
        }
    }

    /// Whether nothing needs to be asked.
    pub(crate) fn is_root(&self) -> bool {
        self.grants.is_none()
    }

    /// When and from where.
    pub(crate) fn circumstances(&self) -> &Circumstances {
        &self.circumstances
    }

    /// Whether the caller may do this to that: for the items of a list.
    pub(crate) fn allows(&self, action: Action, resource: &Resource) -> bool {
        self.verdict(action, resource) == Verdict::Allowed
    }

    /// Refuses what the caller may not do.
    pub(crate) fn require(&self, action: Action, resource: &Resource) -> Result<(), GatewayError> {
        let explicit = match self.verdict(action, resource) {
            Verdict::Allowed => return Ok(()),
            Verdict::Denied => true,
            Verdict::NotAllowed => false,
        };
        Err(GatewayError::forbidden(&self.principal, action.name(), &resource.name(ACCOUNT), explicit))
    }

    fn verdict(&self, action: Action, resource: &Resource) -> Verdict {
        match &self.grants {
            None => Verdict::Allowed,
            Some(grants) => {
                let question = Question { action, resource, account: ACCOUNT, circumstances: &self.circumstances };
                grants.verdict(&question)
            }
        }
    }
}
