//! Webhooks: CreateWebhook, UpdateWebhook, DeleteWebhook, GetWebhook, ListWebhooks, TestWebhook, ListWebhookDeadLetters and RedeliverWebhook. All are
//! extensions; what they mean is decided in `sternway-notifications`.

use std::sync::Arc;

use jiff::Timestamp;
use sternway_notifications::{
    Change, Creation, DeadLetter, Filter, Format, Glob, Notifier, Shown, SigningKey, WebhookError,
};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{
    CreateWebhook, GetWebhook, ListWebhookDeadLetters, ListWebhooks, Nothing, RedeliverWebhook, TestWebhook,
    UpdateWebhook, Webhook, WebhookDeadLetter,
};
use sternway_wire::parameters::Given;

use crate::call::Call;
use crate::failure::{Failure, sentence};

const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 256;
/// Of one list.
const MOST_PATTERNS: usize = 32;

/// CreateWebhook
pub(crate) async fn create(call: Arc<Call>) -> Result<CreateWebhook, Failure> {
    let parameters = &call.parameters;
    let list = |name| Ok::<_, GatewayError>(patterns(&call, name)?.unwrap_or_default());
    let creation = Creation {
        name: name(&call)?.to_owned(),
        format: format(&call)?,
        url: parameters.required("Url", "where to deliver: a URL with http or https")?.to_owned(),
        secret: parameters.optional("Secret")?.map(str::to_owned),
        filter: Filter {
            events: list("Events")?,
            applications: list("Applications")?,
            namespaces: list("Namespaces")?,
            clusters: list("Clusters")?,
            logical_regions: list("LogicalRegions")?,
        },
        enabled: parameters.boolean("Enabled")?.unwrap_or(true),
        description: parameters.text("Description", LONGEST_TEXT)?.unwrap_or_default().to_owned(),
    };
    Ok(CreateWebhook { secret: shown_once(notifier(&call).create(creation).await?) })
}

/// UpdateWebhook: what is absent stays.
pub(crate) async fn update(call: Arc<Call>) -> Result<UpdateWebhook, Failure> {
    let parameters = &call.parameters;
    parameters.text("Description", LONGEST_TEXT)?;
    let change = Change {
        url: parameters.optional("Url")?.map(str::to_owned),
        secret: parameters.given("Secret")?.map(str::to_owned).change(),
        events: patterns(&call, "Events")?,
        applications: patterns(&call, "Applications")?,
        namespaces: patterns(&call, "Namespaces")?,
        clusters: patterns(&call, "Clusters")?,
        logical_regions: patterns(&call, "LogicalRegions")?,
        enabled: parameters.boolean("Enabled")?,
        description: parameters.get("Description")?.map(str::to_owned),
    };
    Ok(UpdateWebhook { secret: shown_once(notifier(&call).change(name(&call)?, change).await?) })
}

/// DeleteWebhook: one that is gone already is no error.
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    notifier(&call).delete(name(&call)?).await?;
    Ok(Nothing {})
}

/// GetWebhook
pub(crate) async fn get(call: Arc<Call>) -> Result<GetWebhook, Failure> {
    let shown = notifier(&call).get(name(&call)?).await?;
    Ok(GetWebhook { webhook: webhook(&call, shown) })
}

/// ListWebhooks
pub(crate) async fn list(call: Arc<Call>) -> Result<ListWebhooks, Failure> {
    let all = notifier(&call).list().await?.into_iter();
    Ok(ListWebhooks { webhook_list: all.map(|shown| webhook(&call, shown)).collect() })
}

/// TestWebhook: an answer says what came of it, whatever that is.
pub(crate) async fn test(call: Arc<Call>) -> Result<TestWebhook, Failure> {
    let tested = notifier(&call).test(name(&call)?).await?;
    let delivered = tested.problem.is_none();
    Ok(TestWebhook { message_id: tested.id, delivered, problem: tested.problem.unwrap_or_default() })
}

/// ListWebhookDeadLetters
pub(crate) async fn dead_letters(call: Arc<Call>) -> Result<ListWebhookDeadLetters, Failure> {
    let letters = notifier(&call).dead_letters(name(&call)?).await?.into_iter();
    Ok(ListWebhookDeadLetters { dead_letter_list: letters.map(|letter| dead_letter(&call, letter)).collect() })
}

/// RedeliverWebhook: one dead letter, or all.
pub(crate) async fn redeliver(call: Arc<Call>) -> Result<RedeliverWebhook, Failure> {
    let id = call.parameters.text("MessageId", LONGEST_TEXT)?;
    Ok(RedeliverWebhook { count: notifier(&call).redeliver(name(&call)?, id).await? })
}

