//! A place in a document, and what stands there: so that every complaint can say where.

use serde_json::{Map, Value};

use super::Malformed;

/// A value and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) place: String,
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { place: String::new(), value }
    }

    /// What is wrong here.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> Malformed {
        let place = if self.place.is_empty() { "the document" } else { &self.place };
        Malformed { place: place.to_owned(), problem: problem.into() }
    }

    /// The object that must be here, with no other keys than these.
    pub(super) fn object(&self, keys: &[&str]) -> Result<&'a Map<String, Value>, Malformed> {
        let object = self.value.as_object().ok_or_else(|| self.wrong("an object is expected"))?;
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(unknown) => Err(self
                .under(unknown, &object[unknown])
                .wrong(format!("this key is not known here; known are {}", keys.join(", ")))),
            None => Ok(object),
        }
    }

    /// All entries of the object that must be here.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Malformed> {
        let object = self.value.as_object().ok_or_else(|| self.wrong("an object is expected"))?;
        if object.is_empty() {
            return Err(self.wrong("it is empty"));
        }
        Ok(object.iter().map(|(key, value)| (key.as_str(), self.under(key, value))).collect())
    }

    /// A child that may be there.
    pub(super) fn child(&self, object: &'a Map<String, Value>, key: &str) -> Option<Self> {
        object.get(key).map(|value| self.under(key, value))
    }

    /// A child that must be there.
    pub(super) fn required(&self, object: &'a Map<String, Value>, key: &str) -> Result<Self, Malformed> {
        self.child(object, key).ok_or_else(|| self.wrong(format!("{key} is missing")))
    }

    pub(super) fn text(&self) -> Result<&'a str, Malformed> {
        self.value.as_str().ok_or_else(|| self.wrong("a text is expected"))
    }

    /// The items of the list that must be here; it has at least one.
    pub(super) fn items(&self) -> Result<Vec<Self>, Malformed> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list is expected"))?;
        if list.is_empty() {
            return Err(self.wrong("the list is empty"));
        }
        let numbered = list.iter().enumerate();
        Ok(numbered.map(|(at, value)| Self { place: format!("{}[{at}]", self.place), value }).collect())
    }

    /// One, or a list of at least one.
    pub(super) fn one_or_more(&self) -> Result<Vec<Self>, Malformed> {
        if self.value.is_array() { self.items() } else { Ok(vec![self.clone()]) }
    }

    fn under(&self, key: &str, value: &'a Value) -> Self {
        let place = if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) };
        Self { place, value }
    }
}
