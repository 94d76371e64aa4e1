//! Which releases need the approval of another user, and when none may begin.
//!
//! Both concern releases of new content alone: deploys, deploys of a historical version and changes of configuration. Aborting and going back
//! never wait for anybody and are never frozen, for they are what people need when things go wrong; nor are restarts, scalings, stops and starts.

mod freeze;

use serde::{Deserialize, Serialize};

pub use self::freeze::{FreezeWindow, Frozen, InvalidWindow, LONGEST_FREEZE_MINUTES};
use crate::application::Application;
use crate::ids::{AppId, ClusterId};
use crate::order::{Job, Order, OrderKind};

/// What records of approval rules are called.
pub const APPROVAL_RULE: &str = "approval-rule";
/// What records of freeze windows are called.
pub const FREEZE_WINDOW: &str = "freeze-window";

/// Which applications something is about: those that fit all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Scope {
    /// One application.
    pub app_id: Option<AppId>,
    /// A Kubernetes namespace, of any cluster unless one is given.
    pub namespace: Option<String>,
    /// A cluster.
    pub cluster_id: Option<ClusterId>,
    /// EDAS's logical region.
    pub logical_region_id: Option<String>,
}

impl Scope {
    /// Whether it is about this application.
    pub fn covers(&self, app: &Application) -> bool {
        self.app_id.is_none_or(|id| id == app.id)
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == app.workload.namespace)
            && self.cluster_id.is_none_or(|cluster| cluster == app.workload.cluster)
            && self.logical_region_id.as_ref().is_none_or(|region| *region == app.logical_region)
    }

    /// How narrow it is: an application before anything else, then by how much is given.
    fn narrowness(&self) -> (bool, usize) {
        let given = [self.namespace.is_some(), self.cluster_id.is_some(), self.logical_region_id.is_some()];
        (self.app_id.is_some(), given.into_iter().filter(|given| *given).count())
    }
}

/// What has to be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asks {
    /// The release as a whole, before its first batch.
    Deploy,
    /// Each batch after the first.
    Batches,
    /// Both.
    Both,
}

/// A demand that another user approves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApprovalRule {
    /// Its name.
    pub name: String,
    /// Whose releases.
    pub scope: Scope,
    /// What has to be approved.
    pub asks: Asks,
    /// Who may approve; anyone who may change the application, if empty. Never the one who started the release.
    pub approvers: Vec<String>,
}

impl ApprovalRule {
    /// The rule that decides for an application: the narrowest that covers it, the first by name among equals.
    pub fn for_app<'r>(rules: &'r [Self], app: &Application) -> Option<&'r Self> {
        let covering = rules.iter().filter(|rule| rule.scope.covers(app));
        covering.min_by_key(|rule| (std::cmp::Reverse(rule.scope.narrowness()), &rule.name))
    }

    /// What an order has to carry.
    pub fn approval(&self) -> Approval {
        Approval {
            rule: self.name.clone(),
            asks: self.asks,
            approvers: self.approvers.clone(),
            given_by: None,
            paces: false,
        }
    }
}

/// What an order knows of the approvals that it needs: the rule as it was when the order was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The rule's name.
    pub rule: String,
    /// What has to be approved.
    pub asks: Asks,
    /// Who may; anyone but the starter, if empty.
    pub approvers: Vec<String>,
    /// Who approved the release as a whole.
    pub given_by: Option<String>,
    /// The batches would follow each other by themselves, were it not for the rule. Clients that asked for that do not know what a confirmation is.
    pub paces: bool,
}

impl Approval {
    /// Whether the release as a whole waits.
    pub fn is_awaited(&self) -> bool {
        matches!(self.asks, Asks::Deploy | Asks::Both) && self.given_by.is_none()
    }

    /// Whether each batch has to be approved.
    pub fn asks_for_batches(&self) -> bool {
        matches!(self.asks, Asks::Batches | Asks::Both)
    }

    /// Who may, for a sentence.
    pub fn whom(&self, starter: &str) -> String {
        match self.approvers.as_slice() {
            [] => format!("another user than {starter}"),
            approvers => format!("one of {} who is not {starter}", approvers.join(", ")),
        }
    }
}

/// Whether an order begins a release that rules and freezes are about. Going back from an aborted release is none, even if it was asked for as a deploy.
pub fn is_governed(order: &Order) -> bool {
    let brings = matches!(order.kind, OrderKind::Deploy | OrderKind::DeployHistory | OrderKind::Configure);
    brings && matches!(order.job, Job::Release(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, scope: Scope) -> ApprovalRule {
        ApprovalRule { name: name.to_owned(), scope, asks: Asks::Deploy, approvers: Vec::new() }
    }

    #[test]
    fn the_narrowest_rule_decides() {
        let app = crate::governance::freeze::tests::app();
        let namespace = |name: &str| Scope { namespace: Some(name.to_owned()), ..Scope::default() };
        let all = rule("z-all", Scope::default());
        let of = |rules: &[ApprovalRule]| ApprovalRule::for_app(rules, &app).map(|rule| rule.name.clone());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[rule("a", namespace("other"))]), None);
        assert_eq!(of(&[all.clone(), rule("b", Scope::default())]).unwrap(), "b");
        let here = rule("z-here", namespace(&app.workload.namespace));
        assert_eq!(of(&[all.clone(), here.clone()]).unwrap(), "z-here");
        let one = rule("z-one", Scope { app_id: Some(app.id), ..Scope::default() });
        assert_eq!(of(&[all, here, one]).unwrap(), "z-one");
    }
}
