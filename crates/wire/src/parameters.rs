//! What a request asks for: its parameters, from query and form body alike.
//!
//! Getters know three things that clients do differently: an absent parameter keeps what is there while an empty one
//! clears it ([`Given`]), booleans come as `true` and `True`, and structures come as JSON, as the `repr` of Python or
//! flattened into numbered names. What each structured parameter of the deploying operations means is in the modules
//! below; where the shape is Kubernetes's own, they yield Kubernetes's JSON.
//!
//! Every error names the parameter and says what is expected.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::GatewayError;
use crate::query;

pub mod command;
pub mod containers;
pub mod entries;
pub mod environment;
pub mod hooks;
pub mod ingress;
pub mod logs;
pub mod metadata;
pub mod names;
pub mod package;
pub mod probes;
mod python_literal;
pub mod resources;
pub mod scaling;
pub mod scheduling;
pub mod services;
pub mod structure;
pub mod tags;
pub mod update_strategy;
pub mod volumes;

/// Far more than InsertK8sApplication's 86; a bound on the work that one request can cause.
pub const MOST_PARAMETERS: usize = 1024;

/// The longest value: a ConfigMap may hold 1 MiB.
pub const LONGEST_VALUE: usize = 1 << 20;

const LONGEST_NAME: usize = 128;
const FORM: &str = "application/x-www-form-urlencoded";

/// What a request says about an optional parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Given<T> {
    /// Not given: keep what is there.
    #[default]
    Absent,
    /// Given as nothing (`""`, `[]`, `{}`): clear what is there.
    Cleared,
    Value(T),
}

impl<T> Given<T> {
    /// Transforms the value, if there is one.
    pub fn map<U>(self, transform: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Absent => Given::Absent,
            Self::Cleared => Given::Cleared,
            Self::Value(value) => Given::Value(transform(value)),
        }
    }

    /// Transforms the value, if there is one, unless it is wrong.
    pub fn try_map<U, E>(self, transform: impl FnOnce(T) -> Result<U, E>) -> Result<Given<U>, E> {
        match self {
            Self::Absent => Ok(Given::Absent),
            Self::Cleared => Ok(Given::Cleared),
            Self::Value(value) => transform(value).map(Given::Value),
        }
    }

    /// The value, if there is one: for operations that create, where absent and cleared are the same.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Cleared => None,
        }
    }

    /// As a change: `None` keeps, `Some(None)` clears, `Some(Some(value))` sets.
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Cleared => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

