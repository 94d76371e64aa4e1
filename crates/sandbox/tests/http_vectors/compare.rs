//! Field-by-field comparison of recorded and actual answers, with placeholders.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One field that is not as recorded.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) exchange: usize,
    /// `status`, `header NAME`, or a JSON pointer into the body.
    pub(crate) place: String,
    pub(crate) text: String,
}

/// The state of a comparison: what placeholders stand for, and what was not as recorded.
pub(crate) struct Comparison {
    pub(crate) exchange: usize,
    keep_managed_fields: bool,
    bindings: BTreeMap<String, Binding>,
    /// The highest store-wide version seen.
    latest: u64,
    /// Where in the present body a version is that of the whole store.
    store_wide: BTreeSet<String>,
    differences: Vec<Difference>,
    /// The nodes of the sandbox, for requests that name one before any answer did.
    pub(crate) nodes: Vec<String>,
}

struct Binding {
    value: String,
    /// A version that only a list, a Table or a bookmark has shown: it says little.
    loose: bool,
}

/// Numbered placeholders, whose values must agree within a file, with the characters their values have.
const NUMBERED: [&str; 6] = ["uid", "rv", "hash", "node", "nodePort", "continue"];
/// Placeholders that stand for anything of their kind.
const ANONYMOUS: [&str; 8] = ["time", "ip", "age", "token", "pem", "zone", "etag", "rv"];

enum Piece<'a> {
    Literal(&'a str),
    Placeholder { kind: &'a str, whole: &'a str, numbered: bool },
}

impl Comparison {
    pub(crate) fn new(keep_managed_fields: bool) -> Self {
        Self {
            exchange: 0,
            keep_managed_fields,
            bindings: BTreeMap::new(),
            latest: 0,
            store_wide: BTreeSet::new(),
            differences: Vec::new(),
            nodes: Vec::new(),
        }
    }

    pub(crate) fn into_differences(self) -> Vec<Difference> {
        self.differences
    }

    pub(crate) fn note(&mut self, place: &str, text: &str) {
        let difference = Difference { exchange: self.exchange, place: place.to_owned(), text: text.to_owned() };
        self.differences.push(difference);
    }

    fn differ(&mut self, place: &str, expected: &Value, actual: &Value) {
        self.note(place, &format!("expected {expected}, got {actual}"));
    }

    /// Lets placeholders for nodes in a request stand for nodes that are there.
    pub(crate) fn meet_nodes(&mut self, request: &str) {
        for piece in pieces(request) {
            let Piece::Placeholder { kind: "node", whole, .. } = piece else { continue };
            if !self.bindings.contains_key(whole) {
                let free = |node: &&String| self.bindings.values().all(|binding| binding.value != **node);
                let Some(node) = self.nodes.iter().find(free) else { continue };
                let binding = Binding { value: node.clone(), loose: false };
                self.bindings.insert(whole.to_owned(), binding);
            }
        }
    }

