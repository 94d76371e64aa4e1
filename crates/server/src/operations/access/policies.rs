//! PutPolicy, GetPolicy, ListPolicies, DeletePolicy, AttachPolicy, DetachPolicy.

use std::sync::Arc;

use sternway_access::{Action, Directory, Holder, LONGEST_POLICY, Path, Resource, SYSTEM_POLICIES};
use sternway_wire::error::GatewayError;
use sternway_wire::model::Nothing;
use sternway_wire::model::access::{GetPolicy, ListPolicies, RamPolicy};
use sternway_wire::parameters::Parameters;

use super::{change, comment, date, read};
use crate::call::Call;
use crate::failure::Failure;

const POLICY: (&str, &str) = ("PolicyName", "the name of a policy");

/// PutPolicy: makes it, or replaces it wherever it is attached.
pub(crate) async fn put(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = call.parameters.required(POLICY.0, POLICY.1)?;
    let document = call.parameters.required("PolicyDocument", "a policy in RAM's JSON form")?;
    let (description, now) = (comment(&call, "Description")?, call.now());
    change(&call, |directory| directory.put_policy(name, description, document, now)).await?;
    Ok(Nothing {})
}

/// GetPolicy
pub(crate) async fn get(call: Arc<Call>) -> Result<GetPolicy, Failure> {
    let name = call.parameters.required(POLICY.0, POLICY.1)?;
    let directory = read(&call).await?;
    let policy_document = directory.document(name)?.to_owned();
    let policy = all(&directory).into_iter().find(|policy| policy.policy_name == name).unwrap_or_default();
    Ok(GetPolicy { policy, policy_document })
}

/// ListPolicies: those that the caller may see; of one user, group or role if it is named.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListPolicies, Failure> {
    let directory = read(&call).await?;
    let attached = holder(&call.parameters)?.map(|holder| directory.policies_of(holder)).transpose()?;
    let mut policies = all(&directory);
    policies.retain(|policy| {
        let resource = Resource::ram(Path::Policy(policy.policy_name.clone()));
        attached.is_none_or(|attached| attached.contains(&policy.policy_name))
            && call.permit.allows(Action::ListPolicies, &resource)
    });
    Ok(ListPolicies { policies })
}

/// DeletePolicy
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = call.parameters.required(POLICY.0, POLICY.1)?;
    change(&call, |directory| directory.delete_policy(name)).await?;
    Ok(Nothing {})
}

/// AttachPolicy
pub(crate) async fn attach(call: Arc<Call>) -> Result<Nothing, Failure> {
    let (policy, holder) = (call.parameters.required(POLICY.0, POLICY.1)?, required_holder(&call.parameters)?);
    change(&call, |directory| directory.attach(policy, holder)).await?;
    Ok(Nothing {})
}

/// DetachPolicy
pub(crate) async fn detach(call: Arc<Call>) -> Result<Nothing, Failure> {
    let (policy, holder) = (call.parameters.required(POLICY.0, POLICY.1)?, required_holder(&call.parameters)?);
    change(&call, |directory| directory.detach(policy, holder)).await?;
    Ok(Nothing {})
}

/// The user, group or role that a request names; one at most.
pub(crate) fn holder(parameters: &Parameters) -> Result<Option<Holder<'_>>, GatewayError> {
    let user = parameters.optional("UserName")?.map(Holder::User);
    let group = parameters.optional("GroupName")?.map(Holder::Group);
    let role = parameters.optional("RoleName")?.map(Holder::Role);
    let mut named = [user, group, role].into_iter().flatten();
    match (named.next(), named.next()) {
        (one, None) => Ok(one),
        (_, Some(_)) => {
            Err(GatewayError::invalid_parameter("UserName", "Give one of UserName, GroupName and RoleName."))
        }
    }
}

fn required_holder(parameters: &Parameters) -> Result<Holder<'_>, GatewayError> {
    holder(parameters)?.ok_or_else(|| GatewayError::missing_parameter("UserName", "it, GroupName or RoleName"))
}

fn all(directory: &Directory) -> Vec<RamPolicy> {
    let attached_to = |name: &str| {
        let holders = directory.holders_of(name).into_iter();
        holders.map(|(kind, holder)| format!("{kind}/{holder}")).collect()
    };
    let system = SYSTEM_POLICIES.iter().map(|policy| RamPolicy {
        policy_name: policy.name.to_owned(),
        policy_type: "System".to_owned(),
        description: policy.description.to_owned(),
        attached_to: attached_to(policy.name),
        ..RamPolicy::default()
    });
    let custom = directory.policies().iter().map(|(name, policy)| RamPolicy {
        policy_name: name.clone(),
        policy_type: "Custom".to_owned(),
        description: policy.description.clone(),
        create_date: date(policy.created_at),
        update_date: date(policy.updated_at),
        attached_to: attached_to(name),
    });
    custom.chain(system).collect()
}

/// A document that a request carries is refused before it is read if it is too long to be one.
pub(super) fn document<'a>(call: &'a Call, name: &str) -> Result<Option<&'a str>, GatewayError> {
    call.parameters.text(name, LONGEST_POLICY)
}
