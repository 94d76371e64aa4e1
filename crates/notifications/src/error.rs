//! What can go wrong with a webhook.

use sternway_core::ports::StoreError;
use sternway_reach::Refused;

use crate::signature::KeyError;

/// A webhook that was not made, changed or found.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The name is taken.
    #[error("a webhook of the name {0} exists already: change it, or choose another name")]
    Exists(String),
    /// Nothing of that name.
    #[error("there is no webhook of the name {0}")]
    Missing(String),
    /// No dead letter of that id.
    #[error("there is no dead letter with the id {0}")]
    NoDeadLetter(String),
    /// A disabled webhook delivers nothing.
    #[error("the webhook {0} is disabled: enable it first")]
    Disabled(String),
    /// As many as there may be.
    #[error("there are {0} webhooks already, the most that are kept: delete one first")]
    TooMany(usize),
    /// Not a URL at all, or a long one.
    #[error("this is no URL: give one with http or https and a host, of at most {0} bytes")]
    Url(usize),
    /// A URL that nothing is sent to.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A secret that is none of CloudEvents' form.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A secret where there is none.
    #[error("Slack's webhooks have no secret: who knows the URL may post")]
    NoSecret,
    /// A secret that is none of a robot.
    #[error("the secret of a robot has at most {0} characters, none of them a space")]
    RobotSecret(usize),
    /// TLS cannot be set up.
    #[error("no client for webhooks can be made")]
    Client(#[source] reqwest::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
