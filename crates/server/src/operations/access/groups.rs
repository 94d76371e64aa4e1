//! CreateGroup, ListGroups, DeleteGroup, AddUserToGroup, RemoveUserFromGroup.

use std::sync::Arc;

use sternway_access::{Action, Group, Path, Resource};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{CreateGroup, ListGroups, RamGroup};

use super::{change, comment, date, read};
use crate::call::Call;
use crate::failure::Failure;

const GROUP: (&str, &str) = ("GroupName", "the name of a group");
const USER: (&str, &str) = ("UserName", "the name of a user");

/// CreateGroup
pub(crate) async fn create(call: Arc<Call>) -> Result<CreateGroup, Failure> {
    let name = call.parameters.required("GroupName", "a name for the group")?;
    let (comments, now) = (comment(&call, "Comments")?, call.now());
    let group = change(&call, |directory| Ok(shown(name, directory.create_group(name, comments, now)?))).await?;
    Ok(CreateGroup { group })
}

/// ListGroups: those that the caller may see.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListGroups, Failure> {
    let directory = read(&call).await?;
    let may_see = |name: &String| call.permit.allows(Action::ListGroups, &Resource::ram(Path::Group(name.clone())));
    let groups = directory.groups().iter().filter(|(name, _)| may_see(name));
    Ok(ListGroups { groups: groups.map(|(name, group)| shown(name, group)).collect() })
}

/// DeleteGroup
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = call.parameters.required(GROUP.0, GROUP.1)?;
    change(&call, |directory| directory.delete_group(name)).await?;
    Ok(Nothing {})
}

/// AddUserToGroup
pub(crate) async fn add_user(call: Arc<Call>) -> Result<Nothing, Failure> {
    let (group, user) = (call.parameters.required(GROUP.0, GROUP.1)?, call.parameters.required(USER.0, USER.1)?);
    change(&call, |directory| directory.add_member(group, user)).await?;
    Ok(Nothing {})
}

/// RemoveUserFromGroup
pub(crate) async fn remove_user(call: Arc<Call>) -> Result<Nothing, Failure> {
    let (group, user) = (call.parameters.required(GROUP.0, GROUP.1)?, call.parameters.required(USER.0, USER.1)?);
    change(&call, |directory| directory.remove_member(group, user)).await?;
    Ok(Nothing {})
}

fn shown(name: &str, group: &Group) -> RamGroup {
    RamGroup {
        group_name: name.to_owned(),
        comments: group.comments.clone(),
        create_date: date(group.created_at),
        users: group.members.iter().cloned().collect(),
        policies: group.policies.iter().cloned().collect(),
    }
}