    /// Replaces placeholders in a request by what they stand for.
    pub(crate) fn fill(&self, text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text,
                // A client that sends times back: any will do, for no answer shows which.
                Piece::Placeholder { kind: "time", .. } => "2026-01-01T00:00:00Z",
                Piece::Placeholder { whole, .. } => {
                    self.bindings.get(whole).map_or(whole, |binding| binding.value.as_str())
                }
            })
            .collect()
    }

    /// Compares a whole body.
    pub(crate) fn body(&mut self, expected: &Value, actual: &Value) {
        let actual = if self.keep_managed_fields || expected.is_string() || mentions_managed_fields(expected) {
            actual.clone()
        } else {
            without_managed_fields(actual)
        };
        self.check_list_version(&actual);
        self.store_wide = store_wide_places(expected);
        self.value("", expected, &actual);
    }

    /// The version of a list is store-wide: at least that of every item, and it never goes back.
    fn check_list_version(&mut self, actual: &Value) {
        let Some(items) = actual.get("items").and_then(Value::as_array) else {
            return;
        };
        let version = |value: &Value| -> u64 {
            value["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        let own = version(actual);
        if let Some(newer) = items.iter().map(version).find(|item| *item > own) {
            self.note("/metadata/resourceVersion", &format!("the list is at {own}, an item at {newer}"));
        }
    }

    /// Compares a value at a place.
    pub(crate) fn value(&mut self, place: &str, expected: &Value, actual: &Value) {
        match (expected, actual) {
            (Value::Object(wanted), Value::Object(present)) => {
                for (key, value) in wanted {
                    let place = format!("{place}/{key}");
                    match present.get(key) {
                        Some(found) => self.value(&place, value, found),
                        None => self.note(&place, &format!("missing, expected {value}")),
                    }
                }
                for (key, value) in present {
                    if !wanted.contains_key(key) {
                        self.note(&format!("{place}/{key}"), &format!("unexpected: {value}"));
                    }
                }
            }
            (Value::Array(wanted), Value::Array(present)) => {
                if wanted.len() != present.len() {
                    let text = format!("expected {} elements, got {}: {}", wanted.len(), present.len(), brief(actual));
                    self.note(place, &text);
                }
                for (index, (value, found)) in wanted.iter().zip(present).enumerate() {
                    self.value(&format!("{place}/{index}"), value, found);
                }
            }
            (Value::String(wanted), Value::String(found)) => self.text(place, wanted, found),
            // A placeholder is text even where the server has a number.
            (Value::String(wanted), Value::Number(found)) if wanted.starts_with("<nodePort:") => {
                self.text(place, wanted, &found.to_string());
            }
            _ if expected == actual => {}
            _ => self.differ(place, expected, actual),
        }
    }

    fn text(&mut self, place: &str, wanted: &str, found: &str) {
        let pieces = pieces(wanted);
        if let [Piece::Placeholder { kind: "rv", whole, numbered: true }] = pieces.as_slice()
            && self.store_wide.contains(place)
        {
            return self.store_wide_version(place, whole, found);
        }
        let mut rest = found;
        for (index, piece) in pieces.iter().enumerate() {
            let taken = match piece {
                Piece::Literal(text) => rest.strip_prefix(text).map(|after| (*text, after)),
                Piece::Placeholder { kind, .. } => {
                    let next = pieces[index + 1..].iter().find_map(|piece| match piece {
                        Piece::Literal(text) => Some(*text),
                        Piece::Placeholder { .. } => None,
                    });
                    take(kind, rest, next)
                }
            };
            let Some((value, after)) = taken else {
                return self.note(place, &format!("expected {wanted:?}, got {found:?}"));
            };
            rest = after;
            if let Piece::Placeholder { whole, numbered: true, .. } = piece {
                let (whole, value) = ((*whole).to_owned(), value.to_owned());
                self.bind(place, &whole, &value);
            }
        }
        if !rest.is_empty() {
            self.note(place, &format!("expected {wanted:?}, got {found:?}"));
        }
    }

    /// A placeholder must stand for one value, a value for one placeholder, and versions must be ordered as their
    /// numbers are.
    fn bind(&mut self, place: &str, whole: &str, value: &str) {
        if let Some(binding) = self.bindings.get(whole).filter(|binding| !binding.loose) {
            if binding.value != value {
                let text = format!("{whole} was {}, now {value}", binding.value);
                self.note(place, &text);
            }
            return;
        }
        if let Some(number) = version_number(whole) {
            let mine: u64 = value.parse().unwrap_or(0);
            let wrong = self.bindings.iter().find_map(|(other, binding)| {
                let other_number = version_number(other).filter(|_| !binding.loose)?;
                let theirs: u64 = binding.value.parse().unwrap_or(0);
                (number.cmp(&other_number) != mine.cmp(&theirs)).then(|| format!("{other} is {theirs}"))
            });
            if let Some(other) = wrong {
                self.note(place, &format!("{whole} is {value}, out of order: {other}"));
            }
        } else if let Some(other) = self
            .bindings
            .iter()
            .find_map(|(other, binding)| (same_kind(other, whole) && binding.value == value).then(|| other.clone()))
        {
            self.note(place, &format!("{value} is both {other} and {whole}"));
        }
        self.bindings.insert(whole.to_owned(), Binding { value: value.to_owned(), loose: false });
    }

    /// The version of a list, Table or bookmark: its rank says nothing. Lists of the present never go back.
    fn store_wide_version(&mut self, place: &str, whole: &str, found: &str) {
        let Ok(version) = found.parse::<u64>() else {
            return self.note(place, &format!("expected a version, got {found:?}"));
        };
        let known = self.bindings.get(whole).map(|binding| binding.value.clone());
        // A placeholder that is known already asks for that very version: an exact list, the next page.
        if version < self.latest && known.is_none_or(|known| known != found) {
            self.note(place, &format!("the version of lists went back to {version}"));
        }
        self.latest = self.latest.max(version);
        self.bindings.entry(whole.to_owned()).or_insert_with(|| Binding { value: found.to_owned(), loose: true });
    }
}

/// Where a body carries the version of the whole store: lists, Tables and bookmarks.
fn store_wide_places(body: &Value) -> BTreeSet<String> {
    let is_collection = |value: &Value| value.get("items").is_some() || value.get("rows").is_some();
    let mut places = BTreeSet::new();
    if is_collection(body) {
        places.insert("/metadata/resourceVersion".to_owned());
    }
    for (index, event) in body.as_array().into_iter().flatten().enumerate() {
        if event["type"] == "BOOKMARK" {
            places.insert(format!("/{index}/object/metadata/resourceVersion"));
            places.insert(format!("/{index}/object/rows/0/object/metadata/resourceVersion"));
        }
    }
    places
}

fn version_number(placeholder: &str) -> Option<u64> {
    placeholder.strip_prefix("<rv:")?.strip_suffix('>')?.parse().ok()
}

fn same_kind(one: &str, other: &str) -> bool {
    one.split(':').next() == other.split(':').next()
}

/// Splits a recorded text into literals and placeholders.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut from = 0;
    while let Some(open) = text[from..].find('<').map(|at| at + from) {
        let Some(close) = text[open..].find('>').map(|at| at + open + 1) else {
            break;
        };
        let whole = &text[open..close];
        let inner = &whole[1..whole.len() - 1];
        let found = match inner.split_once(':') {
            Some((kind, number)) if NUMBERED.contains(&kind) && number.parse::<u32>().is_ok() => Some((kind, true)),
            None if ANONYMOUS.contains(&inner) => Some((inner, false)),
            _ => None,
        };
        match found {
            Some((kind, numbered)) => {
                if start < open {
                    pieces.push(Piece::Literal(&text[start..open]));
                }
                pieces.push(Piece::Placeholder { kind, whole, numbered });
                start = close;
                from = close;
            }
            None => from = open + 1,
        }
    }
    if start < text.len() || text.is_empty() {
        pieces.push(Piece::Literal(&text[start..]));
    }
    pieces
}

