//! GetJavaStartUpConfig and GetWebContainerConfig: how a package is run.

use std::sync::Arc;

use serde_json::Value;
use sternway_core::template::package::{ContextType, Package, PackageKind};
use sternway_wire::error::BusinessError;
use sternway_wire::model::{GetJavaStartUpConfig, GetWebContainerConfig, JavaStartUpConfig, WebContainerConfig};

use super::present_version;
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::whole;

/// Tomcat's name for `/`.
const ROOT: &str = "ROOT";

/// The package of the application that AppId names; `None` for one that runs an image.
async fn package(call: &Call) -> Result<Option<Package>, Failure> {
    let app = call.app().await?;
    let version = present_version(call, &app).await?;
    Ok(version.and_then(|version| Package::of(&version.snapshot.template)))
}

/// GetJavaStartUpConfig: empty for an image, which says itself how it starts.
pub(crate) async fn java(call: Arc<Call>) -> Result<GetJavaStartUpConfig, Failure> {
    let Some(package) = package(&call).await? else {
        return Ok(GetJavaStartUpConfig::default());
    };
    let start_up_args = package.java_options();
    let original_configs =
        if package.java.is_empty() { String::new() } else { Value::Object(package.java).to_string() };
    Ok(GetJavaStartUpConfig { java_start_up_config: JavaStartUpConfig { original_configs, start_up_args } })
}

/// GetWebContainerConfig
pub(crate) async fn web_container(call: Arc<Call>) -> Result<GetWebContainerConfig, Failure> {
    let package = package(&call).await?.filter(|package| package.kind == PackageKind::War);
    let tomcat = package
        .ok_or_else(|| BusinessError::unprocessable("Only applications of type War have a web container."))?
        .tomcat;
    let kind = tomcat.context_type();
    let path = tomcat.config.as_ref().map(|config| config.context_path.clone()).unwrap_or_default();
    Ok(GetWebContainerConfig {
        web_container_config: WebContainerConfig {
            context_input_type: kind.word().to_owned(),
            context_path: match kind {
                ContextType::Root => ROOT.to_owned(),
                ContextType::War | ContextType::Custom => path,
            },
            http_port: tomcat.port().into(),
            max_threads: whole(tomcat.max_threads()),
            server_xml: tomcat.own_server_xml().unwrap_or_default().to_owned(),
            uri_encoding: tomcat.uri_encoding().to_owned(),
            use_advanced_server_xml: tomcat.own_server_xml().is_some(),
            use_body_encoding: tomcat.use_body_encoding(),
            use_default_config: tomcat.config.as_ref().is_none_or(|config| config.use_default_config),
        },
    })
}
