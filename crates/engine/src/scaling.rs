//! Rules of scaling: set up by commands, kept by a task.
//!
//! ```text
//!  server ──► create, change, delete ──► record (what is wanted) ──► autoscaler on the cluster ──► record (applied)
//!                                          │
//!  keep_rules ──► one look at all rules ◄──┘     a time has come ──► an order with the time's own id ──► record (dealt with)
//! ```
//!
//! The record is written first, and says whether the cluster follows it yet; whatever a crash leaves in between is finished by the next look. An order for a
//! time has an id that follows from rule and time, so that beginning it again is seen, and a time is marked as dealt with only after its order is there.

mod autoscaler;
mod error;
mod times;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sternway_core::ids::AppId;
use sternway_core::ports::{StoreError, Stored};
use sternway_core::scaling::Rule;
use tokio_util::sync::CancellationToken;

pub use self::error::RuleError;
use crate::Engine;

/// When what could not be done is tried again.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// Rules that another server set up are seen after this long.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(300);

/// The time zone of that name, or of that offset such as `+08:00`; `None` if this machine knows none.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    static PARSER: jiff::fmt::temporal::DateTimeParser = jiff::fmt::temporal::DateTimeParser::new();
    PARSER.parse_time_zone(name).ok()
}

impl Engine {
    /// The rules of an application, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn rules(&self, app: AppId) -> Result<Vec<Rule>, StoreError> {
        let stored = Stored::<Rule>::list(self.records(), Some(&app.to_string())).await?;
        Ok(stored.into_iter().map(|stored| stored.value).collect())
    }

    /// Adds a rule. Nothing of it is left if it cannot be done.
    ///
    /// # Errors
    /// [`RuleError`]
    pub async fn create_rule(&self, rule: Rule) -> Result<Rule, RuleError> {
        self.check_rule(&rule).await?;
        let name = rule.name.clone();
        let rule = Rule { applied: false, on_cluster: rule.wants_autoscaler(), ..rule };
        let mut stored = Stored::new(Rule::id(rule.app, &name), rule.app.to_string(), rule);
        if !stored.put(self.records()).await? {
            return Err(RuleError::Exists(name));
        }
        if let Err(error) = self.apply_rule(&mut stored).await {
            // It may have been made all the same: an answer can be lost.
            stored.value.enabled = false;
            if let Err(error) = self.follow(&stored.value).await {
                tracing::debug!(%error, "nobody knows whether there is an autoscaler left");
            }
            stored.delete(self.records()).await?;
            return Err(error);
        }
        self.wakers.rules();
        Ok(stored.value)
    }

    /// Changes a rule. It is as it was if it cannot be done.
    ///
    /// # Errors
    /// [`RuleError`]
    pub async fn change_rule(
        &self,
        app: AppId,
        name: &str,
        change: impl Fn(&mut Rule) + Send + Sync,
    ) -> Result<Rule, RuleError> {
        loop {
            let mut stored = self.rule(app, name).await?;
            let before = stored.value.clone();
            change(&mut stored.value);
            self.check_rule(&stored.value).await?;
            stored.value.applied = false;
            stored.value.on_cluster |= stored.value.wants_autoscaler();
            if !stored.put(self.records()).await? {
                continue;
            }
            if let Err(error) = self.apply_rule(&mut stored).await {
                stored.value = Rule { applied: false, on_cluster: true, ..before };
                stored.put(self.records()).await?;
                self.wakers.rules();
                return Err(error);
            }
            self.wakers.rules();
            return Ok(stored.value);
        }
    }

    /// Removes a rule and its autoscaler; one that is gone already is removed.
    ///
    /// # Errors
    /// [`RuleError`]
    pub async fn delete_rule(&self, app: AppId, name: &str) -> Result<(), RuleError> {
        let mut stored = match self.rule(app, name).await {
            Err(RuleError::NoRule(_)) => return Ok(()),
            other => other?,
        };
        stored.value.enabled = false;
        self.follow(&stored.value).await?;
        stored.delete(self.records()).await?;
        Ok(())
    }

    /// Keeps all rules until `cancel`.
    pub async fn run_rules(&self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let wake = match self.keep_rules().await {
                Ok(wake) => wake,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot look at the rules of scaling; trying again"
                    );
                    later(self.ports.clock.now(), RETRY)
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                () = self.wakers.rules_changed() => {}
                () = self.ports.clock.sleep_until(wake) => {}
            }
        }
    }

    /// One look at all rules: what is due is done. Answers with the time of the next look.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn keep_rules(&self) -> Result<Timestamp, StoreError> {
        let now = self.ports.clock.now();
        let mut wake = later(now, LONGEST_SLEEP);
        for mut stored in Stored::<Rule>::list(self.records(), None).await? {
            let Some(app) = self.ports.store.app(stored.value.app).await? else {
                stored.delete(self.records()).await?;
                continue;
            };
            let mut done = true;
            if !stored.value.applied {
                done &= self.settled(&mut stored).await?;
            }
            done &= self.keep_times(&mut stored, &app, now).await?;
            let next = if done { stored.value.next(&time_zone, now) } else { Some(later(now, RETRY)) };
            wake = next.map_or(wake, |next| next.min(wake));
        }
        Ok(wake)
    }

    /// Finishes what a crash, or a cluster that was away, left undone.
    async fn settled(&self, stored: &mut Stored<Rule>) -> Result<bool, StoreError> {
        match self.apply_rule(stored).await {
            Ok(()) => Ok(true),
            Err(RuleError::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(app = %stored.value.app, rule = stored.value.name, %error, "a rule of scaling is not on the cluster yet");
                Ok(false)
            }
        }
    }

    async fn rule(&self, app: AppId, name: &str) -> Result<Stored<Rule>, RuleError> {
        let stored = Stored::get(self.records(), &Rule::id(app, name)).await?;
        stored.ok_or_else(|| RuleError::NoRule(name.to_owned()))
    }

    /// Two autoscalers of one Deployment would make each other stand still.
    async fn check_rule(&self, rule: &Rule) -> Result<(), RuleError> {
        if !rule.wants_autoscaler() {
            return Ok(());
        }
        let others = self.rules(rule.app).await?;
        match others.into_iter().find(|other| other.name != rule.name && other.wants_autoscaler()) {
            Some(other) => Err(RuleError::OneAutoscaler(other.name)),
            None => Ok(()),
        }
    }

    /// Makes the cluster follow a rule, and notes that it does.
    async fn apply_rule(&self, stored: &mut Stored<Rule>) -> Result<(), RuleError> {
        self.follow(&stored.value).await?;
        stored.value.applied = true;
        stored.value.on_cluster = stored.value.wants_autoscaler();
        // Someone who changed the rule meanwhile applies it as well.
        stored.put(self.records()).await?;
        Ok(())
    }

    fn records(&self) -> &dyn sternway_core::ports::Records {
        self.ports.records.as_ref()
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}
