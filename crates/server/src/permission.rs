//! May this user do this to that? Asked once for every operation, before anything is read for it or written; lists are asked for each item.
//!
//! ```text
//!   operation ─► scope: which resources is the request about? (what the store says of them)
//!   caller ────► permit: what the caller's policies allow ─► each (action, resource): yes, or 403 Forbidden.RAM
//! ```
//!
//! The root user may do everything.

mod permit;
pub(crate) mod scope;

use sternway_access::Action;

pub(crate) use self::permit::Permit;
use crate::call::Call;
use crate::failure::Failure;

/// The user that the first access key belongs to.
pub const ROOT_USER: &str = "root";

/// Refuses what the caller may not do.
pub(crate) async fn authorize(call: &Call, operation: &str, action: Action) -> Result<(), Failure> {
    if call.permit.is_root() {
        return Ok(());
    }
    for (action, resource) in scope::of(operation).needs(call, action).await? {
        call.permit.require(action, &resource)?;
    }
    Ok(())
}
