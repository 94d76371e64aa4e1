//! The store: objects by resource, namespace and name; one store-wide revision; a bounded history.
//!
//! ```text
//! put / remove ──► collection (ns ─► name ─► Arc<Value>)
//!              ├─► collection history  ──► watches, lists at an exact revision
//!              ├─► store-wide log      ──► controllers (what changed since my cursor?)
//!              └─► owner index         ──► garbage collection, "pods of this ReplicaSet"
//! ```
//!
//! The store knows no rules of the API: it stamps `metadata.resourceVersion` and nothing else. Rules live in
//! [`crate::writes`]. History is kept in rings; what falls out of a ring is *compacted*, and asking for it gives
//! [`Compacted`]. A list at an older revision is made by undoing the history from the present, so snapshots cost
//! nothing until somebody asks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::resources::Resource;

/// The first revision: a store that was alive before anybody looked, so that small revisions are "too old".
const FIRST_REVISION: u64 = 1000;
/// Events a collection remembers: some thousand pods changing a few times. Every event holds on to an old object, so
/// this bounds memory too; a watch that falls further behind lists again, as with a real server.
const COLLECTION_HISTORY: usize = 8192;
/// Changes the store-wide log remembers; controllers read it after every step, so it can be short of that.
const LOG_LENGTH: usize = 4096;

/// Objects in name order within namespace order.
type Objects = BTreeMap<String, BTreeMap<String, Arc<Value>>>;
/// [`Resource::storage_key`]: versions of one kind share a collection.
type CollectionKey = &'static str;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Added,
    Modified,
    Deleted,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Event {
    pub revision: u64,
    pub resource: &'static Resource,
    pub kind: EventKind,
    /// The new state; for `Deleted` the last state, stamped with the revision of the deletion.
    pub object: Arc<Value>,
    /// The state before; `None` for `Added`.
    pub previous: Option<Arc<Value>>,
}

/// The wanted history is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revision {wanted} is compacted; the oldest available is {oldest}")]
pub struct Compacted {
    pub wanted: u64,
    pub oldest: u64,
}

/// Names one stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    pub resource: &'static Resource,
    pub namespace: String,
    pub name: String,
}

impl Ord for ObjectKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let other_parts = (other.resource.storage_key, &other.namespace, &other.name);
        (self.resource.storage_key, &self.namespace, &self.name).cmp(&other_parts)
    }
}

impl PartialOrd for ObjectKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// See the module documentation.
#[derive(Debug)]
pub struct Storage {
    collections: BTreeMap<CollectionKey, Collection>,
    log: VecDeque<Event>,
    /// Dependents by the uid of their owner.
    owned: BTreeMap<String, BTreeSet<ObjectKey>>,
    revision: u64,
    /// Revisions below this one are gone in every collection.
    compacted: u64,
}

#[derive(Debug, Default)]
struct Collection {
    objects: Objects,
    count: usize,
    history: VecDeque<Event>,
    /// The oldest revision from which this collection's history is complete, when its ring has overflowed.
    oldest: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self::new()
    }
}

