//! Webhooks that are there, with dead letters and receivers of every kind, and what the operations on them understand.
//!
//! URLs and secrets carry words that no answer may repeat: who knows them may post in another's name. They all lead to this machine, so that no test of
//! a webhook waits for a name or a network.

use axum::routing::{MethodRouter, post};
use serde_json::json;
use sternway_core::ports::{Record, Records as _};

use crate::dice::Dice;
use crate::judge::{BROUGHT_KEY, BROUGHT_TOKEN};
use crate::live::Live;
use crate::world::{World, now};

/// The operations on webhooks.
pub(crate) const OPERATIONS: [&str; 8] = [
    "CreateWebhook",
    "DeleteWebhook",
    "GetWebhook",
    "ListWebhookDeadLetters",
    "ListWebhooks",
    "RedeliverWebhook",
    "TestWebhook",
    "UpdateWebhook",
];

/// What has to come of the requests, beside success, if they get as far as they are meant to.
pub(crate) const ANSWERS: [(&str, &str); 10] = [
    // The name is taken.
    ("CreateWebhook", "400"),
    ("CreateWebhook", "InvalidParameter"),
    ("GetWebhook", "404"),
    ("ListWebhookDeadLetters", "404"),
    // It is disabled.
    ("RedeliverWebhook", "400"),
    ("RedeliverWebhook", "404"),
    ("TestWebhook", "404"),
    ("TestWebhook", "InvalidParameter"),
    ("UpdateWebhook", "404"),
    ("UpdateWebhook", "InvalidParameter"),
];

const DEAD_LETTERS: [&str; 3] = ["letter-1", "letter-2", "letter-3"];
/// What is not made any more when there are fifty comes from few names.
const NEW_NAMES: usize = 12;

/// Paths of the receivers, by what they answer.
const RECEIVERS: [&str; 4] = ["taken", "gone", "broken", "robot"];

