//! Approval rules and freeze windows, applied where releases begin.

use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use sternway_core::application::Application;
use sternway_core::governance::{APPROVAL_RULE, ApprovalRule, FREEZE_WINDOW, FreezeWindow, is_governed};
use sternway_core::ids::OrderId;
use sternway_core::order::birth::Birth;
use sternway_core::order::{Actor, Event, Order};
use sternway_core::plan::Gate;
use sternway_core::ports::StoreError;
use sternway_core::precheck::Finding;
use sternway_core::step::Command;

use crate::{CommandError, Engine};

impl Engine {
    /// Approves a release that waits for it, or rejects it. Answers with the order.
    ///
    /// # Errors
    /// [`CommandError::NoOrder`], [`CommandError::Illegal`], [`CommandError::Frozen`], [`CommandError::Store`].
    pub async fn approve(
        &self,
        id: OrderId,
        approve: bool,
        comment: String,
        actor: Actor,
    ) -> Result<OrderId, CommandError> {
        let order = self.ports.store.order(id).await?.ok_or(CommandError::NoOrder(id))?;
        if approve && order.awaits_approval() {
            self.refuse_if_frozen(&order).await?;
        }
        self.command(id, &Command::Approve { approve, comment, actor }).await
    }

    /// An approved release begins with the approval: in a freeze it has to wait as a new one would.
    async fn refuse_if_frozen(&self, order: &Order) -> Result<(), CommandError> {
        match self.ports.store.app(order.app).await? {
            Some(app) => self.check_freeze(&app).await,
            None => Ok(()),
        }
    }

    /// Refuses an order that a freeze is against, and lets one wait that needs approval.
    pub(crate) async fn govern(&self, app: &Application, birth: &mut Birth) -> Result<(), CommandError> {
        if !is_governed(&birth.order) {
            return Ok(());
        }
        self.check_freeze(app).await?;
        let rules: Vec<ApprovalRule> = self.documents(APPROVAL_RULE).await?;
        let Some(rule) = ApprovalRule::for_app(&rules, app) else { return Ok(()) };
        let mut approval = rule.approval();
        if approval.asks_for_batches() && matches!(birth.order.batches.gate, Gate::Automatic { .. }) {
            approval.paces = birth.order.batches.gray.is_none();
            birth.order.batches.gate = Gate::Manual;
        }
        if approval.is_awaited() {
            let whom = approval.whom(&birth.order.actor.user);
            let text = format!("waiting for the approval of {whom} (rule `{}`)", approval.rule);
            if let Some(first) = birth.order.pipelines.first_mut() {
                first.message.clone_from(&text);
            }
            birth.events.push(Event { at: birth.order.created_at, kind: "ApprovalAsked".to_owned(), text });
        }
        birth.order.approval = Some(approval);
        Ok(())
    }

    /// What [`Engine::govern`] would do to a release now, for whoever only asks.
    pub(crate) async fn foresee(&self, app: &Application, mut birth: Birth) -> Result<Vec<Finding>, CommandError> {
        match self.govern(app, &mut birth).await {
            Err(CommandError::Frozen(frozen)) => {
                return Ok(vec![Finding { blocking: true, code: "Frozen".to_owned(), text: frozen.to_string() }]);
            }
            governed => governed?,
        }
        let Some(approval) = birth.order.approval else { return Ok(Vec::new()) };
        let (whom, rule) = (approval.whom(&birth.order.actor.user), &approval.rule);
        let mut findings = Vec::new();
        let mut add = |asks: bool, code: &str, what: &str| {
            let text = format!("{what} waits for the approval of {whom} (rule `{rule}`)");
            findings.extend(asks.then(|| Finding { blocking: false, code: code.to_owned(), text }));
        };
        add(approval.is_awaited(), "ApprovalNeeded", "the release");
        add(approval.asks_for_batches(), "BatchApprovalNeeded", "each batch after the first");
        Ok(findings)
    }

    async fn check_freeze(&self, app: &Application) -> Result<(), CommandError> {
        let windows: Vec<FreezeWindow> = self.documents(FREEZE_WINDOW).await?;
        let now = self.ports.clock.now();
        for window in windows {
            let unusable = |source| unusable(FREEZE_WINDOW, &window.name, source);
            let zone = TimeZone::get(&window.zone).map_err(|error| unusable(error.into()))?;
            // A window that cannot be understood freezes all the same: better asked about than overlooked.
            if let Some(frozen) = window.freezes(app, &zone, now).map_err(|error| unusable(error.into()))? {
                return Err(CommandError::Frozen(frozen));
            }
        }
        Ok(())
    }

    async fn documents<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, StoreError> {
        let records = self.ports.records.records(kind, None).await?;
        let read = |record: sternway_core::ports::Record| {
            serde_json::from_value(record.document).map_err(|error| unusable(kind, &record.id, error.into()))
        };
        records.into_iter().map(read).collect()
    }
}

fn unusable(kind: &str, name: &str, source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError { doing: format!("apply {kind} {name}"), source }
}
