//! Users, groups, keys, policies and roles: EDAS's own operations on them, and our extensions in the words of RAM and STS.

use serde::{Deserialize, Serialize};

use super::lists;

/// ListAuthority: what a role of EDAS's kind can consist of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListAuthority {
    #[serde(with = "lists::authority")]
    pub authority_list: Vec<AuthorityGroup>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthorityGroup {
    pub group_id: String,
    pub name: String,
    pub description: String,
    #[serde(with = "lists::action")]
    pub action_list: Vec<AuthorityAction>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthorityAction {
    pub group_id: String,
    pub code: String,
    pub name: String,
    pub description: String,
}

/// InsertRole
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InsertRole {
    pub role_id: i64,
}

/// ListRole
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListRole {
    #[serde(with = "lists::role_item")]
    pub role_list: Vec<RoleItem>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RoleItem {
    pub role: EdasRole,
    #[serde(with = "lists::action")]
    pub action_list: Vec<AuthorityAction>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EdasRole {
    pub id: i64,
    pub name: String,
    pub admin_user_id: String,
    pub is_default: bool,
    pub create_time: i64,
    pub update_time: i64,
}

/// ListSubAccount
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListSubAccount {
    #[serde(with = "lists::sub_account")]
    pub sub_account_list: Vec<SubAccount>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SubAccount {
    pub admin_edas_id: String,
    pub admin_user_id: String,
    pub admin_user_kp: String,
    pub email: String,
    pub phone: String,
    pub sub_edas_id: String,
    pub sub_user_id: String,
    pub sub_user_kp: String,
}

/// CreateUser
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateUser {
    pub user: RamUser,
}

/// ListUsers
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListUsers {
    pub users: Vec<RamUser>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RamUser {
    pub user_name: String,
    pub display_name: String,
    pub comments: String,
    pub create_date: String,
    pub groups: Vec<String>,
    pub policies: Vec<String>,
    /// By AuthorizeApplication.
    pub app_ids: Vec<String>,
    /// By AuthorizeResourceGroup.
    pub resource_group_ids: Vec<String>,
    /// By AuthorizeRole.
    pub role_ids: Vec<i64>,
}

/// CreateGroup
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateGroup {
    pub group: RamGroup,
}

/// ListGroups
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListGroups {
    pub groups: Vec<RamGroup>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RamGroup {
    pub group_name: String,
    pub comments: String,
    pub create_date: String,
    pub users: Vec<String>,
    pub policies: Vec<String>,
}

/// CreateAccessKey: the only time that the secret is shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateAccessKey {
    pub access_key_id: String,
    pub access_key_secret: String,
    pub user_name: String,
}

impl std::fmt::Debug for CreateAccessKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CreateAccessKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// ListAccessKeys
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListAccessKeys {
    pub access_keys: Vec<RamAccessKey>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RamAccessKey {
    pub access_key_id: String,
    /// `Active` or `Inactive`.
    pub status: String,
    pub user_name: String,
    pub description: String,
    pub create_date: String,
    /// Empty for one that was never used. Up to a minute late.
    pub last_used_date: String,
}

/// ListPolicies
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListPolicies {
    pub policies: Vec<RamPolicy>,
}

/// GetPolicy
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetPolicy {
    pub policy: RamPolicy,
    pub policy_document: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RamPolicy {
    pub policy_name: String,
    /// `System` or `Custom`.
    pub policy_type: String,
    pub description: String,
    pub create_date: String,
    pub update_date: String,
    /// Such as `user/alice`.
    pub attached_to: Vec<String>,
}

/// ListRamRoles
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListRamRoles {
    pub roles: Vec<RamRole>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RamRole {
    pub role_name: String,
    pub arn: String,
    pub description: String,
    pub create_date: String,
    pub max_session_duration: u32,
    pub assume_role_policy_document: String,
    pub policies: Vec<String>,
}

/// AssumeRole
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AssumeRole {
    pub credentials: StsCredentials,
    pub assumed_role_user: AssumedRoleUser,
}

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StsCredentials {
    pub access_key_id: String,
    pub access_key_secret: String,
    pub security_token: String,
    pub expiration: String,
}

impl std::fmt::Debug for StsCredentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StsCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AssumedRoleUser {
    pub arn: String,
    pub assumed_role_id: String,
}

/// GetCallerIdentity
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetCallerIdentity {
    pub account_id: String,
    pub arn: String,
    /// `Account`, `RAMUser` or `AssumedRoleUser`.
    pub identity_type: String,
    pub user_id: String,
}
