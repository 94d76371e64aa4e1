//! Tomcat's settings in EDAS's terms, and the server.xml that they make.

use serde::{Deserialize, Serialize};

/// EDAS's defaults.
const DEFAULT_PORT: u16 = 8080;
const DEFAULT_THREADS: u32 = 400;
const DEFAULT_ENCODING: &str = "ISO-8859-1";
/// Tomcat's name for the application at `/`.
const ROOT: &str = "ROOT";

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tomcat {
    /// EDAS's WebContainerConfig.
    pub config: Option<WebConfig>,
    /// EDAS's UriEncoding; counts where the configuration says nothing.
    pub uri_encoding: Option<String>,
    /// EDAS's UseBodyEncoding; counts where the configuration says nothing.
    pub use_body_encoding: Option<bool>,
}

/// EDAS's WebContainerConfig, by its own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebConfig {
    /// The rest does not count.
    pub use_default_config: bool,
    /// Which context path.
    pub context_input_type: ContextType,
    /// The context path, where it is a custom one.
    pub context_path: String,
    /// The port.
    pub http_port: Option<u16>,
    /// The most requests at a time.
    pub max_threads: Option<u32>,
    /// The encoding of paths and queries.
    pub uri_encoding: Option<String>,
    /// Whether queries are in the body's encoding.
    pub use_body_encoding: Option<bool>,
    /// Take `server_xml` as it is.
    pub use_advanced_server_xml: bool,
    /// A whole server.xml.
    pub server_xml: String,
}

/// Where in the server's path space an application is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContextType {
    /// `/`
    #[default]
    Root,
    /// The file's name.
    War,
    /// As given.
    Custom,
}

impl ContextType {
    /// EDAS's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::War => "war",
            Self::Custom => "custom",
        }
    }
}

impl Tomcat {
    fn custom(&self) -> Option<&WebConfig> {
        self.config.as_ref().filter(|config| !config.use_default_config)
    }

    /// The port that is listened on, unless a whole server.xml says another.
    pub fn port(&self) -> u16 {
        self.custom().and_then(|config| config.http_port).unwrap_or(DEFAULT_PORT)
    }

    /// The most requests at a time.
    pub fn max_threads(&self) -> u32 {
        self.custom().and_then(|config| config.max_threads).unwrap_or(DEFAULT_THREADS)
    }

    /// The encoding of paths and queries.
    pub fn uri_encoding(&self) -> &str {
        let custom = self.custom().and_then(|config| config.uri_encoding.as_deref());
        custom.or(self.uri_encoding.as_deref()).unwrap_or(DEFAULT_ENCODING)
    }

    /// Whether queries are in the body's encoding.
    pub fn use_body_encoding(&self) -> bool {
        self.custom().and_then(|config| config.use_body_encoding).or(self.use_body_encoding).unwrap_or(false)
    }

    /// Which context path.
    pub fn context_type(&self) -> ContextType {
        self.custom().map_or(ContextType::Root, |config| config.context_input_type)
    }

    /// A whole server.xml of the user's.
    pub fn own_server_xml(&self) -> Option<&str> {
        self.custom().filter(|config| config.use_advanced_server_xml).map(|config| config.server_xml.as_str())
    }

    /// Tomcat takes the context path from the file's name, with `#` for a slash.
    pub(super) fn war_name(&self, file: &str) -> String {
        let custom = self.custom().map_or("", |config| config.context_path.trim_matches('/'));
        match self.context_type() {
            ContextType::War => file.to_owned(),
            ContextType::Custom if !custom.is_empty() => format!("{}.war", custom.replace('/', "#")),
            ContextType::Custom | ContextType::Root => format!("{ROOT}.war"),
        }
    }

    /// The whole configuration of the server. The port for shutting down is closed: pods are told by signals.
    pub(super) fn server_xml(&self, applications: &str) -> String {
        if let Some(own) = self.own_server_xml() {
            return own.to_owned();
        }
        let (port, threads) = (self.port(), self.max_threads());
        let (encoding, body) = (self.uri_encoding(), self.use_body_encoding());
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1">
  <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener"/>
  <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener"/>
  <Service name="Catalina">
    <Connector port="{port}" protocol="HTTP/1.1" connectionTimeout="20000" maxThreads="{threads}" URIEncoding="{encoding}" useBodyEncodingForURI="{body}"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="{applications}" unpackWARs="true" autoDeploy="false"/>
    </Engine>
  </Service>
</Server>
"#
        )
    }
}
