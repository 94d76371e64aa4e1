//! Clusters: imported, shown, forgotten.

pub(crate) mod command;
pub(crate) mod delete;
pub(crate) mod import;
pub(crate) mod setting;
pub(crate) mod show;
