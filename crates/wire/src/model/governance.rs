//! Approvals and freeze windows.

use serde::{Deserialize, Serialize};

/// A demand that another user approves. Scopes that are empty restrict nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ApprovalRule {
    pub name: String,
    pub app_id: String,
    pub namespace: String,
    pub cluster_id: String,
    pub logical_region_id: String,
    /// `deploy`, `batches` or `both`.
    pub asks: String,
    /// Anyone but the starter who may change the application, if empty.
    pub approvers: Vec<String>,
}

/// The rules, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListApprovalRules {
    pub approval_rule_list: Vec<ApprovalRule>,
}

/// A change order that waits for approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PendingApproval {
    pub change_order_id: String,
    pub app_id: String,
    pub description: String,
    /// Who started it.
    pub user_id: String,
    pub create_time: String,
    pub rule: String,
    /// Who may approve, in words.
    pub waits_for: String,
}

/// Those that the caller may read, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListPendingApprovals {
    pub pending_approval_list: Vec<PendingApproval>,
}

/// A window in which no release may begin. Scopes that are empty restrict nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FreezeWindow {
    pub name: String,
    pub app_id: String,
    pub namespace: String,
    pub cluster_id: String,
    pub logical_region_id: String,
    pub cron: String,
    pub minutes: u32,
    pub zone: String,
    pub reason: String,
    /// Only in answers: when it ends, if it is open now.
    pub open_until: String,
}

/// The windows, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListFreezeWindows {
    pub freeze_window_list: Vec<FreezeWindow>,
}
