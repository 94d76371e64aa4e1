//! ApproveChangeOrder, ListPendingApprovals, and the rules: PutApprovalRule, ListApprovalRules, DeleteApprovalRule.

use std::sync::Arc;

use sternway_core::governance::{APPROVAL_RULE, ApprovalRule, Asks};
use sternway_core::order::Order;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{
    ApprovalRule as Shown, ChangeOrderStarted, ListApprovalRules, ListPendingApprovals, Nothing, PendingApproval,
};

use super::{LONGEST_TEXT, list, name, put, scope, shown};
use crate::call::Call;
use crate::failure::Failure;

const MOST_APPROVERS: usize = 64;

/// ApproveChangeOrder: by another user than the starter. `Approve=false` rejects, which ends the order.
pub(crate) async fn approve(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    in_person(&call)?;
    let approve = call.parameters.boolean("Approve")?.unwrap_or(true);
    let comment = call.parameters.text("Comment", LONGEST_TEXT)?.unwrap_or_default().to_owned();
    let order = call.engine().approve(call.order_id()?, approve, comment, call.actor()).await?;
    Ok(ChangeOrderStarted { change_order_id: order.to_string() })
}

/// Whoever took on a role is known by the role, and could be the one who started the release.
pub(crate) fn in_person(call: &Call) -> Result<(), BusinessError> {
    if call.caller.session.is_none() {
        return Ok(());
    }
    let message = "The session of a role cannot approve: sign with an access key of the user who decides.";
    Err(BusinessError::new(403, "Approval.NotAnApprover", message.to_owned()))
}

/// ListPendingApprovals
pub(crate) async fn pending(call: Arc<Call>) -> Result<ListPendingApprovals, Failure> {
    let mut waiting = Vec::new();
    for id in call.store().active_orders().await? {
        let Some(order) = call.store().order(id).await?.filter(Order::awaits_approval) else { continue };
        let Some(app) = call.store().app(order.app).await? else { continue };
        if call.may_read_app(&app) {
            waiting.extend(pending_approval(&call, &order));
        }
    }
    Ok(ListPendingApprovals { pending_approval_list: waiting })
}

fn pending_approval(call: &Call, order: &Order) -> Option<PendingApproval> {
    let approval = order.approval.as_ref()?;
    Some(PendingApproval {
        change_order_id: order.id.to_string(),
        app_id: order.app.to_string(),
        description: order.description.clone(),
        user_id: order.actor.user.clone(),
        create_time: call.time_text(order.created_at),
        rule: approval.rule.clone(),
        waits_for: approval.whom(&order.actor.user),
    })
}

/// PutApprovalRule: orders that wait already keep the rule that they were accepted under.
pub(crate) async fn put_rule(call: Arc<Call>) -> Result<Nothing, Failure> {
    let name = name(&call)?;
    let asks = match call.parameters.optional("Asks")? {
        None => Asks::Deploy,
        Some(word) if word.eq_ignore_ascii_case("deploy") => Asks::Deploy,
        Some(word) if word.eq_ignore_ascii_case("batches") => Asks::Batches,
        Some(word) if word.eq_ignore_ascii_case("both") => Asks::Both,
        Some(_) => {
            return Err(GatewayError::invalid_parameter("Asks", "Give deploy, batches or both.").into());
        }
    };
    let approvers = call.parameters.text("Approvers", MOST_APPROVERS * LONGEST_TEXT)?.unwrap_or_default();
    let approvers: Vec<String> =
        approvers.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if approvers.len() > MOST_APPROVERS {
        return Err(GatewayError::invalid_parameter("Approvers", "Give at most 64 users, separated by commas.").into());
    }
    let rule = ApprovalRule { name: name.to_owned(), scope: scope(&call).await?, asks, approvers };
    put(&call, APPROVAL_RULE, name, &rule).await?;
    Ok(Nothing {})
}

/// ListApprovalRules
pub(crate) async fn list_rules(call: Arc<Call>) -> Result<ListApprovalRules, Failure> {
    let rules: Vec<ApprovalRule> = list(&call, APPROVAL_RULE).await?;
    let shown = rules.into_iter().map(|rule| Shown {
        app_id: shown(rule.scope.app_id.as_ref()),
        namespace: shown(rule.scope.namespace.as_ref()),
        cluster_id: shown(rule.scope.cluster_id.as_ref()),
        logical_region_id: shown(rule.scope.logical_region_id.as_ref()),
        name: rule.name,
        asks: match rule.asks {
            Asks::Deploy => "deploy",
            Asks::Batches => "batches",
            Asks::Both => "both",
        }
        .to_owned(),
        approvers: rule.approvers,
    });
    Ok(ListApprovalRules { approval_rule_list: shown.collect() })
}

/// DeleteApprovalRule: one that is gone already is no error.
pub(crate) async fn delete_rule(call: Arc<Call>) -> Result<Nothing, Failure> {
    call.records().delete_record(APPROVAL_RULE, name(&call)?).await?;
    Ok(Nothing {})
}
