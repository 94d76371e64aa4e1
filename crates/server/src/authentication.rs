//! Who sent this request? The key, the signature, the clock and the nonce, in this sequence.
//!
//! A nonce is remembered only after the signature was found good, so that nobody can spend another's nonces.

use std::sync::PoisonError;

use sternway_wire::error::GatewayError;
use sternway_wire::signature::{Claim, SignedRequest};

use crate::failure::Failure;
use crate::server::Shared;

/// Who asks, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) access_key_id: String,
    pub(crate) user: String,
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
    let key = ports
        .store
        .key(&claim.access_key_id)
        .await?
        .ok_or_else(|| GatewayError::access_key_not_found(&claim.access_key_id))?;
    if !key.enabled {
        return Err(GatewayError::access_key_inactive(&key.id).into());
    }
    claim.verify(request, key.secret.reveal())?;
    let now = ports.clock.now();
    claim.check_clock(now, shared.config.clock_tolerance)?;
    if let Some(nonce) = &claim.nonce {
        let mut nonces = shared.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.admit(&key.id, nonce, now)?;
    }
    Ok(Caller { access_key_id: key.id, user: key.user })
}
