//! Configuration templates.

use serde::{Deserialize, Serialize};

/// The id of a new template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateConfigTemplate {
    pub data: ConfigTemplateId,
}

/// A number here, and text where templates are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigTemplateId {
    pub id: i64,
}

/// A page of templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListConfigTemplates {
    pub data: ConfigTemplatePage,
}

/// A page of templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigTemplatePage {
    pub current_page: i32,
    pub page_size: i32,
    pub result: Vec<ConfigTemplate>,
    pub total_size: i32,
}

/// A template. Times are epoch milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigTemplate {
    pub content: String,
    pub description: String,
    pub format: String,
    pub gmt_create: i64,
    pub gmt_modified: i64,
    pub id: String,
    pub name: String,
}
