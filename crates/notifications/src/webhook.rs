//! A webhook as it is stored: what may be shown in the record's document, the URL and the secret sealed beside it.

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Record, Records, Secret, StoreError};
use sternway_reach::{Reach, Refused};
use uuid::Uuid;

use crate::body::Dialect;
use crate::error::WebhookError;
use crate::filter::Filter;
use crate::signature::SigningKey;

/// The kind of the records.
const KIND: &str = "webhook";
/// Bytes: more than browsers take.
const LONGEST_URL: usize = 2048;
const LONGEST_SECRET: usize = 256;

/// The form that a receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// CloudEvents 1.0, signed as Standard Webhooks has it.
    CloudEvents,
    /// Slack's incoming webhooks.
    Slack,
    /// DingTalk's custom robots.
    DingTalk,
    /// Feishu's custom robots.
    Feishu,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CloudEvents, Self::Slack, Self::DingTalk, Self::Feishu];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::Slack => "slack",
            Self::DingTalk => "dingtalk",
            Self::Feishu => "feishu",
        }
    }
}

/// What of a webhook may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Webhook {
    /// Unique.
    pub name: String,
    /// Differs from that of any other webhook, one that had the name before included. Its state is stored by it.
    pub incarnation: Uuid,
    /// The form.
    pub format: Format,
    /// Scheme, host and port of the URL; the rest may be what makes it a secret.
    pub place: String,
    /// Whether requests are signed.
    pub signed: bool,
    /// Which notices it gets.
    pub filter: Filter,
    /// Whether it gets any.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Events up to this position are none of its business: they happened before it was made or enabled.
    pub from: u64,
}

impl Webhook {
    /// The id of its progress, and the owner of its dead letters.
    pub(crate) fn state(&self) -> String {
        self.incarnation.to_string()
    }
}

/// Where to deliver, and how: what must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) dialect: Dialect,
}

/// How the target is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    url: String,
    secret: Option<String>,
}

impl Target {
    /// Checks a URL and a secret. Without one, CloudEvents are signed by a new key.
    pub(crate) fn new(format: Format, url: Url, secret: Option<&str>) -> Result<Self, WebhookError> {
        let robot = || match secret {
            Some(text) if text.chars().count() > LONGEST_SECRET || text.contains(char::is_whitespace) => {
                Err(WebhookError::RobotSecret(LONGEST_SECRET))
            }
            other => Ok(other.map(str::to_owned)),
        };
        let dialect = match (format, secret) {
            (Format::CloudEvents, None) => Dialect::CloudEvents(SigningKey::fresh()),
            (Format::CloudEvents, Some(secret)) => Dialect::CloudEvents(SigningKey::parse(secret)?),
            (Format::Slack, None) => Dialect::Slack,
            (Format::Slack, Some(_)) => return Err(WebhookError::NoSecret),
            (Format::DingTalk, _) => Dialect::DingTalk(robot()?),
            (Format::Feishu, _) => Dialect::Feishu(robot()?),
        };
        Ok(Self { url, dialect })
    }

    /// The key, if it was made here: whoever asked for the webhook has to be told.
    pub(crate) fn made_key(&self, was_given: bool) -> Option<SigningKey> {
        match &self.dialect {
            Dialect::CloudEvents(key) if !was_given => Some(key.clone()),
            Dialect::CloudEvents(_) | Dialect::Slack | Dialect::DingTalk(_) | Dialect::Feishu(_) => None,
        }
    }

    pub(crate) fn is_signed(&self) -> bool {
        match &self.dialect {
            Dialect::CloudEvents(_) => true,
            Dialect::Slack => false,
            Dialect::DingTalk(secret) | Dialect::Feishu(secret) => secret.is_some(),
        }
    }

    /// The part of the URL that is no secret.
    pub(crate) fn place(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn seal(&self) -> Result<Secret, serde_json::Error> {
        let secret = match &self.dialect {
            Dialect::CloudEvents(key) => Some(key.reveal()),
            Dialect::Slack => None,
            Dialect::DingTalk(secret) | Dialect::Feishu(secret) => secret.clone(),
        };
        serde_json::to_string(&Sealed { url: self.url.to_string(), secret }).map(Secret::new)
    }

    fn unseal(format: Format, sealed: &Secret) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let Sealed { url, secret } = serde_json::from_str(sealed.reveal())?;
        Ok(Self::new(format, url.parse()?, secret.as_deref())?)
    }
}

