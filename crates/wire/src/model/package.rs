//! Packages: where they are uploaded to, what they are run by, and how.

use serde::{Deserialize, Serialize};

use super::lists;

/// Where to upload a package, and with which temporary credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetPackageStorageCredential {
    pub credential: Credential,
}

/// Temporary credentials of an object storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Credential {
    pub access_key_id: String,
    pub access_key_secret: String,
    pub bucket: String,
    /// ISO 8601, with Z.
    pub expiration: String,
    pub key_prefix: String,
    pub oss_internal_endpoint: String,
    pub oss_public_endpoint: String,
    pub oss_vpc_endpoint: String,
    pub region_id: String,
    pub security_token: String,
}

/// The options that an application's JVM is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetJavaStartUpConfig {
    pub java_start_up_config: JavaStartUpConfig,
}

/// As given (JSON), and as one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JavaStartUpConfig {
    pub original_configs: String,
    pub start_up_args: String,
}

/// How an application's Tomcat is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetWebContainerConfig {
    pub web_container_config: WebContainerConfig,
}

/// Tomcat's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WebContainerConfig {
    pub context_input_type: String,
    pub context_path: String,
    pub http_port: i32,
    pub max_threads: i32,
    pub server_xml: String,
    pub uri_encoding: String,
    pub use_advanced_server_xml: bool,
    pub use_body_encoding: bool,
    pub use_default_config: bool,
}

/// The web containers that may be chosen by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListBuildPack {
    #[serde(with = "lists::build_pack")]
    pub build_pack_list: Vec<BuildPack>,
}

/// A web container with its image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BuildPack {
    pub config_id: i64,
    pub disabled: bool,
    pub feature: String,
    pub image_id: String,
    pub multiple_tenant: bool,
    pub pack_version: String,
    pub pandora_desc: String,
    pub pandora_download_url: String,
    pub pandora_version: String,
    pub plugin_info: String,
    pub script_name: String,
    pub script_version: String,
    pub support_features: String,
    pub tengine_download_url: String,
    pub tengine_image_id: String,
    pub tomcat_desc: String,
    pub tomcat_download_url: String,
    pub tomcat_path: String,
    pub tomcat_version: String,
    pub with_tengine: bool,
}

/// The runtimes that may be chosen by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListComponents {
    #[serde(with = "lists::component")]
    pub component_list: Vec<RuntimeComponent>,
}

/// A runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RuntimeComponent {
    pub component_id: String,
    pub component_key: String,
    pub desc: String,
    pub expired: bool,
    pub r#type: String,
    pub version: String,
}