impl Storage {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            collections: BTreeMap::new(),
            log: VecDeque::new(),
            owned: BTreeMap::new(),
            revision: FIRST_REVISION,
            compacted: FIRST_REVISION,
        }
    }

    /// The revision of the latest write.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// One object; `namespace` is "" for cluster-scoped resources.
    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.collection(resource)?.objects.get(namespace)?.get(name)
    }

    /// All objects of a resource, or those of one namespace, in (namespace, name) order.
    pub fn list<'a>(
        &'a self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Value>> + 'a> {
        let Some(collection) = self.collection(resource) else {
            return Box::new(std::iter::empty());
        };
        match namespace {
            Some(namespace) => Box::new(collection.objects.get(namespace).into_iter().flat_map(BTreeMap::values)),
            None => Box::new(collection.objects.values().flat_map(BTreeMap::values)),
        }
    }

    /// How many objects of a resource there are, in all namespaces.
    pub fn count(&self, resource: &Resource) -> usize {
        self.collection(resource).map_or(0, |collection| collection.count)
    }

    /// The objects as they were right after `revision`, in (namespace, name) order.
    ///
    /// # Errors
    /// [`Compacted`] when the history does not reach back so far.
    pub fn list_at(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Vec<Arc<Value>>, Compacted> {
        let later = self.events_after(resource, revision)?;
        let mut objects: BTreeMap<(&str, &str), &Arc<Value>> = self
            .list(resource, namespace)
            .map(|object| ((object::namespace(object), object::name(object)), object))
            .collect();
        for event in later.rev() {
            let key = (object::namespace(&event.object), object::name(&event.object));
            if namespace.is_some_and(|namespace| namespace != key.0) {
                continue;
            }
            match &event.previous {
                Some(previous) => objects.insert(key, previous),
                None => objects.remove(&key),
            };
        }
        Ok(objects.into_values().cloned().collect())
    }

    /// The changes of one resource after `revision`, oldest first.
    ///
    /// # Errors
    /// [`Compacted`] when some of them are gone.
    pub fn events_after(
        &self,
        resource: &Resource,
        revision: u64,
    ) -> Result<impl DoubleEndedIterator<Item = &Event>, Compacted> {
        let collection = self.collection(resource);
        let oldest = collection.map_or(0, |collection| collection.oldest).max(self.compacted);
        if revision < oldest {
            return Err(Compacted { wanted: revision, oldest });
        }
        Ok(collection.into_iter().flat_map(move |collection| {
            let start = collection.history.partition_point(|event| event.revision <= revision);
            collection.history.range(start..)
        }))
    }

    /// The changes of all resources after `revision`, oldest first: what controllers follow with a cursor.
    ///
    /// # Errors
    /// [`Compacted`] when some of them are gone; the reader then has to look at everything.
    pub fn log_after(&self, revision: u64) -> Result<impl DoubleEndedIterator<Item = &Event>, Compacted> {
        let oldest = self.log.front().map_or(FIRST_REVISION, |event| event.revision - 1);
        if revision < oldest {
            return Err(Compacted { wanted: revision, oldest });
        }
        let start = self.log.partition_point(|event| event.revision <= revision);
        Ok(self.log.range(start..))
    }

    /// The objects that name `uid` in their ownerReferences.
    pub fn dependents(&self, uid: &str) -> impl Iterator<Item = &Arc<Value>> {
        self.dependent_keys(uid).filter_map(|key| self.get(key.resource, &key.namespace, &key.name))
    }

    /// Where the dependents of `uid` are.
    pub fn dependent_keys(&self, uid: &str) -> impl Iterator<Item = &ObjectKey> {
        self.owned.get(uid).into_iter().flatten()
    }

    /// Stores an object under its own namespace and name, stamped with the next revision.
    pub fn put(&mut self, resource: &'static Resource, mut object: Value) -> Arc<Value> {
        let revision = self.next_revision();
        stamp(&mut object, revision);
        let object = Arc::new(object);
        let namespace = object::namespace(&object);
        let name = object::name(&object);
        let collection = self.collections.entry(resource.storage_key).or_default();
        if !collection.objects.contains_key(namespace) {
            collection.objects.insert(namespace.to_owned(), BTreeMap::new());
        }
        let previous =
            collection.objects.get_mut(namespace).and_then(|names| names.insert(name.to_owned(), Arc::clone(&object)));
        let kind = if previous.is_some() { EventKind::Modified } else { EventKind::Added };
        if previous.is_none() {
            collection.count += 1;
        }
        self.reindex(resource, previous.as_deref(), Some(&object));
        self.record(Event { revision, resource, kind, object: Arc::clone(&object), previous });
        object
    }

    /// Removes an object; returns its last state, stamped with the revision of the deletion.
    pub fn remove(&mut self, resource: &'static Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let collection = self.collections.get_mut(resource.storage_key)?;
        let names = collection.objects.get_mut(namespace)?;
        let previous = names.remove(name)?;
        if names.is_empty() {
            collection.objects.remove(namespace);
        }
        collection.count -= 1;
        let revision = self.next_revision();
        let mut last = Value::clone(&previous);
        stamp(&mut last, revision);
        let object = Arc::new(last);
        self.reindex(resource, Some(&previous), None);
        self.record(Event {
            revision,
            resource,
            kind: EventKind::Deleted,
            object: Arc::clone(&object),
            previous: Some(previous),
        });
        Some(object)
    }

    /// Forgets the history before `revision`, as the compaction of a real store does.
    pub fn compact(&mut self, revision: u64) {
        self.compacted = self.compacted.max(revision.min(self.revision));
        for collection in self.collections.values_mut() {
            let gone = collection.history.partition_point(|event| event.revision <= self.compacted);
            collection.history.drain(..gone);
        }
    }

    fn collection(&self, resource: &Resource) -> Option<&Collection> {
        self.collections.get(resource.storage_key)
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn record(&mut self, event: Event) {
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(event.clone());
        let collection = self.collections.entry(event.resource.storage_key).or_default();
        if collection.history.len() == COLLECTION_HISTORY
            && let Some(dropped) = collection.history.pop_front()
        {
            collection.oldest = dropped.revision;
        }
        collection.history.push_back(event);
    }

    fn reindex(&mut self, resource: &'static Resource, before: Option<&Value>, after: Option<&Value>) {
        let owners = |object: Option<&Value>| -> BTreeSet<String> {
            object
                .map(object::owner_references)
                .unwrap_or_default()
                .iter()
                .filter_map(|owner| owner.get("uid")?.as_str().map(str::to_owned))
                .collect()
        };
        let (old, new) = (owners(before), owners(after));
        if old == new {
            return;
        }
        let Some(object) = after.or(before) else {
            return;
        };
        let key = ObjectKey {
            resource,
            namespace: object::namespace(object).to_owned(),
            name: object::name(object).to_owned(),
        };
        for uid in old.difference(&new) {
            if let Some(keys) = self.owned.get_mut(uid) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.owned.remove(uid);
                }
            }
        }
        for uid in new.difference(&old) {
            self.owned.entry(uid.clone()).or_default().insert(key.clone());
        }
    }
}

