//! The times of a rule: each is an order, begun once.

use jiff::Timestamp;
use sternway_core::application::{AppState, Application};
use sternway_core::ids::OrderId;
use sternway_core::order::Actor;
use sternway_core::order::birth::{Refused, Request};
use sternway_core::ports::{StoreError, Stored};
use sternway_core::scaling::{Fired, Firing, Rule};

use super::time_zone;
use crate::commands::Wish;
use crate::{CommandError, Engine};

/// Where orders of rules come from.
const SOURCE: &str = "scaling-rule";
/// What a scaling may take before it has failed.
const TIMEOUT_SECONDS: u32 = 600;

/// What came of trying.
enum Tried {
    /// It is dealt with.
    Done { order: Option<OrderId>, text: String },
    /// Not now; the time stands until it is done or a later one takes its place.
    NotNow(String),
}

impl Engine {
    /// Deals with the latest time that has come, if any. False if it has to be tried again.
    pub(super) async fn keep_times(
        &self,
        stored: &mut Stored<Rule>,
        app: &Application,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(firing) = stored.value.due(&time_zone, now) else {
            return Ok(true);
        };
        let rule = &stored.value;
        let (done, order, text) = match self.fire(rule, app, firing).await {
            Ok(Tried::Done { order, text }) => (true, order, text),
            Ok(Tried::NotNow(text)) => (false, None, text),
            Err(CommandError::Store(error)) => return Err(error),
            Err(error) => (false, None, error.to_string()),
        };
        let fired = Fired { at: firing.at, replicas: firing.replicas, order, text };
        if stored.value.last.as_ref() == Some(&fired) && !done {
            return Ok(false);
        }
        tracing::info!(app = %app.id, rule = stored.value.name, replicas = firing.replicas, done, "{}", fired.text);
        stored.value.last = Some(fired);
        if done {
            stored.value.looked_until = firing.at;
            if !stored.value.metrics().is_empty() {
                stored.value.floor = Some(firing.replicas);
                stored.value.applied = false;
            }
        }
        // If the rule was changed meanwhile, the next look sees the order that is there.
        let written = stored.put(self.records()).await?;
        let settled = stored.value.applied || self.settled(stored).await?;
        Ok(done && written && settled)
    }

    async fn fire(&self, rule: &Rule, app: &Application, firing: Firing) -> Result<Tried, CommandError> {
        let id = rule.order(firing.at);
        if self.ports.store.order(id).await?.is_some() {
            return Ok(begun(id));
        }
        if app.state == AppState::Stopped {
            return Ok(Tried::Done { order: None, text: "the application is stopped, and stays so".to_owned() });
        }
        if !rule.metrics().is_empty() && self.live(app).await?.replicas >= firing.replicas {
            let text = "there are enough instances; how many more is the autoscaler's to say".to_owned();
            return Ok(Tried::Done { order: None, text });
        }
        let request = Request {
            order: id,
            actor: Actor { user: rule.user.clone(), behind: None, source: SOURCE.to_owned(), trace_id: id.to_string() },
            description: format!("Scaling rule {} of {}: {} instances", rule.name, firing.at, firing.replicas),
            now: self.ports.clock.now(),
        };
        let wish = Wish::Scale { replicas: firing.replicas, timeout_seconds: TIMEOUT_SECONDS };
        match self.begin(app.id, wish, request).await {
            Ok(id) => Ok(begun(id)),
            Err(CommandError::Busy(other)) if other == id => Ok(begun(id)),
            Err(CommandError::Busy(other)) => Ok(Tried::NotNow(format!("waiting for change order {other}"))),
            Err(CommandError::Refused(Refused::SameReplicas(_))) => {
                Ok(Tried::Done { order: None, text: "the application has as many instances already".to_owned() })
            }
            Err(error) => Err(error),
        }
    }
}

fn begun(id: OrderId) -> Tried {
    Tried::Done { order: Some(id), text: format!("change order {id} was begun") }
}
