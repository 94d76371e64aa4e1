//! Watches: a list, then what changes, for ever.
//!
//! kube's watcher resumes a watch that ends or breaks. Where it cannot even begin one, it says so, and from then on nothing it emits would tell
//! that it has recovered: a resumed watch is silent until something changes. So after such a failure the watch is begun anew with a
//! list. First start, retry and recovery take the same path, and the end of the list is the sign that all is well.

use std::borrow::Cow;
use std::pin::pin;

use futures::StreamExt as _;
use kube::core::{ApiResource, DynamicResourceScope, ObjectMeta};
use kube::runtime::watcher::{self, Config, Error};
use kube::{Api, Client, Resource};
use serde::Deserialize;
use serde_json::Value;

use crate::access::WATCH_SECONDS;
use crate::backoff::Backoff;
use crate::failure;
use crate::kind::Kind;
use crate::view::View;

/// An object as the API wrote it, without its `managedFields`: often half of it, and of no use here.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Watched {
    object: Value,
    /// What the watcher needs to see.
    metadata: ObjectMeta,
}

impl Watched {
    pub(crate) fn json(&self) -> &Value {
        &self.object
    }
}

impl From<Value> for Watched {
    fn from(mut object: Value) -> Self {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("managedFields");
        }
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        Self { object, metadata }
    }
}

impl Resource for Watched {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.kind)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.group)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.version)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.plural)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Watches a kind in all namespaces or in one, and tells the view. Ends only by being dropped.
pub(crate) async fn watch(client: Client, namespace: Option<String>, kind: Kind, view: &View) {
    let resource = kind.resource();
    let api: Api<Watched> = match &namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let mut attempts = Attempts { backoff: Backoff::new(), told: None };
    loop {
        let error = until_failure(api.clone(), kind, view, &mut attempts).await;
        attempts.tell(kind, &error);
        view.fail(kind, failure::of_watch(&error));
        tokio::time::sleep(attempts.backoff.next()).await;
    }
}

async fn until_failure(api: Api<Watched>, kind: Kind, view: &View, attempts: &mut Attempts) -> Error {
    let config = Config::default().timeout(WATCH_SECONDS);
    let mut events = pin!(watcher::watcher(api, config));
    loop {
        match events.next().await {
            Some(Ok(event)) => {
                attempts.succeeded(kind, &event);
                view.apply(kind, event);
            }
            // It broke while it ran; whether that is a failure shows when the watcher takes it up again.
            Some(Err(error @ (Error::WatchFailed(_) | Error::WatchError(_)))) => {
                let error = failure::with_causes(&error);
                tracing::debug!(kind = kind.plural(), error, "the watch broke and is taken up again");
                tokio::time::sleep(attempts.backoff.next()).await;
            }
            Some(Err(error)) => return error,
            None => return Error::NoResourceVersion,
        }
    }
}

/// How it went so far.
struct Attempts {
    backoff: Backoff,
    /// The failure that was logged last; the same one is not worth a second line.
    told: Option<String>,
}

impl Attempts {
    fn succeeded(&mut self, kind: Kind, event: &watcher::Event<Watched>) {
        if matches!(event, watcher::Event::Init) {
            return;
        }
        self.backoff.reset();
        if matches!(event, watcher::Event::InitDone) && self.told.take().is_some() {
            tracing::info!(kind = kind.plural(), "the watch has recovered");
        }
    }

    fn tell(&mut self, kind: Kind, error: &Error) {
        let error = failure::with_causes(error);
        if self.told.as_ref() != Some(&error) {
            tracing::warn!(kind = kind.plural(), error, "the watch failed and is begun anew");
            self.told = Some(error);
        }
    }
}