fn stamp(object: &mut Value, revision: u64) {
    object::metadata_mut(object).insert("resourceVersion".into(), json!(revision.to_string()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{CONFIGMAPS, SECRETS};

    fn put(storage: &mut Storage, namespace: &str, name: &str, value: i64) -> u64 {
        storage.put(CONFIGMAPS, json!({"metadata": {"namespace": namespace, "name": name}, "value": value}));
        storage.revision()
    }

    fn shown(objects: &[Arc<Value>]) -> Vec<(String, i64)> {
        let describe =
            |object: &Arc<Value>| (object::name(object).to_owned(), object::integer(object, "/value").unwrap());
        objects.iter().map(describe).collect()
    }

    #[test]
    fn the_past_is_what_is_left_when_the_history_is_undone() {
        let mut storage = Storage::new();
        put(&mut storage, "x", "b", 1);
        let first = put(&mut storage, "x", "a", 1);
        let second = put(&mut storage, "x", "b", 2);
        storage.remove(CONFIGMAPS, "x", "a").unwrap();
        put(&mut storage, "x", "c", 1);
        put(&mut storage, "y", "d", 1);
        let at = |revision| storage.list_at(CONFIGMAPS, Some("x"), revision).map(|list| shown(&list));
        assert_eq!(at(first), Ok(vec![("a".into(), 1), ("b".into(), 1)]));
        assert_eq!(at(second), Ok(vec![("a".into(), 1), ("b".into(), 2)]));
        assert_eq!(at(storage.revision()), Ok(vec![("b".into(), 2), ("c".into(), 1)]));
        assert_eq!(storage.count(CONFIGMAPS), 3);
    }

    #[test]
    fn compacted_history_is_refused_and_not_guessed() {
        let mut storage = Storage::new();
        let first = put(&mut storage, "x", "a", 1);
        let second = put(&mut storage, "x", "a", 2);
        storage.compact(second);
        assert_eq!(storage.events_after(CONFIGMAPS, first).err(), Some(Compacted { wanted: first, oldest: second }));
        assert!(storage.list_at(SECRETS, None, first).is_err(), "compaction is store-wide");
        assert_eq!(storage.events_after(CONFIGMAPS, second).unwrap().count(), 0);
    }

    #[test]
    fn a_full_ring_forgets_its_oldest_events() {
        let mut storage = Storage::new();
        let first = put(&mut storage, "x", "a", 0);
        for value in 0..COLLECTION_HISTORY {
            put(&mut storage, "x", "a", i64::try_from(value).unwrap());
        }
        assert_eq!(storage.events_after(CONFIGMAPS, first).unwrap().count(), COLLECTION_HISTORY);
        assert!(storage.events_after(CONFIGMAPS, first - 1).is_err());
    }

    #[test]
    fn dependents_follow_owner_references() {
        let mut storage = Storage::new();
        let owned = |owners: Value| json!({"metadata": {"namespace": "x", "name": "a", "ownerReferences": owners}});
        storage.put(CONFIGMAPS, owned(json!([{"uid": "one"}, {"uid": "two"}])));
        assert_eq!(storage.dependents("two").count(), 1);
        storage.put(CONFIGMAPS, owned(json!([{"uid": "one"}])));
        assert_eq!((storage.dependents("one").count(), storage.dependents("two").count()), (1, 0));
        storage.remove(CONFIGMAPS, "x", "a");
        assert_eq!(storage.dependents("one").count(), 0);
    }
}
