//! One request to a receiver, within limits, and what its answer means.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, redirect};
use serde_json::Value;
use sternway_reach::{Reach, Refused};

use crate::body::Outgoing;
use crate::schedule::{Cause, Failed};
use crate::webhook::Format;

const AGENT: &str = concat!("Sternway/", env!("CARGO_PKG_VERSION"));
/// What robots say of an error is shown up to here, in characters.
const LONGEST_WORDS: usize = 200;

/// How long one request may take, and how much of the answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection is there.
    pub connect: Duration,
    /// In all.
    pub total: Duration,
    /// Bytes of the answer that are read, where it matters what it says; anything beyond is not waited for.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Less than a request to the API may take, which a test of a webhook is.
        Self { connect: Duration::from_secs(4), total: Duration::from_secs(8), answer: 16 << 10 }
    }
}

/// Sends requests.
#[derive(Debug)]
pub(crate) struct Post {
    client: Client,
    reach: Reach,
    limits: Limits,
}

impl Post {
    pub(crate) fn new(reach: Reach, limits: Limits) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(AGENT)
            .dns_resolver(reach.resolver())
            .redirect(redirect::Policy::none())
            // A proxy would resolve names itself, past our eyes.
            .no_proxy()
            .connect_timeout(limits.connect)
            .build()?;
        Ok(Self { client, reach, limits })
    }

    /// Sends it. Nothing that was secret in it is in the error.
    pub(crate) async fn send(&self, outgoing: Outgoing, format: Format) -> Result<(), Failed> {
        let whole = self.exchange(outgoing, format);
        let total = self.limits.total;
        tokio::time::timeout(total, whole)
            .await
            .unwrap_or_else(|_| Err(away(format!("there was no answer within {} seconds", total.as_secs()))))
    }

    async fn exchange(&self, outgoing: Outgoing, format: Format) -> Result<(), Failed> {
        let Outgoing { url, headers, body } = outgoing;
        // The setting may be another one than when the webhook was made.
        self.reach.check(&url).map_err(|refused| unwilling(refused.to_string()))?;
        let mut request = self.client.post(url).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(|error| match Refused::within(&error) {
            Some(refused) => unwilling(refused.to_string()),
            None => away(innermost(&error)),
        })?;
        let (status, retry_after) = (answer.status().as_u16(), retry_after(&answer));
        let says = if is_worth_reading(format, status) { read(answer, self.limits.answer).await? } else { Vec::new() };
        judge(format, status, &says).map_err(|failed| Failed { retry_after, ..failed })
    }
}

/// Robots say in the body of a 200 what went wrong; Slack says it in a word beside a 4xx.
fn is_worth_reading(format: Format, status: u16) -> bool {
    match format {
        Format::CloudEvents => false,
        Format::Slack => (400..500).contains(&status),
        Format::DingTalk | Format::Feishu => (200..300).contains(&status),
    }
}

async fn read(mut answer: Response, most: usize) -> Result<Vec<u8>, Failed> {
    let mut read = Vec::new();
    while read.len() < most {
        match answer.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk[..chunk.len().min(most - read.len())]),
            Ok(None) => break,
            Err(error) => return Err(away(innermost(&error))),
        }
    }
    Ok(read)
}

