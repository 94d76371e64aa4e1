//! Who sent this request? The key, the signature, the clock and the nonce, in this sequence.
//!
//! A nonce is remembered only after the signature was found good, so that nobody can spend another's nonces. A temporary key needs its token
//! too, which is looked at last: a stranger learns nothing about it.

use std::sync::PoisonError;

use sternway_core::ports::Secret;
use sternway_wire::error::GatewayError;
use sternway_wire::signature::{Claim, SignedRequest};

use crate::failure::Failure;
use crate::identity::session::{PREFIX, RoleSession, TemporaryKey};
use crate::server::Shared;

/// Who asks, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) access_key_id: String,
    /// The user, or `<role>/<session>` of one who took on a role.
    pub(crate) user: String,
    /// The role that was taken on.
    pub(crate) session: Option<RoleSession>,
}

impl Caller {
    /// The user that it all began with, whatever roles were taken on since.
    pub(crate) fn person(&self) -> &str {
        self.session.as_ref().map_or(&self.user, |session| &session.user)
    }
}

/// Proves who sent the request. `seen` is told the key id that is claimed, for the log.
pub(crate) async fn authenticate(
    shared: &Shared,
    request: &SignedRequest<'_>,
    seen: impl FnOnce(&str),
) -> Result<Caller, Failure> {
    let claim = Claim::parse(request)?;
    seen(&claim.access_key_id);
    let ports = shared.engine.ports();
    let not_found = || GatewayError::access_key_not_found(&claim.access_key_id);
    if claim.access_key_id.starts_with(PREFIX) {
        let key = TemporaryKey::find(ports.records.as_ref(), &claim.access_key_id).await?.ok_or_else(not_found)?;
        prove(shared, &claim, request, &key.secret)?;
        key.check(claim.security_token.as_deref(), ports.clock.now())?;
        return Ok(Caller { access_key_id: key.id, user: key.session.principal(), session: Some(key.session) });
    }
    let key = ports.store.key(&claim.access_key_id).await?.ok_or_else(not_found)?;
    if !key.enabled {
        return Err(GatewayError::access_key_inactive(&key.id).into());
    }
    prove(shared, &claim, request, &key.secret)?;
    if claim.security_token.is_some() {
        return Err(GatewayError::security_token_mismatch().into());
    }
    Ok(Caller { access_key_id: key.id, user: key.user, session: None })
}

/// Whether a key that was proven once still lets in: it is enabled, or its time is not over.
pub(crate) async fn is_still_good(shared: &Shared, access_key_id: &str) -> Result<bool, Failure> {
    let ports = shared.engine.ports();
    if access_key_id.starts_with(PREFIX) {
        let key = TemporaryKey::find(ports.records.as_ref(), access_key_id).await?;
        return Ok(key.is_some_and(|key| ports.clock.now() < key.session.expires_at));
    }
    Ok(ports.store.key(access_key_id).await?.is_some_and(|key| key.enabled))
}

/// The signature, the clock and the nonce.
fn prove(shared: &Shared, claim: &Claim, request: &SignedRequest<'_>, secret: &Secret) -> Result<(), GatewayError> {
    claim.verify(request, secret.reveal())?;
    let now = shared.engine.ports().clock.now();
    claim.check_clock(now, shared.config.clock_tolerance)?;
    if let Some(nonce) = &claim.nonce {
        let mut nonces = shared.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.admit(&claim.access_key_id, nonce, now)?;
    }
    Ok(())
}
