//! Events: what controllers and nodes tell people, as core/v1 Event objects.
//!
//! As with a real recorder, repetition is folded. The same message about the same object counts up one event; after
//! ten different messages of one kind further ones share an event marked "(combined from similar events)"; and after
//! a burst an object gets one more event every five minutes, so that events are hints and never a complete log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::agenda::Name;
use crate::object;
use crate::resources;
use crate::storage::Storage;
use crate::writes::{DeleteOptions, Part, Writes};

/// Whether an event is worth worrying about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Events of one source about one object before the rate limit bites.
const BURST: u32 = 25;
/// What one more event costs after the burst.
const REFILL: SignedDuration = SignedDuration::from_secs(300);
/// Different messages of one kind before they are combined.
const SIMILAR: usize = 10;
/// How long similar messages are remembered.
const SIMILAR_FOR: SignedDuration = SignedDuration::from_secs(600);
/// How long an event is kept.
pub(crate) const KEPT_FOR: SignedDuration = SignedDuration::from_secs(3600);
/// Subjects of which the recorder remembers anything; the least recently used ones are forgotten.
const MEMORY: usize = 4096;

/// The source and the object (by uid) of an event.
type Subject = (&'static str, String);

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    subjects: BTreeMap<Subject, Memory>,
    /// Subjects in the order in which they were first seen.
    order: VecDeque<Subject>,
    /// Events in the order in which they will expire.
    expiring: VecDeque<(Timestamp, Name)>,
    /// Whether somebody will call [`Recorder::expire`].
    watched: bool,
}

#[derive(Debug)]
struct Memory {
    tokens: u32,
    refilled: Timestamp,
    kinds: BTreeMap<(Severity, String), Kind>,
}

#[derive(Debug)]
struct Kind {
    messages: BTreeSet<String>,
    last: Timestamp,
    /// The event that carries each message.
    written: BTreeMap<String, Name>,
}

/// What an event says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note<'a> {
    pub(crate) object: &'a Value,
    pub(crate) severity: Severity,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
    pub(crate) component: &'static str,
    /// The node, for events of a kubelet.
    pub(crate) host: &'a str,
    /// The part of the object that the event is about, such as a container.
    pub(crate) field_path: &'a str,
}

/// What happens to every healthy pod.
const ROUTINE: [&str; 8] =
    ["SuccessfulCreate", "Scheduled", "Pulling", "Pulled", "Created", "Started", "Killing", "SuccessfulDelete"];

impl Note<'_> {
    /// Whether it tells nothing that the pod itself does not.
    pub(crate) fn is_routine(&self) -> bool {
        self.severity == Severity::Normal && ROUTINE.contains(&self.reason)
    }
}

impl Recorder {
    /// Records an event. A refusal to store it is ignored: events must never get in the way.
    pub(crate) fn record(&mut self, storage: &mut Storage, rng: &mut StdRng, now: Timestamp, note: Note<'_>) {
        let subject = (note.component, object::uid(note.object).to_owned());
        self.remember(&subject, now);
        let Some(memory) = self.subjects.get_mut(&subject) else {
            return;
        };
        if !memory.take_token(now) {
            return;
        }
        let kind = memory.kinds.entry((note.severity, note.reason.to_owned())).or_insert_with(|| Kind {
            messages: BTreeSet::new(),
            last: now,
            written: BTreeMap::new(),
        });
        if now.duration_since(kind.last) > SIMILAR_FOR {
            kind.messages.clear();
        }
        kind.last = now;
        kind.messages.insert(note.message.to_owned());
        let combined = kind.messages.len() >= SIMILAR;
        let key = if combined { String::new() } else { note.message.to_owned() };
        let message = if combined {
            format!("(combined from similar events): {}", note.message)
        } else {
            note.message.to_owned()
        };
        let mut writes = Writes::new(storage, rng, now);
        if let Some(name) = kind.written.get(&key) {
            let counted = writes.modify(resources::EVENTS, &name.namespace, &name.name, Part::Main, |event| {
                let count = object::integer(event, "/count").unwrap_or(1) + 1;
                event["count"] = json!(count);
                event["lastTimestamp"] = json!(object::format_time(now));
                event["message"] = json!(message);
            });
            if counted.is_ok() {
                return;
            }
        }
        let event = new_event(&mut writes, &note, &message);
        let name = Name::of(&event);
        let namespace = name.namespace.clone();
        if writes.create(resources::EVENTS, &namespace, event).is_ok() {
            self.expiring.push_back((now.checked_add(KEPT_FOR).unwrap_or(Timestamp::MAX), name.clone()));
            kind.written.insert(key, name);
        }
    }

