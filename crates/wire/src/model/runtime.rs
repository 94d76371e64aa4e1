//! What goes on beside an application's containers: scripts at their start and end, and what is collected of their logs.

use serde::{Deserialize, Serialize};

/// The scripts as they are from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateHookConfiguration {
    pub hooks_configuration: Vec<HookConfiguration>,
}

/// A script at one moment of an instance's life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HookConfiguration {
    pub ignore_fail: bool,
    pub name: String,
    pub script: String,
}

/// A page of what is collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuerySlsLogStoreList {
    pub result: Vec<LogStore>,
    pub total_size: i32,
}

/// One source of logs and where they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LogStore {
    pub consumer_side: String,
    /// `yyyy-MM-dd HH:mm:ss`
    pub create_time: String,
    pub link: String,
    pub logstore: String,
    pub project: String,
    /// `stdout.log`, or the path of files.
    pub source: String,
}