/// A receiver for each of the paths.
pub(crate) fn receivers() -> impl Iterator<Item = (String, MethodRouter)> {
    let answer = |path: &str| match path {
        "taken" => (200, "ok"),
        "gone" => (410, "gone"),
        "broken" => (500, "<html>"),
        _ => (200, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#),
    };
    RECEIVERS.into_iter().map(move |path| {
        let (status, body) = answer(path);
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        (format!("/{path}/{BROUGHT_TOKEN}"), post(move || async move { (status, body) }))
    })
}

/// One webhook for each receiver, and one that is disabled; in place of all that were there. Answers with their names.
pub(crate) async fn begin(world: &World, receivers: &str, age: u64) -> Vec<String> {
    let there = world.call("ListWebhooks", &[]).await.success()["WebhookList"].clone();
    for webhook in there.as_array().unwrap() {
        world.call("DeleteWebhook", &[("Name", webhook["Name"].as_str().unwrap())]).await.success();
    }
    let mut names = Vec::new();
    for (path, format, enabled) in [
        ("taken", "cloudevents", "true"),
        ("gone", "slack", "true"),
        ("broken", "feishu", "true"),
        ("robot", "dingtalk", "true"),
        ("taken", "cloudevents", "false"),
    ] {
        let name = format!("{path}-{age}{}", if enabled == "true" { "" } else { "-off" });
        let url = format!("{receivers}/{path}/{BROUGHT_TOKEN}");
        let webhook = [("Name", &*name), ("Format", format), ("Url", &url), ("Enabled", enabled)];
        world.call("CreateWebhook", &webhook).await.success();
        leave_dead_letters(world, &name).await;
        names.push(name);
    }
    names
}

/// Puts what a courier would have given up: of events that there are, and of one that there is not.
async fn leave_dead_letters(world: &World, name: &str) {
    let webhook = world.store.record("webhook", name).await.unwrap().unwrap();
    let state = webhook.document["Incarnation"].as_str().unwrap();
    for (id, position) in DEAD_LETTERS.into_iter().zip([1, 2, 1_u64 << 40]) {
        let letter = json!({
            "Position": position,
            "Id": id,
            "Kind": "io.sternway.order.failed",
            "ChangeOrderId": "6b55106c-c7f2-40f7-a1d4-092870000000",
            "AppId": "6b55106c-c7f2-40f7-a1d4-092870000001",
            "AppName": "idle",
            "Reason": "it answered with HTTP 404 <br> \u{1}\u{2028} \"应用\"\\u0041",
            "Attempts": 3,
            "HappenedAt": now(),
            "GivenUpAt": now(),
        });
        let record = Record {
            kind: "webhook-dead-letter".to_owned(),
            id: format!("{state}/{position}"),
            owner: state.to_owned(),
            revision: 1,
            document: letter,
            secret: None,
        };
        assert!(world.store.put_record(record).await.unwrap());
    }
}

/// A value that an operation on webhooks understands, or nearly does; `None` for parameters that say nothing of webhooks.
pub(crate) fn plausible(operation: &str, name: &str, live: &Live, dice: &mut Dice) -> Option<String> {
    if !OPERATIONS.contains(&operation) {
        return None;
    }
    Some(match name {
        "Name" if operation == "CreateWebhook" && dice.percent(80) => new_name(dice),
        "Name" if dice.percent(10) => new_name(dice),
        "Name" => dice.choose(&live.webhooks).clone(),
        "Url" if dice.percent(70) => format!("{}/{}/{BROUGHT_TOKEN}", live.receivers, dice.pick(&RECEIVERS)),
        "Url" => dice.pick(NEARLY_URLS).replace("TOKEN", BROUGHT_TOKEN),
        "Secret" => dice.pick(SECRETS).replace("TOKEN", BROUGHT_TOKEN).replace("KEY", BROUGHT_KEY),
        "Format" => dice.pick(FORMATS).to_owned(),
        "Events" => dice.pick(EVENTS).to_owned(),
        "Applications" => dice.pick(&["idle-*,second-?", "*", "商店*", "waiting-0, paused-0", ""]).to_owned(),
        "Namespaces" => dice.pick(&["default", "d?f*t", "shop,default", ""]).to_owned(),
        "Clusters" => dice.pick(&["lab", "*", "spare", ""]).to_owned(),
        "LogicalRegions" => dice.pick(&["cn-*", "cn-hangzhou:test", ""]).to_owned(),
        "MessageId" if dice.percent(80) => dice.pick(&DEAD_LETTERS).to_owned(),
        "MessageId" => "6b55106c-c7f2-40f7-a1d4-092870000000-9".to_owned(),
        _ => return None,
    })
}

fn new_name(dice: &mut Dice) -> String {
    format!("hook.{}_{}", dice.pick(&["a", "B-", "-"]), dice.below(NEW_NAMES))
}

/// URLs to nowhere, and what only looks like one.
const NEARLY_URLS: &[&str] = &[
    "http://127.0.0.1:1/TOKEN",
    "HTTP://LOCALHOST:1/a/../TOKEN?access_token=TOKEN#TOKEN",
    "https://user:TOKEN@127.0.0.1:1/",
    "http://[::1]:1/TOKEN",
    "http://2130706433:1/TOKEN",
    "http:127.0.0.1:1\\TOKEN",
    " http://127.0.0.1:1/\tTOKEN ",
    "http://127.0.0.1:1/商店/TOKEN",
    "http://127.0.0.1:65536/TOKEN",
    "http://127.0.0.1:x/TOKEN",
    "http://127.0.0.256/TOKEN",
    "http://a b/TOKEN",
    "http://",
    "http:///",
    "//127.0.0.1:1/TOKEN",
    "127.0.0.1:1/TOKEN",
    "htps://127.0.0.1:1/TOKEN",
    "ftp://127.0.0.1:1/TOKEN",
    "file:///TOKEN",
    "mailto:TOKEN@example.com",
    "data:,TOKEN",
    "javascript:TOKEN",
    "http://169.254.169.254/latest/TOKEN",
    "http://100.100.100.200/TOKEN",
    "http://[fe80::1]/TOKEN",
    "http://[::ffff:169.254.169.254]/TOKEN",
    "http://0.0.0.0:1/TOKEN",
    "http://255.255.255.255/TOKEN",
    "http://[ff02::1]/TOKEN",
];

/// Of every format, and of none.
const SECRETS: &[&str] = &[
    "whsec_KEY",
    "whsec_KEY",
    "SEC-TOKEN",
    "",
    "whsec_",
    "whsec_KEYKEYKEYKEY",
    "WHSEC_KEY",
    "KEY",
    "whsec_KEY=",
    "whsec_!KEY",
    "SEC TOKEN",
];

const FORMATS: &[&str] =
    &["cloudevents", "CloudEvents", "dingtalk", "DINGTALK", "feishu", "slack", "teams", "cloudevents,"];

const EVENTS: &[&str] = &[
    "failed,aborted,paused",
    "io.sternway.order.*",
    "batch-*, succeeded",
    "*",
    "?ccepted",
    " , ,",
    "a b",
    "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
    "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33",
];

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sternway_server::served_extensions;

    use super::*;

    #[test]
    fn all_operations_on_webhooks_are_asked_for() {
        let served = served_extensions().into_iter().filter(|name| name.contains("Webhook"));
        assert!(served.eq(OPERATIONS));
    }

    #[test]
    fn the_key_that_is_sent_is_one() {
        let key = base64::engine::general_purpose::STANDARD.decode(BROUGHT_KEY).unwrap();
        assert!((24..=64).contains(&key.len()));
    }
}
