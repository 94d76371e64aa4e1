//! What validation says: one [`FieldError`] per problem, worded as a real server words it.

use serde_json::Value;

use super::names;

/// The machine-readable reason of a cause in a 422 Status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Required,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    Duplicate,
    NotFound,
}

impl Reason {
    /// The spelling in `details.causes[].reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Duplicate => "FieldValueDuplicate",
            Self::NotFound => "FieldValueNotFound",
        }
    }
}

/// One problem of one field. `field` is a path such as `spec.containers[0].name`; `message` is the cause's text, which
/// the Status message repeats as `field: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub reason: Reason,
    pub field: String,
    pub message: String,
}

impl FieldError {
    fn new(reason: Reason, field: impl Into<String>, head: String, detail: &str) -> Self {
        let message = if detail.is_empty() { head } else { format!("{head}: {detail}") };
        Self { reason, field: field.into(), message }
    }

    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        Self::new(Reason::Required, field, "Required value".to_owned(), detail)
    }

    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::new(Reason::Invalid, field, format!("Invalid value: {value}"), detail)
    }

    pub fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported = supported.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let detail = format!("supported values: {supported}");
        Self::new(Reason::NotSupported, field, format!("Unsupported value: {value}"), &detail)
    }

    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new(Reason::Forbidden, field, "Forbidden".to_owned(), detail)
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new(Reason::Duplicate, field, format!("Duplicate value: {value}"), "")
    }

    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::new(Reason::NotFound, field, format!("Not found: {value}"), "")
    }

    pub fn too_long(field: impl Into<String>, most_bytes: usize) -> Self {
        let detail = format!("may not be more than {most_bytes} bytes");
        Self::new(Reason::TooLong, field, "Too long".to_owned(), &detail)
    }

    pub fn immutable(field: impl Into<String>, value: &Value) -> Self {
        Self::invalid(field, value, "field is immutable")
    }

    /// One error per complaint about a text.
    pub(crate) fn complaints(field: &str, text: &str, complaints: Vec<String>) -> Vec<Self> {
        complaints.iter().map(|complaint| Self::invalid(field, &Value::from(text), complaint)).collect()
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The rule a kind's name obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// RFC 1123 subdomain: dots allowed, 253 characters.
    Subdomain,
    /// RFC 1123 label: no dots, 63 characters.
    Label,
    /// As a label; dots have a complaint of their own.
    Service,
}

impl NameRule {
    pub(crate) fn complaints(self, name: &str) -> Vec<String> {
        match self {
            Self::Subdomain => names::subdomain(name),
            Self::Label => names::label(name),
            Self::Service => names::service(name),
        }
    }
}

/// The errors of the number at `field`, when it is there and negative.
pub(crate) fn non_negative(field: &str, value: Option<&Value>) -> Option<FieldError> {
    let value = value?;
    (value.as_i64()? < 0).then(|| FieldError::invalid(field, value, "must be greater than or equal to 0"))
}

/// The error of a text that is not among the supported ones.
pub(crate) fn one_of(field: &str, value: Option<&Value>, supported: &[&str]) -> Option<FieldError> {
    let value = value.filter(|value| !value.is_null())?;
    let known = value.as_str().is_some_and(|text| supported.contains(&text));
    (!known).then(|| FieldError::not_supported(field, value, supported))
}

/// The errors of a count or percentage, such as `maxUnavailable`.
pub(crate) fn count_or_percentage(field: &str, value: Option<&Value>) -> Option<FieldError> {
    match value? {
        text @ Value::String(digits) => {
            let number = digits.strip_suffix('%').unwrap_or_default();
            let fine = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            (!fine).then(|| FieldError::invalid(field, text, PERCENTAGE))
        }
        other => non_negative(field, Some(other)),
    }
}

const PERCENTAGE: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
    '93%', regex used for validation is '[0-9]+%')";

/// The number of a percentage: 25 for `25%`.
pub(crate) fn percentage(value: Option<&Value>) -> Option<i64> {
    value?.as_str()?.strip_suffix('%')?.parse().ok()
}
