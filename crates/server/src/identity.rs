//! Who there is: the directory of users in the store, the sessions of roles that were taken on, and when keys were last used.

pub(crate) mod session;
pub(crate) mod usage;

use sternway_access::{Directory, Refused};
use sternway_core::ports::{Record, Records};
use sternway_wire::error::BusinessError;

use crate::failure::Failure;

/// The id of the one account there is, as it stands in the names of resources.
pub(crate) const ACCOUNT: &str = "1";

const KIND: &str = "directory";
/// There is one.
const ID: &str = "directory";
/// Two administrators at the same moment are rare, ten are not to be believed.
const ATTEMPTS: usize = 10;

/// The directory as it is now, and its revision.
pub(crate) async fn read(records: &dyn Records) -> Result<(Directory, u64), Failure> {
    match records.record(KIND, ID).await? {
        Some(record) => Ok((serde_json::from_value(record.document)?, record.revision)),
        None => Ok((Directory::default(), 0)),
    }
}

/// Changes the directory, or leaves it as it is if the change is refused.
pub(crate) async fn change<T>(
    records: &dyn Records,
    change: impl Fn(&mut Directory) -> Result<T, Refused>,
) -> Result<T, Failure> {
    for _ in 0..ATTEMPTS {
        let (mut directory, revision) = read(records).await?;
        let outcome = change(&mut directory)?;
        let record = Record {
            kind: KIND.to_owned(),
            id: ID.to_owned(),
            owner: String::new(),
            revision: revision + 1,
            document: serde_json::to_value(&directory)?,
            secret: None,
        };
        if records.put_record(record).await? {
            return Ok(outcome);
        }
    }
    let message = "Others changed users and policies at the same moment, again and again. Try again.";
    Err(BusinessError::new(409, "Request.Conflict", message.to_owned()).into())
}

/// The name of a user, as policies have it.
pub(crate) fn user_arn(user: &str) -> String {
    if user == crate::permission::ROOT_USER {
        format!("acs:ram::{ACCOUNT}:root")
    } else {
        format!("acs:ram::{ACCOUNT}:user/{user}")
    }
}

/// The name of a role, as policies have it.
pub(crate) fn role_arn(role: &str) -> String {
    format!("acs:ram::{ACCOUNT}:role/{role}")
}
