//! Walks over objects along their schema: the fields of a configuration, what differs between two objects, merging a
//! configuration in, and removing what nobody wants any more.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field_set::{Element, FieldSet};
use crate::schema::{Field, Object, Ownership, Type};

/// How a value is owned.
enum Node<'a> {
    /// As one value.
    Leaf,
    Struct(&'static Object),
    /// Entry by entry.
    Map(&'a Type),
    /// Element by element, told apart by keys.
    Keyed(&'a Type, &'a [&'static str]),
    /// Element by element, told apart by value.
    Set,
}

fn node<'a>(ty: &'a Type, ownership: &'a Ownership) -> Node<'a> {
    match (ty, ownership) {
        (_, Ownership::Atomic) => Node::Leaf,
        (Type::Object(shape), _) if shape.get().atomic => Node::Leaf,
        (Type::Object(shape), _) => Node::Struct(shape.get()),
        (Type::Map(item), _) => Node::Map(item),
        (Type::List(item), Ownership::Keys(keys)) => Node::Keyed(item, keys),
        (Type::List(_), Ownership::Set) => Node::Set,
        _ => Node::Leaf,
    }
}

fn node_of(field: &Field) -> Node<'_> {
    node(&field.ty, &field.ownership)
}

fn node_of_item(ty: &Type) -> Node<'_> {
    node(ty, &Ownership::Natural)
}

/// The keys of a list element, as managedFields write them.
fn key_of(item: &Value, keys: &[&'static str]) -> Element {
    let mut sorted: Vec<&str> = keys.to_vec();
    sorted.sort_unstable();
    let values: Map<String, Value> = sorted
        .into_iter()
        .map(|key| {
            let value = item.get(key).cloned().unwrap_or_else(|| match key {
                // The one key that has a default.
                "protocol" => Value::from("TCP"),
                _ => Value::Null,
            });
            (key.to_owned(), value)
        })
        .collect();
    Element::Key(Value::Object(values).to_string())
}

fn value_of(item: &Value) -> Element {
    Element::Value(item.to_string())
}

fn field(name: &str) -> Element {
    Element::Field(name.to_owned())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The children of a value under a node: element, value, and how the child is owned.
fn children<'a>(node: &Node<'a>, value: &'a Value) -> Vec<(Element, &'a Value, Node<'a>)> {
    let entries = || value.as_object().into_iter().flatten();
    match node {
        Node::Leaf => Vec::new(),
        Node::Struct(shape) => {
            entries().map(|(key, child)| (field(key), child, shape.field(key).map_or(Node::Leaf, node_of))).collect()
        }
        Node::Map(item) => entries().map(|(key, child)| (field(key), child, node_of_item(item))).collect(),
        Node::Keyed(item, keys) => {
            items(value).iter().map(|child| (key_of(child, keys), child, node_of_item(item))).collect()
        }
        Node::Set => items(value).iter().map(|child| (value_of(child), child, Node::Leaf)).collect(),
    }
}

/// The fields that a configuration sets.
#[must_use]
pub fn fields_of(shape: &'static Object, configuration: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(&Node::Struct(shape), configuration, &mut Vec::new(), &mut set);
    set
}

fn collect(node: &Node<'_>, value: &Value, path: &mut Vec<Element>, set: &mut FieldSet) {
    let in_list = matches!(node, Node::Keyed(..) | Node::Set);
    for (element, child, child_node) in children(node, value) {
        path.push(element);
        let empty = child.is_null() || child.as_object().is_some_and(Map::is_empty);
        if in_list || empty || matches!(child_node, Node::Leaf) {
            set.insert(path);
        }
        collect(&child_node, child, path, set);
        path.pop();
    }
}

/// The first field of a configuration that the schema does not know, as `.spec.bogus`.
#[must_use]
pub fn undeclared(shape: &'static Object, configuration: &Value) -> Option<String> {
    find_undeclared(&Node::Struct(shape), configuration, "", true)
}

fn find_undeclared(node: &Node<'_>, value: &Value, prefix: &str, top: bool) -> Option<String> {
    if let Node::Struct(shape) = node {
        for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
            let known = shape.field(key).is_some() || (top && matches!(key.as_str(), "apiVersion" | "kind"));
            if !known {
                return Some(format!("{prefix}.{key}"));
            }
        }
    }
    children(node, value)
        .into_iter()
        .find_map(|(element, child, node)| find_undeclared(&node, child, &format!("{prefix}{element}"), false))
}

/// What differs between two objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    pub added: FieldSet,
    pub modified: FieldSet,
    pub removed: FieldSet,
}

/// Compares two objects of a shape.
#[must_use]
pub fn compare(shape: &'static Object, old: &Value, new: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.children(&Node::Struct(shape), Some(old), Some(new), &mut Vec::new());
    comparison
}

