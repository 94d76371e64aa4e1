//! Identifiers as types, so that an order id is never passed where an application id is wanted.
//!
//! All are made outside (UUID v4, the form EDAS clients expect) and passed in: this crate has no randomness. Ids of the parts of
//! an order are derived from the order's id, so that the same order always has the same parts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind} id: a UUID such as 6b55106c-c7f2-40f7-a1d4-092870000000 is expected")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID made by the caller.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| InvalidId { kind: $kind, text: text.to_owned() })
            }
        }
    };
}

uuid_id!(
    /// An application (EDAS's AppId).
    AppId,
    "application"
);
uuid_id!(
    /// A change order (EDAS's ChangeOrderId).
    OrderId,
    "change order"
);
uuid_id!(
    /// An imported cluster (EDAS's ClusterId).
    ClusterId,
    "cluster"
);
uuid_id!(
    /// A part of an order: a pipeline, a stage or a task.
    PartId,
    "pipeline, stage or task"
);

impl OrderId {
    /// The id of a part of this order, by its path within the order such as `pipeline/0/stage/1`.
    pub fn part(self, path: &str) -> PartId {
        PartId(Uuid::new_v5(&self.0, path.as_bytes()))
    }
}

/// The number of a version within its application; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNumber(pub u32);

impl VersionNumber {
    /// The number after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A fencing token: grows with every lease given, across all orders, and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