/// The parameters of one request, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads query and form body. A body of another content type is refused: its parameters would silently be missing.
    pub fn parse(raw_query: Option<&str>, content_type: Option<&str>, body: &[u8]) -> Result<Self, GatewayError> {
        let mut pairs = query::pairs(raw_query.unwrap_or(""));
        if !body.is_empty() {
            let kind = content_type.unwrap_or(FORM).split(';').next().unwrap_or("").trim();
            if !kind.eq_ignore_ascii_case(FORM) {
                return Err(GatewayError::invalid_parameter("(body)", &format!("Send the body as {FORM}.")));
            }
            pairs.extend(query::pairs(&String::from_utf8_lossy(body)));
        }
        Self::from_pairs(pairs)
    }

    /// Parameters that were decoded elsewhere.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, GatewayError> {
        if pairs.len() > MOST_PARAMETERS {
            let problem = format!("Send at most {MOST_PARAMETERS} parameters, not {}.", pairs.len());
            return Err(GatewayError::invalid_parameter("(all)", &problem));
        }
        for (name, value) in &pairs {
            if name.len() > LONGEST_NAME {
                let shown: String = name.chars().take(40).collect();
                let problem = format!("Names have at most {LONGEST_NAME} bytes.");
                return Err(GatewayError::invalid_parameter(&shown, &problem));
            }
            if value.len() > LONGEST_VALUE {
                let problem = format!("Values have at most {LONGEST_VALUE} bytes, not {}.", value.len());
                return Err(GatewayError::invalid_parameter(name, &problem));
            }
        }
        Ok(Self { pairs })
    }

    /// All of them, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text of a parameter, empty or not. No client repeats a name, so two different values are refused rather than
    /// one of them picked.
    pub fn get(&self, name: &str) -> Result<Option<&str>, GatewayError> {
        let mut values = self.iter().filter(|(candidate, _)| *candidate == name).map(|(_, value)| value);
        let first = values.next();
        match values.find(|other| Some(*other) != first) {
            Some(_) => Err(GatewayError::invalid_parameter(name, "It is given twice; give it once.")),
            None => Ok(first),
        }
    }

    /// A text that must be there and not empty; `expected` describes it, as in "the id of an application".
    pub fn required(&self, name: &str, expected: &str) -> Result<&str, GatewayError> {
        self.optional(name)?.ok_or_else(|| GatewayError::missing_parameter(name, expected))
    }

    /// A text, where empty is the same as absent.
    pub fn optional(&self, name: &str) -> Result<Option<&str>, GatewayError> {
        Ok(self.get(name)?.filter(|value| !value.is_empty()))
    }

    /// A text of at most so many characters, where empty is the same as absent.
    pub fn text(&self, name: &str, longest: usize) -> Result<Option<&str>, GatewayError> {
        let text = self.optional(name)?;
        match text.map(|text| text.chars().count()) {
            Some(length) if length > longest => {
                let problem = format!("It has {length} characters; give at most {longest}.");
                Err(GatewayError::invalid_parameter(name, &problem))
            }
            _ => Ok(text),
        }
    }

    /// A text that can be absent, cleared or given.
    pub fn given(&self, name: &str) -> Result<Given<&str>, GatewayError> {
        Ok(match self.get(name)? {
            None => Given::Absent,
            Some("") => Given::Cleared,
            Some(text) => Given::Value(text),
        })
    }

    /// An integer in decimal digits, where empty is the same as absent.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, GatewayError> {
        let Some(text) = self.optional(name)? else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let problem = format!("Give an integer from {} to {}.", range.start(), range.end());
                Err(GatewayError::invalid_parameter(name, &problem))
            }
        }
    }

    /// An integer that must be there.
    pub fn required_integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<i64, GatewayError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.integer(name, range)?.ok_or_else(|| GatewayError::missing_parameter(name, &expected))
    }

    /// `true` or `false` in any case, where empty is the same as absent.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, GatewayError> {
        match self.optional(name)?.map(str::trim) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(GatewayError::invalid_parameter(name, "Give true or false.")),
        }
    }

    /// A structure as JSON or as Python writes it. Nothing in it (`""`, `[]`, `{}`) clears; `null` is as good as absent.
    pub fn json(&self, name: &str) -> Result<Given<Value>, GatewayError> {
        let text = match self.given(name)? {
            Given::Absent => return Ok(Given::Absent),
            Given::Cleared => return Ok(Given::Cleared),
            Given::Value(text) => text,
        };
        let value = serde_json::from_str(text).or_else(|error| {
            python_literal::parse(text)
                .ok_or_else(|| GatewayError::invalid_parameter(name, &format!("Give JSON; this is none ({error}).")))
        })?;
        // The Tea SDKs encode a text that was given in a structure's place once more.
        let value = match value {
            Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            value => value,
        };
        Ok(structure::emptiness(value))
    }

    /// A structure of a form body: JSON, Python, or flattened by Java (`Data.1.Key=..&Data.1.Value=..`).
    ///
    /// Flattened leaves are strings. Names that are all numbers make a list, in their order.
    pub fn flattened(&self, name: &str) -> Result<Given<Value>, GatewayError> {
        if self.get(name)?.is_some() {
            return self.json(name);
        }
        let prefix = format!("{name}.");
        let mut root = Value::Null;
        for (path, value) in self.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value))) {
            if !insert(&mut root, path, value) {
                let problem = "Its flattened names contradict each other.";
                return Err(GatewayError::invalid_parameter(name, problem));
            }
        }
        Ok(structure::emptiness(numbered_to_lists(root)))
    }
}

/// Puts a leaf at a dotted path; false if something else is there.
fn insert(root: &mut Value, path: &str, leaf: &str) -> bool {
    let mut place = root;
    for segment in path.split('.') {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Some(object) = place.as_object_mut() else {
            return false;
        };
        place = object.entry(segment).or_insert(Value::Null);
    }
    let free = place.is_null();
    *place = Value::from(leaf);
    free
}

fn numbered_to_lists(value: Value) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let numbers: Option<Vec<u32>> = object.keys().map(|key| key.parse().ok()).collect();
    let children = object.into_iter().map(|(key, child)| (key, numbered_to_lists(child)));
    match numbers {
        Some(numbers) => {
            let mut items: Vec<(u32, Value)> = numbers.into_iter().zip(children.map(|(_, child)| child)).collect();
            items.sort_by_key(|(number, _)| *number);
            Value::Array(items.into_iter().map(|(_, item)| item).collect())
        }
        None => Value::Object(children.collect()),
    }
}

#[cfg(test)]
mod tests;
