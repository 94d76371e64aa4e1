//! What is sent: bodies, headers and what goes into the query, by the form that the receiver understands.

mod cloud_event;
mod dingtalk;
mod feishu;
mod message;
mod slack;

use jiff::Timestamp;
use reqwest::Url;

use self::message::Message;
use crate::notice::Notice;
use crate::signature::{self, SigningKey};

/// One request to be made, with everything secret in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// How a receiver is spoken to: the form, with what of it is secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Dialect {
    CloudEvents(SigningKey),
    Slack,
    /// With the secret of the robot's signature, if it asks for one.
    DingTalk(Option<String>),
    /// Likewise.
    Feishu(Option<String>),
}

impl Dialect {
    /// The request that tells of a notice. The same notice at the same time makes the same request.
    pub(crate) fn compose(&self, notice: &Notice, url: &Url, now: Timestamp) -> Outgoing {
        let mut url = url.clone();
        let json = |body: serde_json::Value| body.to_string().into_bytes();
        let (headers, body) = match self {
            Self::CloudEvents(key) => {
                let body = json(cloud_event::body(notice));
                let timestamp = now.as_second();
                let headers = vec![
                    ("content-type", cloud_event::CONTENT_TYPE.to_owned()),
                    ("webhook-id", notice.id.clone()),
                    ("webhook-timestamp", timestamp.to_string()),
                    ("webhook-signature", key.sign(&notice.id, timestamp, &body)),
                ];
                (headers, body)
            }
            Self::Slack => (plain_json(), json(slack::body(&Message::of(notice)))),
            Self::DingTalk(secret) => {
                if let Some(secret) = secret {
                    let (timestamp, sign) = signature::dingtalk(secret, now);
                    url.query_pairs_mut().append_pair("timestamp", &timestamp).append_pair("sign", &sign);
                }
                (plain_json(), json(dingtalk::body(&Message::of(notice))))
            }
            Self::Feishu(secret) => {
                let signed = secret.as_deref().map(|secret| signature::feishu(secret, now));
                (plain_json(), json(feishu::body(&Message::of(notice), signed)))
            }
        };
        Outgoing { url, headers, body }
    }
}

fn plain_json() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json; charset=utf-8".to_owned())]
}