/// A URL that something may be sent to.
pub(crate) fn checked_url(text: &str, reach: Reach) -> Result<Url, WebhookError> {
    let wrong = || WebhookError::Url(LONGEST_URL);
    if text.len() > LONGEST_URL {
        return Err(wrong());
    }
    let url: Url = text.parse().map_err(|_| wrong())?;
    match reach.check(&url) {
        Ok(()) => Ok(url),
        // The path may be what makes it a secret: it is not repeated.
        Err(Refused::NotAUrl(_)) => Err(wrong()),
        Err(refused @ Refused::Forbidden { .. }) => Err(refused.into()),
    }
}

/// A webhook with its target and its record's revision; 0 if it is not stored yet.
pub(crate) struct Stored {
    pub(crate) webhook: Webhook,
    pub(crate) target: Target,
    revision: u64,
}

impl Stored {
    pub(crate) fn new(webhook: Webhook, target: Target) -> Self {
        Self { webhook, target, revision: 0 }
    }

    pub(crate) async fn get(records: &dyn Records, name: &str) -> Result<Option<Self>, StoreError> {
        records.record(KIND, name).await?.map(Self::read).transpose()
    }

    /// What may be shown of all, by name.
    pub(crate) async fn list(records: &dyn Records) -> Result<Vec<Webhook>, StoreError> {
        let records = records.records(KIND, None).await?.into_iter();
        let mut all: Vec<Webhook> =
            records.map(|record| Self::read(record).map(|stored| stored.webhook)).collect::<Result<_, _>>()?;
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// Writes it as the next revision. False if it was changed in the meantime, or is there already if it is new.
    pub(crate) async fn put(&self, records: &dyn Records) -> Result<bool, StoreError> {
        let name = &self.webhook.name;
        let record = Record {
            kind: KIND.to_owned(),
            id: name.clone(),
            owner: String::new(),
            revision: self.revision + 1,
            document: serde_json::to_value(&self.webhook).map_err(|error| failed("write", name, error.into()))?,
            secret: Some(self.target.seal().map_err(|error| failed("write", name, error.into()))?),
        };
        records.put_record(record).await
    }

    pub(crate) async fn delete(records: &dyn Records, name: &str) -> Result<bool, StoreError> {
        records.delete_record(KIND, name).await
    }

    fn read(record: Record) -> Result<Self, StoreError> {
        let unreadable = |source| failed("read", &record.id, source);
        let webhook: Webhook =
            serde_json::from_value(record.document).map_err(|error| unreadable(Box::new(error).into()))?;
        let sealed = record.secret.ok_or_else(|| unreadable("its URL is missing".into()))?;
        let target = Target::unseal(webhook.format, &sealed).map_err(unreadable)?;
        Ok(Self { webhook, target, revision: record.revision })
    }
}

fn failed(doing: &str, name: &str, source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError { doing: format!("{doing} webhook {name}"), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_unsealed_as_it_was_sealed() {
        let url: Url = "https://ci:pass@hooks.example:8443/a?token=t".parse().unwrap();
        for (format, secret) in [
            (Format::CloudEvents, None),
            (Format::CloudEvents, Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")),
            (Format::Slack, None),
            (Format::DingTalk, Some("SEC1")),
            (Format::Feishu, None),
        ] {
            let target = Target::new(format, url.clone(), secret).unwrap();
            assert!(Target::unseal(format, &target.seal().unwrap()).unwrap() == target, "{format:?}");
            assert_eq!(target.place(), "https://hooks.example:8443");
            assert_eq!(target.is_signed(), format == Format::CloudEvents || secret.is_some());
        }
    }

    #[test]
    fn secrets_that_fit_no_form_are_refused() {
        let url: Url = "https://hooks.example".parse().unwrap();
        for (format, secret) in [(Format::CloudEvents, "short"), (Format::Slack, "any"), (Format::Feishu, "a b")] {
            assert!(Target::new(format, url.clone(), Some(secret)).is_err(), "{format:?}");
        }
        let strict = Reach::default();
        for url in ["", "hooks.example", "file:///etc/passwd", "http://127.0.0.1/", "http://169.254.169.254/"] {
            assert!(checked_url(url, strict).is_err(), "{url}");
        }
        assert!(checked_url(&format!("https://a/{}", "b".repeat(LONGEST_URL)), strict).is_err());
        // The path of a robot's URL is its password.
        for url in ["htps://hooks.example/the-secret", "mailto:the-secret", "http://169.254.169.254/the-secret"] {
            let error = checked_url(url, strict).unwrap_err();
            assert!(!error.to_string().contains("the-secret"), "{error}");
        }
    }
}
