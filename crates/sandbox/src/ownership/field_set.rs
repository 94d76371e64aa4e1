//! Sets of field paths, in the `FieldsV1` form that managedFields use.
//!
//! A set is a tree: an entry may be a member itself, and may have entries below it. `{"f:data": {"f:k": {}}}` has the
//! one member `.data.k`; `{"f:labels": {".": {}, "f:a": {}}}` has the two members `.labels` and `.labels.a`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// `f:name`: a field of a struct or an entry of a map.
    Field(String),
    /// `k:{"name":"c"}`: an element of a list, by its keys; JSON with sorted keys.
    Key(String),
    /// `v:"x"`: an element of a set, by its value; JSON.
    Value(String),
    /// `i:0`: an element of a list, by its place.
    Index(usize),
}

impl Element {
    fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => Some(Self::Key(rest.to_owned())),
            "v" => Some(Self::Value(rest.to_owned())),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => format!("k:{keys}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }
}

/// As messages spell it: `.name`, `[name="c"]`, `[="x"]`, `[0]`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A set of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    entries: BTreeMap<Element, Entry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    member: bool,
    below: FieldSet,
}

impl FieldSet {
    /// Reads `fieldsV1`; what is not understood is skipped.
    pub fn read(fields: &Value) -> Self {
        let mut set = Self::default();
        for (key, below) in fields.as_object().into_iter().flatten() {
            if let Some(element) = Element::read(key) {
                let leaf = below.as_object().is_none_or(Map::is_empty);
                let member = leaf || below.get(".").is_some();
                set.entries.insert(element, Entry { member, below: Self::read(below) });
            }
        }
        set
    }

    /// Writes `fieldsV1`.
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        for (element, entry) in &self.entries {
            let mut below = entry.below.to_value();
            if entry.member && !entry.below.is_empty() {
                let mut with_self = Map::new();
                with_self.insert(".".to_owned(), json!({}));
                if let Value::Object(map) = &mut below {
                    with_self.append(map);
                }
                below = Value::Object(with_self);
            }
            fields.insert(element.write(), below);
        }
        Value::Object(fields)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let entry = self.entries.entry(first.clone()).or_default();
        if rest.is_empty() { entry.member = true } else { entry.below.insert(rest) }
    }

    /// What is below an element, when the set has anything at or below it.
    pub fn at(&self, element: &Element) -> Option<&Self> {
        self.entries.get(element).map(|entry| &entry.below)
    }

    /// The first steps of all paths.
    pub fn elements(&self) -> impl Iterator<Item = (&Element, &Self)> {
        self.entries.iter().map(|(element, entry)| (element, &entry.below))
    }

    pub fn union(&self, other: &Self) -> Self {
        let mut result = self.clone();
        for (element, theirs) in &other.entries {
            let entry = result.entries.entry(element.clone()).or_default();
            entry.member |= theirs.member;
            entry.below = entry.below.union(&theirs.below);
        }
        result
    }

    /// The members that are not members of `other`.
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| ours && !theirs, Self::difference, true)
    }

    /// The members of both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| ours && theirs, Self::intersection, false)
    }

    fn combine(
        &self,
        other: &Self,
        member: fn(bool, bool) -> bool,
        below: fn(&Self, &Self) -> Self,
        keep_alone: bool,
    ) -> Self {
        let mut result = Self::default();
        for (element, ours) in &self.entries {
            let entry = match other.entries.get(element) {
                Some(theirs) => {
                    Entry { member: member(ours.member, theirs.member), below: below(&ours.below, &theirs.below) }
                }
                None if keep_alone => ours.clone(),
                None => continue,
            };
            if entry.member || !entry.below.is_empty() {
                result.entries.insert(element.clone(), entry);
            }
        }
        result
    }

    /// Drops these paths and everything below them.
    pub fn forget(&mut self, paths: &[&[&str]]) {
        for path in paths {
            self.forget_one(path);
        }
    }

    fn forget_one(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let element = Element::Field((*first).to_owned());
        if rest.is_empty() {
            self.entries.remove(&element);
        } else if let Some(entry) = self.entries.get_mut(&element) {
            entry.below.forget_one(rest);
            if !entry.member && entry.below.is_empty() {
                self.entries.remove(&element);
            }
        }
    }

    /// The members, spelt as in messages.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &str, paths: &mut Vec<String>) {
        for (element, entry) in &self.entries {
            let path = format!("{prefix}{element}");
            entry.below.collect_paths(&path, paths);
            if entry.member {
                paths.push(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: Value) -> FieldSet {
        FieldSet::read(&value)
    }

    #[test]
    fn reading_and_writing_are_inverse() {
        let value = json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80}": {".": {}, "f:port": {}}}, "f:names": {"v:\"x\"": {}}}});
        assert_eq!(set(value.clone()).to_value(), value);
        assert_eq!(
            set(value).paths(),
            [
                ".metadata.labels.a",
                ".metadata.labels",
                ".spec.names[=\"x\"]",
                ".spec.ports[port=80].port",
                ".spec.ports[port=80]"
            ]
        );
    }

    #[test]
    fn algebra() {
        let a = set(json!({"f:a": {".": {}, "f:x": {}}, "f:b": {}}));
        let b = set(json!({"f:a": {"f:x": {}}, "f:c": {}}));
        assert_eq!(a.difference(&b), set(json!({"f:a": {}, "f:b": {}})));
        assert_eq!(a.intersection(&b), set(json!({"f:a": {"f:x": {}}})));
        assert_eq!(a.union(&b), set(json!({"f:a": {".": {}, "f:x": {}}, "f:b": {}, "f:c": {}})));
        let mut c = a.clone();
        c.forget(&[&["a", "x"], &["b"]]);
        assert_eq!(c, set(json!({"f:a": {}})));
    }
}