fn notifier(call: &Call) -> &Notifier {
    &call.shared.notifier
}

/// The name of a webhook: it stands in messages and command lines.
fn name(call: &Call) -> Result<&str, GatewayError> {
    let name = call.parameters.required("Name", "the name of a webhook")?;
    let fits = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.len() > LONGEST_NAME || !name.chars().all(fits) {
        let problem = "Give at most 64 letters, digits, dots, underscores and hyphens.";
        return Err(GatewayError::invalid_parameter("Name", problem));
    }
    Ok(name)
}

fn format(call: &Call) -> Result<Format, GatewayError> {
    let Some(word) = call.parameters.optional("Format")? else {
        return Ok(Format::CloudEvents);
    };
    let found = Format::ALL.into_iter().find(|format| word.eq_ignore_ascii_case(format.name()));
    found.ok_or_else(|| GatewayError::invalid_parameter("Format", "Give cloudevents, slack, dingtalk or feishu."))
}

/// Patterns separated by commas; none if they are cleared, `None` if nothing is said.
fn patterns(call: &Call, name: &str) -> Result<Option<Vec<Glob>>, GatewayError> {
    let text = match call.parameters.given(name)? {
        Given::Absent => return Ok(None),
        Given::Cleared => return Ok(Some(Vec::new())),
        Given::Value(text) => text,
    };
    let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
    let globs: Vec<Glob> = texts
        .map(|text| Glob::parse(text).map_err(|error| GatewayError::invalid_parameter(name, &sentence(&error))))
        .collect::<Result<_, _>>()?;
    if globs.len() > MOST_PATTERNS {
        let problem = format!("Give at most {MOST_PATTERNS} patterns, separated by commas.");
        return Err(GatewayError::invalid_parameter(name, &problem));
    }
    Ok(Some(globs))
}

fn shown_once(key: Option<SigningKey>) -> String {
    key.map(|key| key.reveal()).unwrap_or_default()
}

fn webhook(call: &Call, shown: Shown) -> Webhook {
    let Shown { webhook, delivered_at, trouble, dead_letters } = shown;
    let texts = |globs: Vec<Glob>| globs.iter().map(ToString::to_string).collect();
    let time = |at: Option<Timestamp>| at.map(|at| call.time_text(at)).unwrap_or_default();
    Webhook {
        name: webhook.name,
        format: webhook.format.name().to_owned(),
        place: webhook.place,
        signed: webhook.signed,
        enabled: webhook.enabled,
        events: texts(webhook.filter.events),
        applications: texts(webhook.filter.applications),
        namespaces: texts(webhook.filter.namespaces),
        clusters: texts(webhook.filter.clusters),
        logical_regions: texts(webhook.filter.logical_regions),
        description: webhook.description,
        create_time: call.time_text(webhook.created_at),
        last_delivered: time(delivered_at),
        failing_since: time(trouble.as_ref().map(|trouble| trouble.since)),
        failures: trouble.as_ref().map_or(0, sternway_notifications::Trouble::failures),
        next_attempt: time(trouble.as_ref().map(|trouble| trouble.until)),
        problem: trouble.map(|trouble| trouble.reason).unwrap_or_default(),
        dead_letters,
    }
}

fn dead_letter(call: &Call, letter: DeadLetter) -> WebhookDeadLetter {
    WebhookDeadLetter {
        message_id: letter.id,
        kind: letter.kind,
        change_order_id: letter.change_order_id,
        app_id: letter.app_id,
        app_name: letter.app_name,
        problem: letter.reason,
        attempts: letter.attempts,
        event_time: call.time_text(letter.happened_at),
        given_up_time: call.time_text(letter.given_up_at),
    }
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        let message = sentence(&error);
        let (code, error_code) = match error {
            WebhookError::Url(_) | WebhookError::Refused(_) => {
                return GatewayError::invalid_parameter("Url", &message).into();
            }
            WebhookError::Key(_) | WebhookError::NoSecret | WebhookError::RobotSecret(_) => {
                return GatewayError::invalid_parameter("Secret", &message).into();
            }
            WebhookError::Client(_) => return Self::Internal(Box::new(error)),
            WebhookError::Store(error) => return error.into(),
            WebhookError::Exists(_) => (400, "Webhook.AlreadyExists"),
            WebhookError::Disabled(_) => (400, "Webhook.Disabled"),
            WebhookError::TooMany(_) => (400, "Webhook.TooMany"),
            WebhookError::Missing(_) | WebhookError::NoDeadLetter(_) => (404, "Webhook.NotFound"),
        };
        BusinessError::new(code, error_code, message).into()
    }
}
