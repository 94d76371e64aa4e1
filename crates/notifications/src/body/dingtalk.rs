//! DingTalk's custom robots: a message of type markdown.

use serde_json::{Value, json};

use super::message::Message;

pub(super) fn body(message: &Message) -> Value {
    let title = plain(&message.title);
    let facts = message.facts.iter().map(|(label, value)| format!("- {label}: {}\n", plain(value)));
    let text = format!("### {title}\n\n{}\n\n{}", plain(&message.text), facts.collect::<String>());
    json!({ "msgtype": "markdown", "markdown": { "title": title, "text": text.trim_end() } })
}

/// Without what would make a link, a picture or a tag of somebody's text. DingTalk documents no way to escape: the wide forms look alike.
fn plain(text: &str) -> String {
    let plain = |character| match character {
        '[' => '［',
        ']' => '］',
        '<' => '＜',
        '>' => '＞',
        other => other,
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::notice;

    #[test]
    fn a_message_is_markdown_in_which_nobody_elses_links_are() {
        let mut notice = notice("failed");
        notice.data.reason = Some("CrashLoopBackOff".to_owned());
        notice.data.message = "![x](http://evil) <a>".to_owned();
        let expected = json!({
            "msgtype": "markdown",
            "markdown": {
                "title": "［Sternway］ web: deploy failed",
                "text": "### ［Sternway］ web: deploy failed\n\n!［x］(http://evil) ＜a＞\n\n\
                    - Application: web\n- Namespace: shop\n- Cluster: lab\n- Version: 22\n- Batch: 2 of 3\n\
                    - Reason: CrashLoopBackOff\n- Description: v22\n- Started by: alice\n\
                    - Change order: 47e2a63a-5a3e-4a3c-9a3c-000000000001",
            },
        });
        assert_eq!(body(&Message::of(&notice)), expected);
    }
}
