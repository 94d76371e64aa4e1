//! CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey.
//!
//! The keys of the root user are in nobody's hands but its own, and the last one that is enabled stays: nobody can lock the root user out.

use std::sync::Arc;

use sternway_access::{Action, Path, Resource};
use sternway_core::ports::AccessKey;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{CreateAccessKey, ListAccessKeys, RamAccessKey};

use super::{comment, date, read};
use crate::call::Call;
use crate::failure::Failure;
use crate::identity::session::{self, TemporaryKey};
use crate::identity::usage;
use crate::permission::ROOT_USER;

/// As in RAM: one in use, and one to change over to.
const MOST_KEYS: usize = 2;

/// CreateAccessKey: for a user, or for oneself.
pub(crate) async fn create(call: Arc<Call>) -> Result<CreateAccessKey, Failure> {
    let user = user(&call)?;
    only_root_for_root(&call, &user)?;
    let description = comment(&call, "Description")?.to_owned();
    // One at a time, so that two requests cannot both find room for the last one, and none makes a key for a user that goes.
    let _turn = call.shared.key_changes.lock().await;
    if user != ROOT_USER {
        read(&call).await?.user(&user)?;
    }
    if of_user(&call, &user).await?.len() >= MOST_KEYS {
        let message = format!("{user} has {MOST_KEYS} access keys, as many as there can be. Delete one first.");
        return Err(BusinessError::new(409, "LimitExceeded.User.AccessKey", message).into());
    }
    let ids = &call.engine().ports().ids;
    let random = ids.fresh().simple().to_string().to_uppercase();
    let key = AccessKey {
        id: format!("STWY{}", random.get(12..).unwrap_or(&random)),
        secret: session::random_secret(ids.as_ref()),
        user,
        enabled: true,
        description,
        created_at: call.now(),
    };
    call.store().insert_key(key.clone()).await?;
    Ok(CreateAccessKey {
        access_key_id: key.id,
        access_key_secret: key.secret.reveal().to_owned(),
        user_name: key.user,
    })
}

/// ListAccessKeys: of one user, or all that the caller may see. Never their secrets.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListAccessKeys, Failure> {
    let wanted = call.parameters.optional("UserName")?;
    let mut access_keys = Vec::new();
    for key in call.store().keys().await? {
        let resource = Resource::ram(Path::User(key.user.clone()));
        if wanted.is_some_and(|user| user != key.user) || !call.permit.allows(Action::ListAccessKeys, &resource) {
            continue;
        }
        let last = usage::of(call.records(), &key.id).await?;
        access_keys.push(RamAccessKey {
            access_key_id: key.id,
            status: if key.enabled { ACTIVE } else { INACTIVE }.to_owned(),
            user_name: key.user,
            description: key.description,
            create_date: date(key.created_at),
            last_used_date: last.map(|last| date(last.at)).unwrap_or_default(),
        });
    }
    Ok(ListAccessKeys { access_keys })
}

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

/// UpdateAccessKey
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    let enabled = match call.parameters.required("Status", "Active or Inactive")? {
        ACTIVE => true,
        INACTIVE => false,
        _ => return Err(GatewayError::invalid_parameter("Status", "Give Active or Inactive.").into()),
    };
    let _turn = call.shared.key_changes.lock().await;
    let key = key(&call).await?;
    if !enabled {
        keep_one_of_root(&call, &key).await?;
    }
    call.store().set_key_enabled(&key.id, enabled).await?;
    Ok(Nothing {})
}

/// DeleteAccessKey
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let _turn = call.shared.key_changes.lock().await;
    let key = key(&call).await?;
    keep_one_of_root(&call, &key).await?;
    call.store().delete_key(&key.id).await?;
    usage::forget(call.records(), &key.id).await?;
    Ok(Nothing {})
}

/// Deletes what a user that goes leaves behind: its keys, and the roles that it has taken on.
pub(super) async fn delete_all_of(call: &Call, user: &str) -> Result<(), Failure> {
    let _turn = call.shared.key_changes.lock().await;
    TemporaryKey::end(call.records(), |session| session.user == user).await?;
    for key in of_user(call, user).await? {
        call.store().delete_key(&key.id).await?;
        usage::forget(call.records(), &key.id).await?;
    }
    Ok(())
}

/// The user that a request for a new key is about.
fn user(call: &Call) -> Result<String, Failure> {
    match call.parameters.optional("UserName")? {
        Some(user) => Ok(user.to_owned()),
        None if call.caller.session.is_none() => Ok(call.caller.user.clone()),
        None => Err(GatewayError::missing_parameter("UserName", "the name of a user; a role has no keys").into()),
    }
}

async fn key(call: &Call) -> Result<AccessKey, Failure> {
    let id = call.parameters.required("UserAccessKeyId", "the id of an access key")?;
    let unknown = || {
        let message = format!("The access key {id} does not exist. List them with ListAccessKeys.");
        BusinessError::new(404, "EntityNotExist.User.AccessKey", message)
    };
    let key = call.store().key(id).await?.ok_or_else(unknown)?;
    only_root_for_root(call, &key.user)?;
    Ok(key)
}

async fn of_user(call: &Call, user: &str) -> Result<Vec<AccessKey>, Failure> {
    let mut keys = call.store().keys().await?;
    keys.retain(|key| key.user == user);
    Ok(keys)
}

fn only_root_for_root(call: &Call, user: &str) -> Result<(), Failure> {
    if user == ROOT_USER && !call.permit.is_root() {
        let message = "The root user's access keys are its own affair. Use one of them.".to_owned();
        return Err(BusinessError::new(403, "Root.Untouchable", message).into());
    }
    Ok(())
}

async fn keep_one_of_root(call: &Call, key: &AccessKey) -> Result<(), Failure> {
    if key.user != ROOT_USER || !key.enabled {
        return Ok(());
    }
    let enabled = of_user(call, ROOT_USER).await?.into_iter().filter(|key| key.enabled).count();
    if enabled <= 1 {
        let message = "This is the root user's last access key that is enabled. Create another one first.".to_owned();
        return Err(BusinessError::new(409, "Root.Untouchable", message).into());
    }
    Ok(())
}
