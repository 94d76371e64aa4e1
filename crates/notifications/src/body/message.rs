//! A notice for people: a title, how good the news is, and facts. What chats have in common.

use crate::notice::Notice;

/// How good the news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Neutral,
    Good,
    Bad,
    /// Somebody has to do something, or something went another way than planned.
    Attention,
}

/// What a chat shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Contains `Sternway`: robots may insist on a word.
    pub(super) title: String,
    pub(super) tone: Tone,
    /// Labels and values, none of them empty.
    pub(super) facts: Vec<(&'static str, String)>,
    /// What happened, in the words of the order's record.
    pub(super) text: String,
}

/// Chats cut what is longer, or refuse it: Feishu takes 20 KB in all, a block of Slack 3000 characters.
const LONGEST_TEXT: usize = 1500;
const LONGEST_FACT: usize = 200;

impl Message {
    pub(super) fn of(notice: &Notice) -> Self {
        let data = &notice.data;
        let (tone, happened) = in_words(notice.event);
        let title = match data.app_name.as_str() {
            "" => format!("[Sternway] {happened}"),
            app => format!("[Sternway] {app}: {} {happened}", notice.noun),
        };
        let cluster = if data.cluster_name.is_empty() { &data.cluster_id } else { &data.cluster_name };
        let batch = data.batch.filter(|_| data.batches > 1).map(|batch| format!("{batch} of {}", data.batches));
        let facts = [
            ("Application", data.app_name.clone()),
            ("Namespace", data.namespace.clone()),
            ("Cluster", cluster.clone()),
            ("Version", data.version.map(|version| version.to_string()).unwrap_or_default()),
            ("Batch", batch.unwrap_or_default()),
            ("Reason", data.reason.clone().unwrap_or_default()),
            ("Description", data.description.clone()),
            ("Started by", data.user_id.clone()),
            ("Change order", data.change_order_id.clone()),
        ];
        let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
        Self {
            title: cut(&title, LONGEST_FACT),
            tone,
            facts: facts.map(|(label, value)| (label, cut(&value, LONGEST_FACT))).collect(),
            text: cut(&data.message, LONGEST_TEXT),
        }
    }
}

fn in_words(event: &str) -> (Tone, &str) {
    match event {
        "accepted" => (Tone::Neutral, "was accepted"),
        "approval-asked" => (Tone::Attention, "waits for approval"),
        "approved" => (Tone::Neutral, "was approved"),
        "rejected" => (Tone::Attention, "was rejected"),
        "started" => (Tone::Neutral, "began"),
        "batch-started" => (Tone::Neutral, "began a batch"),
        "batch-complete" => (Tone::Neutral, "completed a batch"),
        "batch-waiting" => (Tone::Attention, "waits before the next batch"),
        "batch-confirmed" => (Tone::Neutral, "goes on with the next batch"),
        "paused" => (Tone::Bad, "failed and waits for a person"),
        "retried" => (Tone::Neutral, "is tried again"),
        "abort-asked" => (Tone::Attention, "is being aborted"),
        "rollback-asked" => (Tone::Attention, "is being aborted and rolled back"),
        "rollback-started" => (Tone::Attention, "is being rolled back"),
        "succeeded" => (Tone::Good, "succeeded"),
        "failed" => (Tone::Bad, "failed"),
        "aborted" => (Tone::Attention, "was aborted"),
        "system-failed" => (Tone::Bad, "was ended by a fault of the system"),
        "test" => (Tone::Neutral, "a test of this webhook"),
        other => (Tone::Neutral, other),
    }
}

/// At most so many characters, on one line.
fn cut(text: &str, longest: usize) -> String {
    let flat: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if flat.chars().count() <= longest {
        return flat;
    }
    flat.chars().take(longest - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use sternway_core::order::Status;

    use super::*;
    use crate::notice::event_name;
    use crate::notice::tests::notice;

    #[test]
    fn every_event_has_its_words() {
        let ends = [Status::Succeeded, Status::Failed, Status::Aborted, Status::SystemFailed];
        let ends = ends.iter().map(|status| event_name("OrderEnded", *status));
        let others = [
            "OrderAccepted",
            "ApprovalAsked",
            "Approved",
            "Rejected",
            "OrderStarted",
            "BatchStarted",
            "BatchComplete",
            "GateClosed",
            "Confirmed",
            "Paused",
            "Retried",
            "AbortAsked",
            "AbortAndRollbackAsked",
            "RolledBack",
        ];
        let others = others.iter().map(|kind| event_name(kind, Status::Running));
        for event in ends.chain(others) {
            let event = event.unwrap();
            assert!(in_words(event) != (Tone::Neutral, event), "{event} has no words of its own");
        }
    }

    #[test]
    fn long_and_broken_texts_are_cut_and_put_on_one_line() {
        let mut long = notice("failed");
        long.data.message = format!("a\nb{}", "长".repeat(2 * LONGEST_TEXT));
        let message = Message::of(&long);
        assert_eq!(message.text.chars().count(), LONGEST_TEXT);
        assert!(message.text.starts_with("a b长") && message.text.ends_with('…'));
    }
}
