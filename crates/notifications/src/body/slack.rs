//! Slack's incoming webhooks: a text for notifications, and blocks.

use serde_json::{Value, json};

use super::message::{Message, Tone};

/// What Slack takes in one block.
const MOST_FIELDS: usize = 10;

pub(super) fn body(message: &Message) -> Value {
    let title = format!("{} {}", mark(message.tone), escaped(&message.title));
    let fields: Vec<Value> = message
        .facts
        .iter()
        .take(MOST_FIELDS)
        .map(|(label, value)| json!({ "type": "mrkdwn", "text": format!("*{label}*\n{}", escaped(value)) }))
        .collect();
    let mut blocks = vec![
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": format!("*{title}*") } }),
        json!({ "type": "section", "text": { "type": "plain_text", "text": message.text } }),
    ];
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    json!({ "text": title, "blocks": blocks })
}

fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => ":information_source:",
        Tone::Good => ":white_check_mark:",
        Tone::Bad => ":x:",
        Tone::Attention => ":warning:",
    }
}

/// Slack's three characters: with them escaped nobody is mentioned, and nothing is linked.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::notice;

    #[test]
    fn a_message_has_a_text_and_blocks_and_mentions_nobody() {
        let mut notice = notice("succeeded");
        notice.data.description = "<!channel> & co".to_owned();
        let expected = json!({
            "text": ":white_check_mark: [Sternway] web: deploy succeeded",
            "blocks": [
                { "type": "section", "text": { "type": "mrkdwn", "text": "*:white_check_mark: [Sternway] web: deploy succeeded*" } },
                { "type": "section", "text": { "type": "plain_text", "text": "ended with status 2: all is <well>" } },
                { "type": "section", "fields": [
                    { "type": "mrkdwn", "text": "*Application*\nweb" },
                    { "type": "mrkdwn", "text": "*Namespace*\nshop" },
                    { "type": "mrkdwn", "text": "*Cluster*\nlab" },
                    { "type": "mrkdwn", "text": "*Version*\n22" },
                    { "type": "mrkdwn", "text": "*Batch*\n2 of 3" },
                    { "type": "mrkdwn", "text": "*Description*\n&lt;!channel&gt; &amp; co" },
                    { "type": "mrkdwn", "text": "*Started by*\nalice" },
                    { "type": "mrkdwn", "text": "*Change order*\n47e2a63a-5a3e-4a3c-9a3c-000000000001" },
                ] },
            ],
        });
        assert_eq!(body(&Message::of(&notice)), expected);
    }
}
