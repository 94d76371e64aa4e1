//! The witness: it watches the pods of the cluster itself, from the first second, and remembers the worst it saw.
//!
//! Every event is one change of one pod, in the order in which they happened, so that the counts after each event are all the
//! counts there ever were.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use super::cluster::{Cluster, Event};

/// A pod, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) image: String,
    /// It serves: ready, and not on its way out.
    pub(super) is_ready: bool,
    /// It was told to stop.
    pub(super) is_leaving: bool,
}

/// What the witness sees and has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    /// The pods that are there, by name.
    pub(super) pods: BTreeMap<String, Pod>,
    /// How many events led here.
    pub(super) events: u64,
    /// The fewest ready pods at any moment since [`Witness::guard`].
    pub(super) lowest: Option<usize>,
    /// Why there is nothing more to see.
    pub(super) blind: Option<String>,
}

impl Sight {
    /// Pods that serve.
    pub(super) fn ready(&self) -> usize {
        self.pods.values().filter(|pod| pod.is_ready).count()
    }

    /// Pods of this image, those that are leaving not counted.
    pub(super) fn of(&self, image: &str) -> usize {
        self.pods.values().filter(|pod| pod.image == image && !pod.is_leaving).count()
    }

    /// Whether there are exactly so many pods, all of this image, all serving, and nothing else.
    pub(super) fn is_all(&self, image: &str, count: usize) -> bool {
        self.pods.len() == count && self.ready() == count && self.of(image) == count
    }

    fn apply(&mut self, event: &Event) {
        let name = text(&event.object, "/metadata/name").to_owned();
        match event.kind.as_str() {
            "ADDED" | "MODIFIED" => {
                self.pods.insert(name, Pod::of(&event.object));
            }
            "DELETED" => {
                self.pods.remove(&name);
            }
            other => {
                self.blind = Some(format!("the cluster's watch sent {other}: {}", text(&event.object, "/message")));
                return;
            }
        }
        self.events += 1;
        let ready = self.ready();
        self.lowest = self.lowest.map(|lowest| lowest.min(ready));
    }
}

impl Pod {
    fn of(object: &Value) -> Self {
        let is_leaving = object.pointer("/metadata/deletionTimestamp").is_some();
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        let has_condition = conditions.is_some_and(|conditions| {
            conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        });
        Self {
            image: text(object, "/spec/containers/0/image").to_owned(),
            is_ready: has_condition && !is_leaving,
            is_leaving,
        }
    }
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(super) struct Witness {
    sight: Arc<watch::Sender<Sight>>,
    watching: AbortHandle,
}

impl Witness {
    /// Begins to watch.
    pub(super) fn start(cluster: Cluster) -> Self {
        let sight = Arc::new(watch::Sender::new(Sight::default()));
        let watching = TaskTracker::new().spawn(watch_for_ever(cluster, Arc::clone(&sight))).abort_handle();
        Self { sight, watching }
    }

    /// What is seen, now and from now on.
    pub(super) fn look(&self) -> watch::Receiver<Sight> {
        self.sight.subscribe()
    }

    /// From now on the lowest number of ready pods counts.
    pub(super) fn guard(&self) {
        self.sight.send_modify(|sight| sight.lowest = Some(sight.ready()));
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A watch that ends would leave a gap in what was seen, so its end is the end of the witness.
async fn watch_for_ever(cluster: Cluster, sight: Arc<watch::Sender<Sight>>) {
    let watching = async {
        let mut events = cluster.watch_pods().await?;
        while let Some(event) = events.next().await? {
            sight.send_modify(|sight| sight.apply(&event));
        }
        anyhow::Ok(())
    };
    let reason = match watching.await {
        Ok(()) => "the cluster ended the watch".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    sight.send_modify(|sight| sight.blind = Some(reason));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, name: &str, image: &str, ready: bool, leaving: bool) -> Event {
        let mut object = json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "image": image }] },
            "status": { "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] },
        });
        if leaving {
            object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        }
        Event { kind: kind.to_owned(), object }
    }

    #[test]
    fn the_lowest_is_that_of_every_moment() {
        let mut sight = Sight::default();
        for name in ["a", "b"] {
            sight.apply(&event("ADDED", name, "v1", true, false));
        }
        assert_eq!((sight.ready(), sight.lowest), (2, None), "nothing counts before it is asked for");
        sight.lowest = Some(sight.ready());
        sight.apply(&event("MODIFIED", "a", "v1", true, true));
        assert_eq!(sight.ready(), 1, "a pod that is leaving does not serve");
        sight.apply(&event("ADDED", "c", "v2", true, false));
        sight.apply(&event("DELETED", "a", "v1", true, true));
        assert_eq!((sight.ready(), sight.lowest, sight.events), (2, Some(1), 5));
        assert_eq!((sight.of("v1"), sight.of("v2")), (1, 1));
        assert!(!sight.is_all("v1", 2) && !sight.is_all("v1", 1));
    }

    #[test]
    fn an_error_of_the_watch_blinds() {
        let mut sight = Sight::default();
        sight.apply(&Event { kind: "ERROR".into(), object: json!({ "message": "too old" }) });
        assert_eq!(sight.blind.as_deref(), Some("the cluster's watch sent ERROR: too old"));
    }
}
