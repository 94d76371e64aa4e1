//! Checks before a change.

use serde::{Deserialize, Serialize};

/// The names of the checks that were begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StartK8sAppPrecheck {
    pub data: PrecheckJobs,
}

/// The names of checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PrecheckJobs {
    pub jobs: Vec<String>,
}

/// What the checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetK8sAppPrecheckResult {
    pub data: PrecheckResult,
}

/// What the checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PrecheckResult {
    pub job_results: Vec<PrecheckJobResult>,
    pub reason: String,
    /// `checking`, `pass` or `failed`
    pub status: String,
}

/// What one check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PrecheckJobResult {
    pub interrupted: bool,
    pub name: String,
    pub pass: bool,
    pub reason: String,
}
