//! What validation says: one [`FieldError`] per problem, worded as a real server words it.

use serde_json::Value;

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
        let message = if detail.is_empty() {
            head
        } else {
            format!("{head}: {detail}")
        };
        Self {
            reason,
            field: field.into(),
            message,
        }
    }

    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        Self::new(Reason::Required, field, "Required value".to_owned(), detail)
    }

    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::new(
            Reason::Invalid,
            field,
            format!("Invalid value: {value}"),
            detail,
        )
    }

    pub fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported = supported
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", ");
        let detail = format!("supported values: {supported}");
        Self::new(
            Reason::NotSupported,
            field,
            format!("Unsupported value: {value}"),
            &detail,
        )
    }

    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new(Reason::Forbidden, field, "Forbidden".to_owned(), detail)
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new(
            Reason::Duplicate,
            field,
            format!("Duplicate value: {value}"),
            "",
        )
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
}
