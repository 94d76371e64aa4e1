//! PutRamRole, ListRamRoles, DeleteRamRole, AssumeRole, GetCallerIdentity.

use std::sync::Arc;

use jiff::SignedDuration;
use sternway_access::{
    Action, LONGEST_SESSION, Path, Policy, Question, Refused, Resource, Role, SHORTEST_SESSION, TrustPolicy,
};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{
    AssumeRole, AssumedRoleUser, GetCallerIdentity, ListRamRoles, RamRole, StsCredentials,
};

use super::policies::document;
use super::{change, comment, date, read};
use crate::call::Call;
use crate::failure::Failure;
use crate::identity::session::{RoleSession, TemporaryKey};
use crate::identity::{ACCOUNT, role_arn, user_arn};

const DEFAULT_SESSION: u32 = 3600;
const LONGEST_NAME: usize = 64;

/// PutRamRole: makes it, or changes who may take it on.
pub(crate) async fn put(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = call.parameters.required("RoleName", "a name for the role")?;
    let trust = call.parameters.required("AssumeRolePolicyDocument", "a trust policy in RAM's JSON form")?;
    let longest = seconds(&call, "MaxSessionDuration", LONGEST_SESSION)?.unwrap_or(DEFAULT_SESSION);
    let (description, now) = (comment(&call, "Description")?, call.now());
    change(&call, |directory| directory.put_role(name, description, trust, longest, now)).await?;
    Ok(Nothing {})
}

/// ListRamRoles: those that the caller may see.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListRamRoles, Failure> {
    let directory = read(&call).await?;
    let may_see = |name: &String| call.permit.allows(Action::ListRoles, &Resource::ram(Path::Role(name.clone())));
    let roles = directory.roles().iter().filter(|(name, _)| may_see(name));
    Ok(ListRamRoles { roles: roles.map(|(name, role)| shown(name, role)).collect() })
}

/// DeleteRamRole: what was taken on with it ends at once.
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = call.parameters.required("RoleName", "the name of a role")?;
    change(&call, |directory| directory.delete_role(name)).await?;
    // A role of this name that comes again is another one.
    let _turn = call.shared.key_changes.lock().await;
    TemporaryKey::end(call.records(), |session| session.role == name).await?;
    Ok(Nothing {})
}

/// AssumeRole: a temporary key, for one whom the role trusts.
pub(crate) async fn assume(call: Arc<Call>) -> Result<AssumeRole, Failure> {
    let arn = call.parameters.required("RoleArn", "the name of a role such as acs:ram::1:role/deployer")?;
    let session_name = call.parameters.required("RoleSessionName", "a name for the session")?;
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".@-_".contains(&byte));
    if session_name.len() > LONGEST_NAME || !is_name(session_name) {
        let problem = "Give up to 64 letters, digits, \".\", \"@\", \"-\" or \"_\".";
        return Err(GatewayError::invalid_parameter("RoleSessionName", problem).into());
    }
    let name = role_of(arn).ok_or_else(|| {
        GatewayError::invalid_parameter("RoleArn", "Give the name of a role such as acs:ram::1:role/deployer.")
    })?;
    let policy = document(&call, "Policy")?;
    if let Some(policy) = policy {
        Policy::parse(policy).map_err(Refused::from)?;
    }
    // One at a time, and none while roles and users go with what was taken on.
    let _turn = call.shared.key_changes.lock().await;
    let directory = read(&call).await?;
    let role = directory.role(name)?;
    let principal = match &call.caller.session {
        Some(session) => role_arn(&session.role),
        None => user_arn(&call.caller.user),
    };
    let trust = TrustPolicy::parse(&role.trust).map_err(|problem| Failure::Internal(Box::new(problem)))?;
    let resource = Resource::ram(Path::Role(name.to_owned()));
    let question = Question {
        action: Action::AssumeRole,
        resource: &resource,
        account: ACCOUNT,
        circumstances: call.permit.circumstances(),
    };
    if !trust.trusts(&principal, &question) {
        let message = format!("The role {name} does not trust {principal}. Change its trust policy with PutRamRole.");
        return Err(BusinessError::new(403, "NoPermission.Trust", message).into());
    }
    let lasts = seconds(&call, "DurationSeconds", role.longest_session)?.unwrap_or(DEFAULT_SESSION);
    let now = call.now();
    let session = RoleSession {
        role: name.to_owned(),
        name: session_name.to_owned(),
        policy: policy.map(str::to_owned),
        assumed_by: principal,
        user: call.caller.person().to_owned(),
        expires_at: now + SignedDuration::from_secs(i64::from(lasts.min(role.longest_session))),
    };
    let ids = call.engine().ports().ids.as_ref();
    let key = TemporaryKey::begin(call.records(), ids, session, now).await?;
    Ok(AssumeRole {
        credentials: StsCredentials {
            access_key_id: key.id,
            access_key_secret: key.secret.reveal().to_owned(),
            security_token: key.token.reveal().to_owned(),
            expiration: date(key.session.expires_at),
        },
        assumed_role_user: AssumedRoleUser {
            arn: format!("acs:ram::{ACCOUNT}:assumed-role/{}", key.session.principal()),
            assumed_role_id: format!("{name}:{session_name}"),
        },
    })
}

/// GetCallerIdentity: everyone may ask who they are.
pub(crate) async fn identity(call: Arc<Call>) -> Result<GetCallerIdentity, Failure> {
    let (arn, identity_type) = match &call.caller.session {
        Some(session) => (format!("acs:ram::{ACCOUNT}:assumed-role/{}", session.principal()), "AssumedRoleUser"),
        None if call.permit.is_root() => (user_arn(&call.caller.user), "Account"),
        None => (user_arn(&call.caller.user), "RAMUser"),
    };
    Ok(GetCallerIdentity {
        account_id: ACCOUNT.to_owned(),
        arn,
        identity_type: identity_type.to_owned(),
        user_id: call.caller.user.clone(),
    })
}

/// The role that a name such as `acs:ram::1:role/deployer` means: one of this account.
pub(crate) fn role_of(arn: &str) -> Option<&str> {
    let (account, role) = arn.strip_prefix("acs:ram::")?.split_once(":role/")?;
    (account == ACCOUNT || account == "*").then_some(role)
}

fn seconds(call: &Call, name: &str, longest: u32) -> Result<Option<u32>, Failure> {
    let seconds = call.parameters.integer(name, i64::from(SHORTEST_SESSION)..=i64::from(longest))?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()))
}

fn shown(name: &str, role: &Role) -> RamRole {
    RamRole {
        role_name: name.to_owned(),
        arn: role_arn(name),
        description: role.description.clone(),
        create_date: date(role.created_at),
        max_session_duration: role.longest_session,
        assume_role_policy_document: role.trust.clone(),
        policies: role.policies.iter().cloned().collect(),
    }
}