/// Seconds; dates are not heard.
fn retry_after(answer: &Response) -> Option<u32> {
    answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// What an answer means.
fn judge(format: Format, status: u16, says: &[u8]) -> Result<(), Failed> {
    match status {
        200..300 => match format {
            Format::CloudEvents | Format::Slack => Ok(()),
            Format::DingTalk | Format::Feishu => robot(says),
        },
        408 | 425 | 429 | 502..=504 => Err(away(format!("it answered with HTTP {status}"))),
        500.. => Err(failed(Cause::Broken, format!("it answered with HTTP {status}"))),
        300..400 => Err(unwilling(format!("it answered with HTTP {status}: redirects are not followed"))),
        _ => Err(unwilling(match slack_word(says) {
            Some(word) => format!("it answered with HTTP {status}: {word}"),
            None => format!("it answered with HTTP {status}"),
        })),
    }
}

/// `errcode` and `errmsg` of DingTalk; `code` and `msg`, or `StatusCode` and `StatusMessage`, of Feishu.
fn robot(says: &[u8]) -> Result<(), Failed> {
    let not_understood = || failed(Cause::Broken, "its answer is none of a robot".to_owned());
    let says: Value = serde_json::from_slice(says).map_err(|_| not_understood())?;
    let code = ["errcode", "code", "StatusCode"].iter().find_map(|name| says[name].as_i64());
    let words = ["errmsg", "msg", "StatusMessage"].iter().find_map(|name| says[name].as_str()).unwrap_or_default();
    let words: String = words.chars().filter(|character| !character.is_control()).take(LONGEST_WORDS).collect();
    match code.ok_or_else(not_understood)? {
        0 => Ok(()),
        code if TOO_FAST.contains(&code) => Err(away(format!("the robot answered with {code}: {words}"))),
        code => Err(unwilling(format!("the robot answered with {code}: {words}"))),
    }
}

/// DingTalk's and Feishu's codes for too many messages in a minute, and DingTalk's for a system that is busy.
const TOO_FAST: [i64; 3] = [-1, 130_101, 11_232];

/// Slack's errors are words such as `invalid_token`. Anything else may be a page of somebody's, which is nobody else's business.
fn slack_word(says: &[u8]) -> Option<&str> {
    let word = std::str::from_utf8(says).ok()?.trim();
    let is_word = (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_word.then_some(word)
}

/// The innermost cause says it best, and no cause names the URL with what is secret in it.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it could not be reached in time".to_owned();
    }
    let mut reason = "the connection failed".to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = error.to_string();
        cause = error.source();
    }
    format!("it could not be reached, or stopped to answer: {reason}")
}

fn failed(cause: Cause, reason: String) -> Failed {
    Failed { cause, reason, retry_after: None }
}

fn away(reason: String) -> Failed {
    failed(Cause::Away, reason)
}

fn unwilling(reason: String) -> Failed {
    failed(Cause::Unwilling, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_they_mean() {
        use Cause::{Away, Broken, Unwilling};
        use Format::{CloudEvents, DingTalk, Feishu, Slack};
        for (format, status, says, expected) in [
            (CloudEvents, 200, "", Ok(())),
            (CloudEvents, 204, "anything", Ok(())),
            (CloudEvents, 302, "", Err(Unwilling)),
            (CloudEvents, 404, "", Err(Unwilling)),
            (CloudEvents, 408, "", Err(Away)),
            (CloudEvents, 429, "", Err(Away)),
            (CloudEvents, 500, "", Err(Broken)),
            (CloudEvents, 503, "", Err(Away)),
            (CloudEvents, 999, "", Err(Broken)),
            (Slack, 200, "ok", Ok(())),
            (Slack, 403, "invalid_token", Err(Unwilling)),
            (DingTalk, 200, r#"{"errcode":0,"errmsg":"ok"}"#, Ok(())),
            (DingTalk, 200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, Err(Unwilling)),
            (DingTalk, 200, r#"{"errcode":130101,"errmsg":"send too fast"}"#, Err(Away)),
            (DingTalk, 200, "<html>", Err(Broken)),
            (Feishu, 200, r#"{"code":0,"msg":"success","data":{}}"#, Ok(())),
            (Feishu, 200, r#"{"StatusCode":0,"StatusMessage":"success"}"#, Ok(())),
            (Feishu, 200, r#"{"code":19021,"msg":"sign match fail"}"#, Err(Unwilling)),
            (Feishu, 200, r#"{"code":11232,"msg":"frequency limited"}"#, Err(Away)),
            (Feishu, 200, "[]", Err(Broken)),
        ] {
            let judged = judge(format, status, says.as_bytes()).map_err(|failed| failed.cause);
            assert_eq!(judged, expected, "{format:?} {status} {says}");
        }
    }

    #[test]
    fn what_a_receiver_says_is_shown_only_where_it_is_known_what_it_is() {
        let reason = |format, status, says: &str| judge(format, status, says.as_bytes()).unwrap_err().reason;
        assert_eq!(reason(Format::Slack, 404, "no_service\n"), "it answered with HTTP 404: no_service");
        assert_eq!(reason(Format::Slack, 404, "root:x:0:0"), "it answered with HTTP 404");
        let sign = reason(Format::DingTalk, 200, r#"{"errcode":310000,"errmsg":"sign not match"}"#);
        assert_eq!(sign, "the robot answered with 310000: sign not match");
    }
}
