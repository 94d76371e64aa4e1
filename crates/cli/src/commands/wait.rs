//! Watching a change order to its end, and what that means for the exit code.

use std::time::Duration;

use serde_json::Value;
use sternway_wire::codes::Status;
use sternway_wire::model::{ChangeOrderInfo, GetChangeOrderInfo};
use tokio::time::{Instant, sleep, timeout_at};

use crate::arguments::{Form, Limits};
use crate::client::{CallError, Client, Reply};
use crate::exit::Outcome;
use crate::output;
use crate::progress::{self, Screen};

/// How often the order is asked for. Fast enough to look alive, cheap for the server, which reads one row.
const INTERVAL: Duration = Duration::from_millis(400);

/// A change order that an operation has just started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) order: String,
    /// The operation's answer.
    pub(super) body: Value,
    /// What is happening, such as `Scaling shop`.
    pub(super) what: String,
}

/// How watching ended: at the end of the order, or where a person is needed if that was waited for too; `None` if time was up.
pub(super) type Ended = Option<(Outcome, Reply<GetChangeOrderInfo>)>;

/// Reports an order that was started, and waits for its end if asked to.
///
/// stdout gets one thing: the order's id, or with JSON the answer; when waiting, the answer about the order as it ended.
pub(super) async fn started(
    client: &Client,
    started: Started,
    limits: Option<Limits>,
    form: Form,
) -> anyhow::Result<Outcome> {
    let Started { order, body, what } = started;
    if form == Form::Text {
        output::line(&order)?;
    }
    let Some(limits) = limits else {
        if form == Form::Json {
            output::json(&body)?;
        }
        output::say(&format!("{what}. Watch it with: sternway order watch {order}"));
        return Ok(Outcome::Succeeded);
    };
    output::say(&format!("{what}."));
    let ended = until_end(client, &order, limits).await?;
    report(&order, ended, if form == Form::Json { Some(form) } else { None })
}

/// Says how watching ended; prints the order itself in the given form, if one is given.
pub(super) fn report(order: &str, ended: Ended, form: Option<Form>) -> anyhow::Result<Outcome> {
    let Some((outcome, reply)) = ended else {
        output::say(&format!("Time is up; the change order goes on. Watch it with: sternway order watch {order}"));
        return Ok(Outcome::TimedOut);
    };
    match form {
        Some(Form::Json) => output::json(&reply.body)?,
        Some(Form::Text) => output::text(&progress::order_in_full(&reply.payload.change_order_info))?,
        None => {}
    }
    Ok(outcome)
}

/// Watches an order on stderr until it ends, or what else the limits say.
///
/// # Errors
/// If the server refuses to show the order. One that is away for a while is waited for: the order survives its restarts.
pub(super) async fn until_end(client: &Client, order: &str, limits: Limits) -> anyhow::Result<Ended> {
    let deadline = Instant::now() + limits.patience;
    let screen = Screen::new();
    let mut before: Option<ChangeOrderInfo> = None;
    let mut is_away = false;
    loop {
        let Ok(answer) = timeout_at(deadline, read(client, order)).await else {
            return Ok(None);
        };
        match answer {
            Ok(reply) => {
                is_away = false;
                let info = &reply.payload.change_order_info;
                for news in progress::news(before.as_ref(), info) {
                    screen.say(&news);
                }
                screen.show(&progress::order_in_brief(info));
                let status = Status::from_code(info.status);
                if let Some(outcome) = status.and_then(Outcome::of) {
                    return Ok(Some((outcome, reply)));
                }
                if limits.until_confirmation {
                    if status == Some(Status::AwaitingConfirmation) {
                        return Ok(Some((Outcome::Succeeded, reply)));
                    }
                    if progress::waiting_for_retry(info).is_some() {
                        return Ok(Some((Outcome::Failed, reply)));
                    }
                }
                before = Some(reply.payload.change_order_info);
            }
            Err(error) if error.is_transient() => {
                if !is_away {
                    screen.say(&format!("{error}; trying again"));
                }
                is_away = true;
            }
            Err(error) => return Err(error.into()),
        }
        if timeout_at(deadline, sleep(INTERVAL)).await.is_err() {
            return Ok(None);
        }
    }
}

/// The order as it is now.
pub(super) async fn read(client: &Client, order: &str) -> Result<Reply<GetChangeOrderInfo>, CallError> {
    client.call("GetChangeOrderInfo", vec![("ChangeOrderId", order.to_owned())]).await
}
