//! Webhooks, and what they were not given.

use serde::{Deserialize, Serialize};

/// A webhook. Lists of patterns that are empty restrict nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Webhook {
    pub name: String,
    /// `cloudevents`, `slack`, `dingtalk` or `feishu`.
    pub format: String,
    /// Scheme, host and port of its URL; the rest is secret.
    pub place: String,
    /// Whether what it gets is signed.
    pub signed: bool,
    pub enabled: bool,
    pub events: Vec<String>,
    pub applications: Vec<String>,
    pub namespaces: Vec<String>,
    pub clusters: Vec<String>,
    pub logical_regions: Vec<String>,
    pub description: String,
    pub create_time: String,
    /// When it last took an event; empty if it never did.
    pub last_delivered: String,
    /// Since when it takes none; empty if it does.
    pub failing_since: String,
    /// Deliveries that failed since then.
    pub failures: u32,
    /// Why the last of them failed.
    pub problem: String,
    /// When the next attempt is.
    pub next_attempt: String,
    /// Events that it was not given.
    pub dead_letters: usize,
}

/// The key that was made for the signature; empty if none was. It is not shown again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateWebhook {
    pub secret: String,
}

/// As [`CreateWebhook`].
pub type UpdateWebhook = CreateWebhook;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetWebhook {
    pub webhook: Webhook,
}

/// The webhooks, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListWebhooks {
    pub webhook_list: Vec<Webhook>,
}

/// What came of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TestWebhook {
    /// The id of the message that was sent.
    pub message_id: String,
    pub delivered: bool,
    /// Why it was not; empty if it was.
    pub problem: String,
}

/// An event that a webhook was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WebhookDeadLetter {
    pub message_id: String,
    #[serde(rename = "Type")]
    pub kind: String,
    pub change_order_id: String,
    pub app_id: String,
    pub app_name: String,
    pub problem: String,
    pub attempts: u32,
    /// When the event happened.
    pub event_time: String,
    /// When it was given up.
    pub given_up_time: String,
}

/// Dead letters, oldest event first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListWebhookDeadLetters {
    pub dead_letter_list: Vec<WebhookDeadLetter>,
}

/// How many dead letters are delivered once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RedeliverWebhook {
    pub count: usize,
}
