//! CreateUser, ListUsers, DeleteUser.

use std::sync::Arc;

use sternway_access::{Action, Directory, Path, Resource, User};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{CreateUser, ListUsers, RamUser};

use super::{change, comment, date, keys, read};
use crate::call::Call;
use crate::failure::Failure;

/// CreateUser
pub(crate) async fn create(call: Arc<Call>) -> Result<CreateUser, Failure> {
    let name = call.parameters.required("UserName", "a name for the user")?;
    let (display_name, comments, now) = (comment(&call, "DisplayName")?, comment(&call, "Comments")?, call.now());
    let user = change(&call, |directory| {
        directory.create_user(name, display_name, comments, now)?;
        Ok(shown(directory, name, directory.user(name)?))
    })
    .await?;
    Ok(CreateUser { user })
}

/// ListUsers: those that the caller may see.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListUsers, Failure> {
    let directory = read(&call).await?;
    let may_see = |name: &String| call.permit.allows(Action::ListUsers, &Resource::ram(Path::User(name.clone())));
    let users = directory.users().iter().filter(|(name, _)| may_see(name));
    Ok(ListUsers { users: users.map(|(name, user)| shown(&directory, name, user)).collect() })
}

/// DeleteUser: its keys first, so that a user who comes again has none of them.
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = call.parameters.required("UserName", "the name of a user")?;
    read(&call).await?.user(name)?;
    keys::delete_all_of(&call, name).await?;
    change(&call, |directory| directory.delete_user(name)).await?;
    // One that was made in between.
    keys::delete_all_of(&call, name).await?;
    Ok(Nothing {})
}

fn shown(directory: &Directory, name: &str, user: &User) -> RamUser {
    let groups = directory.groups().iter().filter(|(_, group)| group.members.contains(name));
    RamUser {
        user_name: name.to_owned(),
        display_name: user.display_name.clone(),
        comments: user.comments.clone(),
        create_date: date(user.created_at),
        groups: groups.map(|(name, _)| name.clone()).collect(),
        policies: user.policies.iter().cloned().collect(),
        app_ids: user.apps.iter().cloned().collect(),
        resource_group_ids: user.resource_groups.iter().cloned().collect(),
        role_ids: user.action_roles.iter().copied().map(i64::from).collect(),
    }
}
