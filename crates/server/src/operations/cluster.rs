//! Clusters: imported, shown, forgotten.

pub(crate) mod delete;
pub(crate) mod import;
pub(crate) mod show;
