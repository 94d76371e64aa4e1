//! What deliveries count.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::schedule::{Cause, Failed};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DeliveryLabels {
    webhook: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WebhookLabels {
    webhook: String,
}

const OUTCOMES: [&str; 4] = ["delivered", "away", "broken", "unwilling"];

/// The counters, by webhook. There are only so many webhooks, and their names are no secret.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    deliveries: Family<DeliveryLabels, Counter>,
    dead_letters: Family<WebhookLabels, Counter>,
}

impl Meters {
    /// Lets a registry show them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "webhook_deliveries",
            "Attempts to deliver an event to a webhook, by outcome",
            self.deliveries.clone(),
        );
        registry.register("webhook_dead_letters", "Events that a webhook was not given", self.dead_letters.clone());
    }

    pub(crate) fn attempted(&self, webhook: &str, outcome: &Result<(), Failed>) {
        let outcome = match outcome.as_ref().map_err(|failed| failed.cause) {
            Ok(()) => "delivered",
            Err(Cause::Away) => "away",
            Err(Cause::Broken) => "broken",
            Err(Cause::Unwilling) => "unwilling",
        };
        self.deliveries.get_or_create(&DeliveryLabels { webhook: webhook.to_owned(), outcome }).inc();
    }

    pub(crate) fn given_up(&self, webhook: &str) {
        self.dead_letters.get_or_create(&WebhookLabels { webhook: webhook.to_owned() }).inc();
    }

    pub(crate) fn forget(&self, webhook: &str) {
        for outcome in OUTCOMES {
            self.deliveries.remove(&DeliveryLabels { webhook: webhook.to_owned(), outcome });
        }
        self.dead_letters.remove(&WebhookLabels { webhook: webhook.to_owned() });
    }
}