/// Takes the value of a placeholder off the front of a text. `next` is the literal that follows it.
fn take<'a>(kind: &str, text: &'a str, next: Option<&str>) -> Option<(&'a str, &'a str)> {
    let fits = |character: char| match kind {
        "uid" => character.is_ascii_hexdigit() || character == '-',
        "rv" | "nodePort" => character.is_ascii_digit(),
        "hash" => character.is_ascii_alphanumeric(),
        "time" => character.is_ascii_digit() || "-:TZ.".contains(character),
        "ip" => character.is_ascii_hexdigit() || ".:".contains(character),
        "age" => character.is_ascii_digit() || "smhdy".contains(character),
        "continue" | "token" => character.is_ascii_alphanumeric() || "-_.=".contains(character),
        "node" | "zone" => character.is_ascii_alphanumeric() || "-.".contains(character),
        _ => true,
    };
    let mut end = text.find(|character| !fits(character)).unwrap_or(text.len());
    if let Some(next) = next {
        // The value may contain characters of what follows it: it ends where that begins.
        end = text[..text.len().min(end + next.len())].rfind(next).unwrap_or(end).min(end);
    }
    (end > 0).then(|| text.split_at(end))
}

fn mentions_managed_fields(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key("managedFields") || map.values().any(mentions_managed_fields),
        Value::Array(items) => items.iter().any(mentions_managed_fields),
        _ => false,
    }
}

/// The recordings leave managedFields out.
fn without_managed_fields(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "managedFields")
            .map(|(key, value)| (key.clone(), without_managed_fields(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_managed_fields).collect(),
        other => other.clone(),
    }
}

fn brief(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > 600 {
        text.truncate(text.floor_char_boundary(600));
        text.push_str(" ...");
    }
    text
}