    /// Deletes events that are too old; returns when the next one will be.
    pub(crate) fn expire(&mut self, storage: &mut Storage, rng: &mut StdRng, now: Timestamp) -> Option<Timestamp> {
        while let Some((time, name)) = self.expiring.front() {
            if *time > now {
                return Some(*time);
            }
            let options = DeleteOptions::default();
            // Somebody else may have deleted it already.
            let _ = Writes::new(storage, rng, now).delete(resources::EVENTS, &name.namespace, &name.name, &options);
            self.expiring.pop_front();
        }
        None
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    pub(crate) fn watched(&mut self, watched: bool) {
        self.watched = watched;
    }

    fn remember(&mut self, subject: &Subject, now: Timestamp) {
        if self.subjects.contains_key(subject) {
            return;
        }
        if self.order.len() == MEMORY
            && let Some(forgotten) = self.order.pop_front()
        {
            self.subjects.remove(&forgotten);
        }
        self.order.push_back(subject.clone());
        self.subjects.insert(subject.clone(), Memory { tokens: BURST, refilled: now, kinds: BTreeMap::new() });
    }
}

impl Memory {
    fn take_token(&mut self, now: Timestamp) -> bool {
        while self.tokens < BURST && now.duration_since(self.refilled) >= REFILL {
            self.tokens += 1;
            self.refilled += REFILL;
        }
        if self.tokens == 0 {
            return false;
        }
        if self.tokens == BURST {
            self.refilled = now;
        }
        self.tokens -= 1;
        true
    }
}

fn new_event(writes: &mut Writes<'_>, note: &Note<'_>, message: &str) -> Value {
    let subject = note.object;
    // Events about objects without a namespace go to the default one.
    let namespace = match object::namespace(subject) {
        "" => "default",
        namespace => namespace,
    };
    let suffix: u64 = writes.rng.random();
    let time = object::format_time(writes.now);
    let mut involved = json!({
        "kind": object::kind(subject),
        "namespace": object::namespace(subject),
        "name": object::name(subject),
        "uid": object::uid(subject),
        "apiVersion": subject.get("apiVersion"),
        "resourceVersion": object::text(subject, "/metadata/resourceVersion"),
        "fieldPath": note.field_path,
    });
    for optional in ["namespace", "fieldPath"] {
        if object::text(&involved, &format!("/{optional}")).is_empty() {
            object::as_map(&mut involved).shift_remove(optional);
        }
    }
    let mut source = json!({"component": note.component});
    if !note.host.is_empty() {
        source["host"] = json!(note.host);
    }
    json!({
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": format!("{}.{suffix:016x}", object::name(subject)), "namespace": namespace},
        "involvedObject": involved,
        "reason": note.reason,
        "message": message,
        "source": source,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
        "type": note.severity.name(),
        "eventTime": null,
        "reportingComponent": note.component,
        "reportingInstance": note.host,
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn messages(storage: &Storage) -> Vec<(String, i64)> {
        let mut list: Vec<_> = storage
            .list(resources::EVENTS, None)
            .map(|event| (object::text(event, "/message").to_owned(), object::integer(event, "/count").unwrap()))
            .collect();
        list.sort();
        list
    }

    fn record(messages: impl IntoIterator<Item = String>) -> (Storage, Recorder, StdRng, Timestamp) {
        let mut storage = Storage::new();
        let mut rng = StdRng::seed_from_u64(1);
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        storage.put(resources::NAMESPACES, json!({"metadata": {"name": "default"}}));
        let mut recorder = Recorder::default();
        let object =
            json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "default", "uid": "u"}});
        for message in messages {
            let note = Note {
                object: &object,
                severity: Severity::Normal,
                reason: "Test",
                message: &message,
                component: "test",
                host: "",
                field_path: "",
            };
            recorder.record(&mut storage, &mut rng, now, note);
        }
        (storage, recorder, rng, now)
    }

    #[test]
    fn the_same_message_is_counted() {
        let (storage, ..) = record(["x", "x", "y", "x"].map(str::to_owned));
        assert_eq!(messages(&storage), [("x".to_owned(), 3), ("y".to_owned(), 1)]);
    }

    #[test]
    fn many_messages_are_combined_and_then_dropped() {
        let (storage, ..) = record((0..40).map(|number| format!("m{number:02}")));
        let list = messages(&storage);
        assert_eq!(list.len(), 10);
        assert_eq!(list[0], ("(combined from similar events): m24".to_owned(), 16));
    }

    #[test]
    fn old_events_expire() {
        let (mut storage, mut recorder, mut rng, now) = record(["x".to_owned()]);
        assert_eq!(recorder.expire(&mut storage, &mut rng, now), Some(now + KEPT_FOR));
        assert_eq!(recorder.expire(&mut storage, &mut rng, now + KEPT_FOR), None);
        assert_eq!(storage.count(resources::EVENTS), 0);
    }
}
