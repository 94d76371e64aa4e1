//! Watches: a cursor on the history of one resource, polled by whoever serves the connection.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use serde_json::{Value, json};

use super::negotiate::{self, Encoding, Form};
use super::options::IncludeObject;
use super::selector::{FieldSelector, LabelSelector};
use super::{Backend, Body, Call, Response, read, table, view};
use crate::object;
use crate::resources::Resource;
use crate::status::Status;
use crate::storage::{Event, EventKind, Storage};

/// A watch without timeoutSeconds lives this long, plus up to as much again.
const DEFAULT_TIMEOUT: i64 = 1800;
/// Bookmarks come this often.
const BOOKMARK_PERIOD: SignedDuration = SignedDuration::from_secs(60);
/// The last bookmark comes this long before the end.
const BOOKMARK_BEFORE_END: SignedDuration = SignedDuration::from_secs(2);

/// An open watch.
#[derive(Debug)]
pub struct Watch {
    resource: &'static Resource,
    namespace: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
    view: View,
    /// Everything up to this revision has been told.
    seen: u64,
    /// Objects to tell as ADDED before anything else.
    initial: Vec<Arc<Value>>,
    /// Whether a bookmark must mark the end of `initial`.
    mark_initial_end: bool,
    bookmarks: bool,
    next_bookmark: Timestamp,
    end: Timestamp,
    ended: bool,
}

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// One JSON line each, to be sent as one chunk each.
    pub lines: Vec<Bytes>,
    /// The stream ends after these lines.
    pub ended: bool,
    /// When to poll again even if nothing changes.
    pub wake: Option<Timestamp>,
}

/// How objects are shown in the stream.
#[derive(Debug)]
struct View {
    /// The version to show objects in, where that is not the stored one.
    shown_as: Option<&'static Resource>,
    form: Form,
    include: IncludeObject,
    /// Column definitions go out once.
    columns_told: bool,
}

/// `GET ...?watch=true`
pub(super) fn start(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let query = &call.query;
    query.fields.check(call.resource).map_err(Status::bad_request)?;
    if call.format.encoding == Encoding::Yaml {
        // YAML has no framing for streams.
        return Err(negotiate::not_acceptable(format!(
            "only the following media types are accepted: {}",
            negotiate::OFFERED
        )));
    }
    let revision = match query.resource_version.as_str() {
        "" => 0,
        text => read::parse_version(text).map_err(Status::unexplained)?,
    };
    let seconds = match query.timeout_seconds {
        Some(seconds) if seconds > 0 => seconds,
        _ => DEFAULT_TIMEOUT + backend.rng.random_range(0..DEFAULT_TIMEOUT),
    };
    let end = backend.now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let namespace =
        call.resource.namespaced.then(|| call.namespace.to_owned()).filter(|namespace| !namespace.is_empty());

    let storage = &*backend.storage;
    let replay = match query.send_initial_events {
        Some(wanted) => wanted,
        None => revision == 0,
    };
    let initial = if replay {
        storage
            .list(call.resource, namespace.as_deref())
            .filter(|object| query.labels.matches(object) && query.fields.matches(object))
            .cloned()
            .collect()
    } else {
        Vec::new()
    };
    let seen = if replay || revision == 0 { storage.revision() } else { revision };
    let mut watch = Watch {
        resource: call.resource,
        namespace,
        labels: query.labels.clone(),
        fields: query.fields.clone(),
        view: View { shown_as: None, form: call.format.form, include: query.include_object, columns_told: false },
        seen,
        initial,
        mark_initial_end: query.send_initial_events == Some(true) && query.allow_bookmarks,
        bookmarks: query.allow_bookmarks,
        next_bookmark: Timestamp::MAX,
        end,
        ended: false,
    };
    watch.next_bookmark = watch.next_bookmark_after(backend.now);
    if watch.view.form == Form::MetadataList {
        watch.view.form = Form::Metadata;
    }
    let mut response = Response::new(200, "application/json", Bytes::new());
    response.headers.push(("Transfer-Encoding", "chunked".to_owned()));
    response.body = Body::Watch(Box::new(watch));
    Ok(response)
}

impl Watch {
    /// Shows objects in another version than the stored one.
    pub(super) fn show_as(&mut self, resource: &'static Resource) {
        self.view.shown_as = Some(resource);
    }

