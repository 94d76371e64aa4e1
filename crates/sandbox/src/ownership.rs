//! Who owns which field: `metadata.managedFields`.
//!
//! Every write through the API leaves behind which fields its manager set; server-side apply reads that to find
//! conflicts and to remove what a manager no longer wants. Writes of the sandbox's own controllers are not tracked.
//!
//! ```text
//!   update:  changed fields (old ► new)  ─► taken from the others, added to the manager
//!   apply:   fields of the configuration ─► the manager's set; other owners of changed fields are conflicts
//! ```

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::object;
use crate::resources::Resource;
use crate::writes::Manager;

pub mod field_set;
pub mod walk;

pub use field_set::FieldSet;

/// What identifies an entry of managedFields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// `Apply` sorts before `Update`, as the server lists them.
    pub operation: Operation,
    pub name: String,
    pub api_version: String,
    pub subresource: String,
}

/// How an owner came to its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

impl Owner {
    /// The owner that a write of `manager` to a resource makes.
    pub fn of(manager: &Manager, resource: &Resource) -> Self {
        Self {
            operation: if manager.apply { Operation::Apply } else { Operation::Update },
            name: manager.name.clone(),
            api_version: resource.api_version(),
            subresource: manager.subresource.to_owned(),
        }
    }
}

/// An owner's fields, and when it last changed some.
#[derive(Debug, Clone, PartialEq)]
pub struct Owned {
    pub owner: Owner,
    pub fields: FieldSet,
    pub time: Option<String>,
}

/// The managedFields of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Owners(pub Vec<Owned>);

impl Owners {
    /// Reads `metadata.managedFields`; entries without a manager's mark are skipped.
    pub fn read(object: &Value) -> Self {
        let entries = object::items(object, "/metadata/managedFields").iter().filter_map(|entry| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let operation = match text("operation").as_str() {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            let owner = Owner {
                operation,
                name: text("manager"),
                api_version: text("apiVersion"),
                subresource: text("subresource"),
            };
            let time = Some(text("time")).filter(|time| !time.is_empty());
            Some(Owned { owner, fields: FieldSet::read(entry.get("fieldsV1")?), time })
        });
        Self(entries.collect())
    }

    /// Writes `metadata.managedFields`; owners of nothing disappear.
    pub fn write(mut self, target: &mut Value) {
        self.0.retain(|owned| !owned.fields.is_empty());
        self.0.sort_by(|a, b| (a.owner.operation, &a.time, &a.owner).cmp(&(b.owner.operation, &b.time, &b.owner)));
        let metadata = object::metadata_mut(target);
        if self.0.is_empty() {
            metadata.shift_remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), self.0.iter().map(Owned::to_value).collect());
        }
    }

    /// The fields of an owner.
    pub fn get(&self, owner: &Owner) -> Option<&FieldSet> {
        self.0.iter().find(|owned| owned.owner == *owner).map(|owned| &owned.fields)
    }

    /// The entry of an owner, made when absent.
    pub fn entry(&mut self, owner: &Owner) -> &mut Owned {
        let at = self.0.iter().position(|owned| owned.owner == *owner).unwrap_or_else(|| {
            self.0.push(Owned { owner: owner.clone(), fields: FieldSet::default(), time: None });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Takes fields away from everybody but `owner`.
    pub fn take_from_others(&mut self, owner: &Owner, fields: &FieldSet) {
        for owned in self.0.iter_mut().filter(|owned| owned.owner != *owner) {
            owned.fields = owned.fields.difference(fields);
        }
    }
}

impl Owned {
    fn to_value(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("manager".to_owned(), json!(self.owner.name));
        let operation = match self.owner.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        entry.insert("operation".to_owned(), json!(operation));
        entry.insert("apiVersion".to_owned(), json!(self.owner.api_version));
        if let Some(time) = &self.time {
            entry.insert("time".to_owned(), json!(time));
        }
        entry.insert("fieldsType".to_owned(), json!("FieldsV1"));
        entry.insert("fieldsV1".to_owned(), self.fields.to_value());
        if !self.owner.subresource.is_empty() {
            entry.insert("subresource".to_owned(), json!(self.owner.subresource));
        }
        Value::Object(entry)
    }
}

/// Records a create or update: what changed from `old` to `new` is now `manager`'s.
///
/// `new` carries the managedFields that the client sent: none means the stored ones, one empty entry wipes them.
pub fn track(resource: &Resource, old: &Value, new: &mut Value, manager: &Manager, now: Timestamp) {
    let sent = object::items(new, "/metadata/managedFields");
    if sent.len() == 1 && sent[0].as_object().is_some_and(|entry| entry.values().all(Value::is_null)) {
        object::metadata_mut(new).shift_remove("managedFields");
        return;
    }
    let mut owners = Owners::read(new);
    if owners.0.is_empty() {
        owners = Owners::read(old);
    }
    let mut comparison = walk::compare(resource.schema(), old, new);
    for fields in [&mut comparison.added, &mut comparison.modified, &mut comparison.removed] {
        fields.forget(&unowned(resource, manager.subresource));
    }
    let changed = comparison.added.union(&comparison.modified);
    let owner = Owner::of(manager, resource);
    for owned in &mut owners.0 {
        owned.fields = owned.fields.difference(&comparison.removed);
    }
    owners.take_from_others(&owner, &changed);
    if !changed.is_empty() {
        let owned = owners.entry(&owner);
        owned.fields = owned.fields.union(&changed);
        owned.time = Some(object::format_time(now));
    }
    owners.write(new);
}

/// Paths that nobody owns: identity, what the server sets, and the part that the written subresource resets.
pub fn unowned(resource: &Resource, subresource: &str) -> Vec<&'static [&'static str]> {
    let mut paths: Vec<&[&str]> = vec![
        &["apiVersion"],
        &["kind"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "generateName"],
        &["metadata", "creationTimestamp"],
        &["metadata", "deletionTimestamp"],
        &["metadata", "deletionGracePeriodSeconds"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ];
    match subresource {
        "status" => paths.push(&["spec"]),
        _ if resource.has_status() => paths.push(&["status"]),
        _ => {}
    }
    paths
}
