//! EDAS's own operations on accounts: AuthorizeApplication, AuthorizeResourceGroup, AuthorizeRole, ListAuthority, ListRole, InsertRole, UpdateRole,
//! DeleteRole, ListSubAccount. A sub-account is a user, and its id is the user's name.

use std::collections::BTreeSet;
use std::sync::Arc;

use sternway_access::{AUTHORITIES, Action, Authority, parse_actions};
use sternway_core::ids::AppId;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{
    AuthorityAction, AuthorityGroup, EdasRole, InsertRole, ListAuthority, ListRole, ListSubAccount, RoleItem,
    SubAccount,
};

use super::{change, read};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::place::group;
use crate::permission::ROOT_USER;

/// AuthorizeApplication: these applications in place of those before; none takes them away.
pub(crate) async fn authorize_apps(call: Arc<Call>) -> Result<Nothing, Failure> {
    let (user, ids) = (target(&call)?, list(&call, "AppIds")?);
    let mut apps = BTreeSet::new();
    for id in ids {
        let unknown = || BusinessError::application_not_found(&id);
        let id: AppId = id.parse().map_err(|_| unknown())?;
        call.store().app(id).await?.ok_or_else(unknown)?;
        apps.insert(id.to_string());
    }
    change(&call, |directory| directory.authorize_apps(user, apps.clone())).await?;
    Ok(Nothing {})
}

/// AuthorizeResourceGroup: these groups in place of those before.
pub(crate) async fn authorize_resource_groups(call: Arc<Call>) -> Result<Nothing, Failure> {
    let user = target(&call)?;
    // A group is kept by its name, whichever way it was named.
    let mut groups = BTreeSet::new();
    for named in list(&call, "ResourceGroupIds")? {
        groups.insert(group::name_for(&call, &named).await?);
    }
    change(&call, |directory| directory.authorize_resource_groups(user, groups.clone())).await?;
    Ok(Nothing {})
}

/// AuthorizeRole: these roles in place of those before.
pub(crate) async fn authorize_roles(call: Arc<Call>) -> Result<Nothing, Failure> {
    let user = target(&call)?;
    let number = |id: &String| {
        id.parse().map_err(|_| GatewayError::invalid_parameter("RoleIds", "Give the numbers of roles, as in 1;2."))
    };
    let roles: BTreeSet<u32> = list(&call, "RoleIds")?.iter().map(number).collect::<Result<_, _>>()?;
    change(&call, |directory| directory.authorize_roles(user, roles.clone())).await?;
    Ok(Nothing {})
}

/// ListAuthority
pub(crate) async fn authorities(_: Arc<Call>) -> Result<ListAuthority, Failure> {
    let groups = AUTHORITIES.iter().map(|authority| AuthorityGroup {
        group_id: authority.group.to_owned(),
        name: authority.name.to_owned(),
        description: authority.name.to_owned(),
        action_list: shown(authority, |_| true),
    });
    Ok(ListAuthority { authority_list: groups.collect() })
}

/// ListRole
pub(crate) async fn roles(call: Arc<Call>) -> Result<ListRole, Failure> {
    let directory = read(&call).await?;
    let items = directory.action_roles().iter().map(|(id, role)| RoleItem {
        role: EdasRole {
            id: i64::from(*id),
            name: role.name.clone(),
            admin_user_id: ROOT_USER.to_owned(),
            is_default: false,
            create_time: role.created_at.as_millisecond(),
            update_time: role.updated_at.as_millisecond(),
        },
        action_list: AUTHORITIES
            .iter()
            .flat_map(|authority| shown(authority, |action| role.actions.contains(action.name())))
            .collect(),
    });
    Ok(ListRole { role_list: items.collect() })
}

/// InsertRole
pub(crate) async fn insert_role(call: Arc<Call>) -> Result<InsertRole, Failure> {
    let name = call.parameters.required("RoleName", "a name for the role")?;
    let (actions, now) = (actions(&call)?, call.now());
    let id = change(&call, |directory| directory.create_action_role(name, &actions, now)).await?;
    Ok(InsertRole { role_id: i64::from(id) })
}

/// UpdateRole
pub(crate) async fn update_role(call: Arc<Call>) -> Result<Nothing, Failure> {
    let (id, actions, now) = (role_id(&call)?, actions(&call)?, call.now());
    change(&call, |directory| directory.change_action_role(id, &actions, now)).await?;
    Ok(Nothing {})
}

/// DeleteRole
pub(crate) async fn delete_role(call: Arc<Call>) -> Result<Nothing, Failure> {
    let id = role_id(&call)?;
    change(&call, |directory| directory.delete_action_role(id)).await?;
    Ok(Nothing {})
}

/// ListSubAccount
pub(crate) async fn sub_accounts(call: Arc<Call>) -> Result<ListSubAccount, Failure> {
    let directory = read(&call).await?;
    let accounts = directory.users().keys().map(|name| SubAccount {
        admin_edas_id: ROOT_USER.to_owned(),
        admin_user_id: ROOT_USER.to_owned(),
        admin_user_kp: ROOT_USER.to_owned(),
        sub_edas_id: name.clone(),
        sub_user_id: name.clone(),
        sub_user_kp: name.clone(),
        ..SubAccount::default()
    });
    Ok(ListSubAccount { sub_account_list: accounts.collect() })
}

fn target(call: &Call) -> Result<&str, GatewayError> {
    call.parameters.required("TargetUserId", "the name of a user")
}

/// Ids separated by semicolons or commas; the parameter must be there, and may be empty.
fn list(call: &Call, name: &str) -> Result<BTreeSet<String>, GatewayError> {
    let text = call.parameters.get(name)?;
    let text = text.ok_or_else(|| GatewayError::missing_parameter(name, "ids separated by semicolons, or none"))?;
    let ids = text.split([';', ',']).map(str::trim).filter(|id| !id.is_empty());
    Ok(ids.map(str::to_owned).collect())
}

fn actions(call: &Call) -> Result<Vec<Action>, GatewayError> {
    let text = call.parameters.required("ActionData", "groups and codes of ListAuthority, as in 3:1;3:3")?;
    parse_actions(text).map_err(|part| {
        let problem = format!("ListAuthority has no {part:?}. Give groups and codes as in 3:1;3:3.");
        GatewayError::invalid_parameter("ActionData", &problem)
    })
}

fn role_id(call: &Call) -> Result<u32, GatewayError> {
    let id = call.parameters.required_integer("RoleId", 1..=i64::from(u32::MAX))?;
    Ok(u32::try_from(id).unwrap_or_default())
}

fn shown(authority: &Authority, wanted: impl Fn(Action) -> bool) -> Vec<AuthorityAction> {
    let actions = authority.actions.iter().filter(|(_, action, _)| wanted(*action));
    actions
        .map(|(code, action, description)| AuthorityAction {
            group_id: authority.group.to_owned(),
            code: (*code).to_owned(),
            name: action.name().to_owned(),
            description: (*description).to_owned(),
        })
        .collect()
}