impl Comparison {
    fn value(&mut self, node: &Node<'_>, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<Element>) {
        match (old, new) {
            (None, Some(_)) => self.added.insert(path),
            (Some(_), None) => self.removed.insert(path),
            (Some(old), Some(new)) if matches!(node, Node::Leaf) && old != new => self.modified.insert(path),
            _ => {}
        }
        self.children(node, old, new, path);
    }

    fn children(&mut self, node: &Node<'_>, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<Element>) {
        let null = Value::Null;
        let mut new_children = children(node, new.unwrap_or(&null));
        for (element, old_child, child_node) in children(node, old.unwrap_or(&null)) {
            let at = new_children.iter().position(|(other, ..)| *other == element);
            let new_child = at.map(|at| new_children.swap_remove(at).1);
            path.push(element);
            self.value(&child_node, Some(old_child), new_child, path);
            path.pop();
        }
        for (element, new_child, child_node) in new_children {
            path.push(element);
            self.value(&child_node, None, Some(new_child), path);
            path.pop();
        }
    }
}

/// The object with a configuration's fields set in it.
#[must_use]
pub fn merge(shape: &'static Object, live: &Value, configuration: &Value) -> Value {
    merge_node(&Node::Struct(shape), Some(live), configuration)
}

fn merge_node(node: &Node<'_>, live: Option<&Value>, configuration: &Value) -> Value {
    let (Some(live), false) = (live, configuration.is_null()) else {
        return configuration.clone();
    };
    match node {
        Node::Struct(_) | Node::Map(_) => merge_fields(node, live, configuration),
        Node::Keyed(..) | Node::Set => merge_list(node, live, configuration),
        Node::Leaf => configuration.clone(),
    }
}

fn merge_fields(node: &Node<'_>, live: &Value, configuration: &Value) -> Value {
    let mut merged = live.as_object().cloned().unwrap_or_default();
    for (element, wanted, child_node) in children(node, configuration) {
        if let Element::Field(name) = element {
            let value = merge_node(&child_node, live.get(&name), wanted);
            merged.insert(name, value);
        }
    }
    Value::Object(merged)
}

/// Elements keep their places; new ones follow.
fn merge_list(node: &Node<'_>, live: &Value, configuration: &Value) -> Value {
    let mut wanted = children(node, configuration);
    let mut merged = Vec::new();
    for (element, present, child_node) in children(node, live) {
        match wanted.iter().position(|(other, ..)| *other == element) {
            Some(at) => merged.push(merge_node(&child_node, Some(present), wanted.remove(at).1)),
            None => merged.push(present.clone()),
        }
    }
    merged.extend(wanted.into_iter().map(|(_, value, _)| value.clone()));
    Value::Array(merged)
}

/// Removes from `object` what was in `before` and is neither in `now` nor above anything in it.
pub fn prune(shape: &'static Object, object: &mut Value, before: &FieldSet, now: &FieldSet) {
    for (element, below) in before.elements() {
        // Metadata itself always stays: identity is in it.
        let metadata = *element == field("metadata");
        let nothing = FieldSet::default();
        let kept = if metadata { Some(now.at(element).unwrap_or(&nothing)) } else { now.at(element) };
        prune_element(&Node::Struct(shape), object, element, below, kept);
    }
}

fn prune_element(node: &Node<'_>, parent: &mut Value, element: &Element, before: &FieldSet, now: Option<&FieldSet>) {
    let Some(now) = now else {
        remove(node, parent, element);
        return;
    };
    let Some((child, child_node)) = child_mut(node, parent, element) else {
        return;
    };
    let gone: BTreeSet<&Element> = before.elements().map(|(element, _)| element).collect();
    for element in gone {
        if let Some(below) = before.at(element) {
            prune_element(&child_node, child, element, below, now.at(element));
        }
    }
}

fn child_mut<'a, 'n>(
    node: &'n Node<'n>,
    parent: &'a mut Value,
    element: &Element,
) -> Option<(&'a mut Value, Node<'n>)> {
    match (node, element) {
        (Node::Struct(shape), Element::Field(name)) => {
            Some((parent.get_mut(name)?, shape.field(name).map_or(Node::Leaf, node_of)))
        }
        (Node::Map(item), Element::Field(name)) => Some((parent.get_mut(name)?, node_of_item(item))),
        (Node::Keyed(item, keys), Element::Key(_)) => {
            let list = parent.as_array_mut()?;
            let child = list.iter_mut().find(|child| key_of(child, keys) == *element)?;
            Some((child, node_of_item(item)))
        }
        _ => None,
    }
}

fn remove(node: &Node<'_>, parent: &mut Value, element: &Element) {
    match (element, parent) {
        (Element::Field(name), Value::Object(map)) => {
            map.shift_remove(name);
        }
        (_, Value::Array(list)) => match node {
            Node::Keyed(_, keys) => list.retain(|child| key_of(child, keys) != *element),
            Node::Set => list.retain(|child| value_of(child) != *element),
            _ => {}
        },
        _ => {}
    }
}
