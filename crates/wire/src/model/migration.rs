//! MigrateApplication and GetMigrateApplication, which came late and write their keys in their own way.

use serde::{Deserialize, Serialize};

use crate::envelope::{SUCCESS_CODE, SUCCESS_MESSAGE};

/// The migration that was begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrateApplication {
    pub data: MigrationStarted,
}

/// See [`MigrateApplication`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MigrationStarted {
    pub migration_id: String,
}

/// The migrations that were asked for. Its head is in lower case, beside the one that all answers have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GetMigrateApplication {
    #[serde(rename = "code")]
    pub lower_code: i32,
    pub data: MigrationPage,
    #[serde(rename = "message")]
    pub lower_message: String,
    pub success: bool,
    pub trace_id: String,
}

impl Default for GetMigrateApplication {
    fn default() -> Self {
        Self {
            lower_code: SUCCESS_CODE,
            data: MigrationPage::default(),
            lower_message: SUCCESS_MESSAGE.to_owned(),
            success: true,
            trace_id: String::new(),
        }
    }
}

/// One page of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MigrationPage {
    pub current_page: i32,
    pub page_size: i32,
    pub result: Vec<Migration>,
    pub total_size: i32,
}

/// A migration. `app_detail_state` is JSON: how each application fared, by its id or name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Migration {
    pub app_detail_state: String,
    pub binary_cleaned: i32,
    pub create_time: i64,
    pub extra_info: MigrationExtra,
    pub migration_id: String,
    pub migration_type: i32,
    pub owner: String,
    pub region_id: String,
    pub state: String,
    pub state_percent: String,
    pub update_time: i64,
}

/// What came of a migration. `app_json_file` is the document of an export, which an import takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MigrationExtra {
    pub app_json_file: String,
    pub error_msg: String,
}
