//! Patches: from a stored object and a patch body to the object the client wants.
//!
//! Each kind of patch is a pure function; what follows (decoding, preconditions, admission, validation) is the write
//! path's and the same for all of them.

pub mod apply;
pub mod json;
pub mod merge;
pub mod strategic;

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The body is no patch of its kind.
    #[error("error decoding patch: {0}")]
    Malformed(String),
    /// A JSON patch does not fit the object (failed test, absent path). The server does not tell which.
    #[error("the patch does not apply")]
    DoesNotApply,
    #[error("The allowed maximum operations in a JSON patch is {most}, got {given}")]
    TooManyOperations { most: usize, given: usize },
    /// A strategic merge patch misuses a directive or leaves out a merge key.
    #[error("{0}")]
    Directive(String),
}
