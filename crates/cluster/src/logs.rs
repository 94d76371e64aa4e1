//! The last words of containers that crash.
//!
//! An observation must not wait for a log, so it takes what is known and leaves a request; when the log has come, whoever waits
//! for the workload is woken. A log is read once per restart. Whether it can be had is of no consequence: a crash loop is
//! told with or without it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use tokio::sync::mpsc;

use crate::api::{self, Api};
use crate::index::{Crashed, Touched, Uid};
use crate::kind::Kind;
use crate::signals::Signals;

/// Lines that are read.
const LINES: usize = 10;
/// Bytes that are kept, from the end.
const KEPT_BYTES: usize = 2048;
/// Bytes that are read at most: the server counts from the first of the lines, and the last matter more.
const READ_BYTES: usize = 64 * 1024;
/// Logs that are remembered; beyond it all are forgotten, and those still wanted are read again.
const REMEMBERED: usize = 1024;
/// Requests that may wait; one that finds no room is made again with the next observation.
pub(crate) const WAITING: usize = 256;
/// Logs that are read at the same time.
const AT_ONCE: usize = 4;

/// Logs by pod and container.
#[derive(Debug)]
pub(crate) struct Logs {
    known: Mutex<HashMap<(Uid, String), Known>>,
    requests: mpsc::Sender<Crashed>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// The restart that was asked for.
    restarts: u32,
    /// The newest that has come.
    text: Option<String>,
}

impl Logs {
    pub(crate) fn new(requests: mpsc::Sender<Crashed>) -> Self {
        Self { known: Mutex::default(), requests }
    }

    /// The log as far as it is known: until that of the newest crash has come, the one before it.
    pub(crate) fn last(&self, crashed: &Crashed) -> Option<String> {
        let mut known = self.lock();
        let key = (crashed.pod_uid.clone(), crashed.container.clone());
        let before = known.get(&key).cloned();
        let is_asked = before.as_ref().is_some_and(|before| before.restarts >= crashed.restarts);
        let text = before.and_then(|before| before.text);
        if !is_asked && self.requests.try_send(crashed.clone()).is_ok() {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            let asked = Known { restarts: crashed.restarts, text: text.clone() };
            known.insert(key, asked);
        }
        text
    }

    fn keep(&self, crashed: &Crashed, text: String) {
        let key = (crashed.pod_uid.clone(), crashed.container.clone());
        if let Some(known) = self.lock().get_mut(&key) {
            known.text = Some(text);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Uid, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the logs that are asked for. Ends only by being dropped.
pub(crate) async fn fetch(api: &Api, requests: mpsc::Receiver<Crashed>, logs: &Logs, signals: &Signals) {
    let requests = futures::stream::unfold(requests, |mut requests| async { Some((requests.recv().await?, requests)) });
    requests
        .for_each_concurrent(AT_ONCE, |crashed| async move {
            if let Some(text) = read(api, &crashed).await {
                logs.keep(&crashed, text);
                signals.touch(&Touched::Workloads(vec![crashed.workload]));
            }
        })
        .await;
}

/// The log of the run before this one, else of this one.
async fn read(api: &Api, crashed: &Crashed) -> Option<String> {
    for previous in [true, false] {
        let path = format!(
            "{}/log?container={}&previous={previous}&tailLines={LINES}&limitBytes={READ_BYTES}",
            api::object(Kind::Pod, &crashed.workload.namespace, &crashed.pod),
            api::encoded(&crashed.container),
        );
        match api.text(&path).await {
            Ok(text) => {
                let text = last_words(&text);
                if !text.is_empty() {
                    return Some(text);
                }
            }
            Err(error) => {
                tracing::debug!(pod = crashed.pod, %error, previous, "no log of a crashed container");
            }
        }
    }
    None
}

/// The end of a log as harmless text: no control characters but line ends, no terminal sequences, bounded.
fn last_words(log: &str) -> String {
    let plain = without_control(log);
    let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
    let last = lines.len().saturating_sub(LINES);
    let text = lines[last..].join("\n");
    let text = text.trim();
    let mut start = text.len().saturating_sub(KEPT_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

fn without_control(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // ESC [ parameters, up to a final letter: a colour, a movement of the cursor.
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.next();
                while characters.next_if(|it| !('\u{40}'..='\u{7e}').contains(it) && *it != '\n').is_some() {}
                characters.next_if(|it| *it != '\n');
            }
            '\n' => plain.push('\n'),
            '\t' => plain.push(' '),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Name;

    fn crashed(restarts: u32) -> Crashed {
        Crashed {
            workload: Name { namespace: "shop".to_owned(), name: "web".to_owned() },
            pod: "web-1".to_owned(),
            pod_uid: "uid".to_owned(),
            container: "app".to_owned(),
            restarts,
        }
    }

    #[test]
    fn a_log_is_asked_for_once_per_restart_and_the_older_one_shown_meanwhile() {
        let (sender, mut requests) = mpsc::channel(WAITING);
        let logs = Logs::new(sender);
        assert_eq!(logs.last(&crashed(1)), None);
        assert_eq!(logs.last(&crashed(1)), None);
        assert_eq!(requests.try_recv().unwrap(), crashed(1));
        assert!(requests.try_recv().is_err(), "asked once");
        logs.keep(&crashed(1), "first".to_owned());
        assert_eq!(logs.last(&crashed(2)).as_deref(), Some("first"));
        assert_eq!(requests.try_recv().unwrap(), crashed(2));
        logs.keep(&crashed(2), "second".to_owned());
        assert_eq!(logs.last(&crashed(2)).as_deref(), Some("second"));
        assert!(requests.try_recv().is_err());
    }

    #[test]
    fn a_request_without_room_is_made_again() {
        let (sender, mut requests) = mpsc::channel(1);
        let logs = Logs::new(sender);
        let other = Crashed { container: "other".to_owned(), ..crashed(1) };
        logs.last(&crashed(1));
        logs.last(&other);
        assert_eq!(requests.try_recv().unwrap(), crashed(1));
        assert!(requests.try_recv().is_err());
        logs.last(&other);
        assert_eq!(requests.try_recv().unwrap(), other);
    }

    #[test]
    fn last_words_are_plain_and_few() {
        assert_eq!(last_words("\u{1b}[31mred\u{1b}[0m\tand\u{7} gone\r\n\u{1b}"), "red and gone");
        assert_eq!(last_words("an unfinished \u{1b}[31\nsequence"), "an unfinished \nsequence".replace(" \n", "\n"));
        let many: String = (1..=12).map(|line| format!("line {line}\n")).collect();
        assert!(last_words(&many).starts_with("line 3\n") && last_words(&many).ends_with("line 12"));
        let long = "ä".repeat(KEPT_BYTES);
        assert_eq!(last_words(&long).len(), KEPT_BYTES);
        assert_eq!(last_words(""), "");
    }
}
