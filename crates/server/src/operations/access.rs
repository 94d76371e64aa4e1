//! Users, groups, keys, policies and roles: our extensions in the words of RAM and STS, and EDAS's own older operations on accounts.

pub(crate) mod account;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod policies;
pub(crate) mod roles;
pub(crate) mod users;

use jiff::Timestamp;
use sternway_access::{Directory, Refused};

use crate::call::Call;
use crate::failure::Failure;
use crate::identity;

const LONGEST_COMMENT: usize = 128;

/// A time as RAM writes it.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn read(call: &Call) -> Result<Directory, Failure> {
    Ok(identity::read(call.records()).await?.0)
}

async fn change<T>(call: &Call, change: impl Fn(&mut Directory) -> Result<T, Refused>) -> Result<T, Failure> {
    identity::change(call.records(), change).await
}

fn comment<'a>(call: &'a Call, name: &str) -> Result<&'a str, Failure> {
    Ok(call.parameters.text(name, LONGEST_COMMENT)?.unwrap_or_default())
}