    /// Everything new since the last poll.
    pub fn poll(&mut self, storage: &Storage, now: Timestamp) -> Polled {
        let mut polled = Polled::default();
        if self.ended {
            polled.ended = true;
            return polled;
        }
        for object in std::mem::take(&mut self.initial) {
            let line = self.line("ADDED", &object, now);
            polled.lines.push(line);
        }
        if std::mem::take(&mut self.mark_initial_end) {
            polled.lines.push(self.bookmark(self.seen, true, now));
        }
        let events: Vec<(&'static str, Arc<Value>)> = match storage.events_after(self.resource, self.seen) {
            Ok(events) => events.filter_map(|event| self.translate(event)).collect(),
            Err(gone) => {
                let message = format!("too old resource version: {} ({})", gone.wanted, gone.oldest);
                polled.lines.push(line_of("ERROR", &Status::expired(message).to_value()));
                self.ended = true;
                polled.ended = true;
                return polled;
            }
        };
        for (kind, object) in events {
            let line = self.line(kind, &object, now);
            polled.lines.push(line);
        }
        self.seen = self.seen.max(storage.revision());
        if self.bookmarks && now >= self.next_bookmark {
            polled.lines.push(self.bookmark(self.seen, false, now));
            self.next_bookmark = self.next_bookmark_after(now);
        }
        if now >= self.end {
            self.ended = true;
            polled.ended = true;
            return polled;
        }
        polled.wake = Some(if self.bookmarks { self.end.min(self.next_bookmark) } else { self.end });
        polled
    }

    /// Ends it with the error of a history that is gone, whatever there is.
    pub fn expire(&mut self) -> Polled {
        self.ended = true;
        let status = Status::expired(format!("too old resource version: {} (fault)", self.seen));
        Polled { lines: vec![line_of("ERROR", &status.to_value())], ended: true, wake: None }
    }

    /// The next bookmark after `from`: periodic, and one shortly before the end.
    fn next_bookmark_after(&self, from: Timestamp) -> Timestamp {
        let last = self.end.saturating_sub(BOOKMARK_BEFORE_END).unwrap_or(from);
        if from >= last {
            return Timestamp::MAX;
        }
        from.saturating_add(BOOKMARK_PERIOD).unwrap_or(Timestamp::MAX).min(last)
    }

    /// What an event means to somebody who only sees what the selectors let through.
    fn translate(&self, event: &Event) -> Option<(&'static str, Arc<Value>)> {
        if self.namespace.as_deref().is_some_and(|namespace| namespace != object::namespace(&event.object)) {
            return None;
        }
        let matches = |object: &Value| self.labels.matches(object) && self.fields.matches(object);
        let before = event.previous.as_ref().filter(|previous| matches(previous));
        match event.kind {
            EventKind::Deleted => before.map(|_| ("DELETED", Arc::clone(&event.object))),
            EventKind::Added | EventKind::Modified => match (before, matches(&event.object)) {
                (None, true) => Some(("ADDED", Arc::clone(&event.object))),
                (Some(_), true) => Some(("MODIFIED", Arc::clone(&event.object))),
                (Some(before), false) => Some(("DELETED", at_revision(before, event.revision))),
                (None, false) => None,
            },
        }
    }

    fn line(&mut self, kind: &str, object: &Value, now: Timestamp) -> Bytes {
        let shown = self.view.show(self.resource, object, now);
        line_of(kind, &shown)
    }

    fn bookmark(&mut self, revision: u64, initial_end: bool, now: Timestamp) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = json!({
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version(),
            "metadata": metadata,
        });
        let shown = self.view.show(self.resource, &object, now);
        line_of("BOOKMARK", &shown)
    }
}

impl View {
    fn show(&mut self, resource: &'static Resource, object: &Value, now: Timestamp) -> Value {
        match self.form {
            Form::Plain => match self.shown_as {
                None => object.clone(),
                Some(shown_as) => view::show(object.clone(), shown_as),
            },
            Form::Metadata | Form::MetadataList => read::partial(object),
            Form::Table => {
                let columns = !std::mem::replace(&mut self.columns_told, true);
                let metadata = json!({"resourceVersion": object::text(object, "/metadata/resourceVersion")});
                table::render(resource, &[object], metadata, self.include, columns, now)
            }
        }
    }
}

fn line_of(kind: &str, object: &Value) -> Bytes {
    let mut text = String::from("{\"type\":\"");
    text.push_str(kind);
    text.push_str("\",\"object\":");
    text.push_str(&object.to_string());
    text.push_str("}\n");
    Bytes::from(text)
}

fn at_revision(object: &Value, revision: u64) -> Arc<Value> {
    let mut object = object.clone();
    object::metadata_mut(&mut object).insert("resourceVersion".into(), json!(revision.to_string()));
    Arc::new(object)
}
