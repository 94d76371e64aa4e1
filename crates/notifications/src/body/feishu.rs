//! Feishu's custom robots: an interactive card, all of whose texts are plain.

use serde_json::{Value, json};

use super::message::{Message, Tone};

/// `signed`: the time and the signature, where the robot asks for them.
pub(super) fn body(message: &Message, signed: Option<(String, String)>) -> Value {
    let plain = |text: &str| json!({ "tag": "plain_text", "content": text });
    let fields: Vec<Value> = message
        .facts
        .iter()
        .map(|(label, value)| json!({ "is_short": true, "text": plain(&format!("{label}: {value}")) }))
        .collect();
    let mut elements = vec![json!({ "tag": "div", "text": plain(&message.text) })];
    if !fields.is_empty() {
        elements.push(json!({ "tag": "div", "fields": fields }));
    }
    let mut body = json!({
        "msg_type": "interactive",
        "card": {
            "config": { "wide_screen_mode": true },
            "header": { "template": colour(message.tone), "title": plain(&message.title) },
            "elements": elements,
        },
    });
    if let Some((timestamp, sign)) = signed {
        body["timestamp"] = timestamp.into();
        body["sign"] = sign.into();
    }
    body
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "blue",
        Tone::Good => "green",
        Tone::Bad => "red",
        Tone::Attention => "orange",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::notice;

    #[test]
    fn a_message_is_a_card_of_plain_texts() {
        let mut notice = notice("batch-waiting");
        notice.data.message = "<at id=all></at>".to_owned();
        let plain = |text: &str| json!({ "tag": "plain_text", "content": text });
        let short = |text: &str| json!({ "is_short": true, "text": plain(text) });
        let expected = json!({
            "msg_type": "interactive",
            "card": {
                "config": { "wide_screen_mode": true },
                "header": { "template": "orange", "title": plain("[Sternway] web: deploy waits before the next batch") },
                "elements": [
                    { "tag": "div", "text": plain("<at id=all></at>") },
                    { "tag": "div", "fields": [
                        short("Application: web"),
                        short("Namespace: shop"),
                        short("Cluster: lab"),
                        short("Version: 22"),
                        short("Batch: 2 of 3"),
                        short("Description: v22"),
                        short("Started by: alice"),
                        short("Change order: 47e2a63a-5a3e-4a3c-9a3c-000000000001"),
                    ] },
                ],
            },
            "timestamp": "1795665600",
            "sign": "c2lnbg==",
        });
        let signed = Some(("1795665600".to_owned(), "c2lnbg==".to_owned()));
        assert_eq!(body(&Message::of(&notice), signed), expected);
    }
}
