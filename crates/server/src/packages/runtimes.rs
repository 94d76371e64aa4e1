//! What packages run in: images with a JVM, and images with Tomcat on one.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The runtimes that may be chosen, by EDAS's names for them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Runtimes {
    /// For JARs, by EDAS's JDK.
    pub jdk: Vec<Jdk>,
    /// For WARs, by EDAS's WebContainer.
    pub web_container: Vec<WebContainer>,
}

/// A JVM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jdk {
    /// EDAS's name, such as `Open JDK 8`.
    pub name: String,
    /// Its version, for people.
    pub version: String,
    /// An image with `java` in its path.
    pub image: String,
}

/// A Tomcat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebContainer {
    /// EDAS's name, such as `apache-tomcat-9.0`.
    pub name: String,
    /// Its version; also what EdasContainerVersion chooses it by.
    pub version: String,
    /// Images with `catalina.sh` in their path, by the name of the JDK they have.
    pub images: BTreeMap<String, String>,
}

/// Public images that were current when this was built. `--runtimes` replaces them.
impl Default for Runtimes {
    fn default() -> Self {
        let jdk = |version: &str| Jdk {
            name: format!("Open JDK {version}"),
            version: version.to_owned(),
            image: format!("eclipse-temurin:{version}-jre"),
        };
        let tomcat = |name: &str, version: &str, java: &[&str]| WebContainer {
            name: format!("apache-tomcat-{name}"),
            version: version.to_owned(),
            images: java
                .iter()
                .map(|java| (format!("Open JDK {java}"), format!("tomcat:{version}-jre{java}")))
                .collect(),
        };
        let mut seven = tomcat("7.0.91", "7.0", &[]);
        seven.images.insert("Open JDK 8".to_owned(), "tomcat:7.0-jdk8".to_owned());
        Self {
            jdk: ["8", "11", "17", "21"].map(jdk).into(),
            web_container: vec![
                seven,
                tomcat("8.5.42", "8.5", &["8", "11", "17"]),
                tomcat("9.0", "9.0", &["8", "11", "17", "21"]),
                tomcat("10.1", "10.1", &["11", "17", "21"]),
            ],
        }
    }
}

impl Runtimes {
    /// A JVM by its name.
    pub(crate) fn jdk(&self, name: &str) -> Option<&Jdk> {
        self.jdk.iter().find(|jdk| jdk.name.eq_ignore_ascii_case(name))
    }

    /// A Tomcat by its name.
    pub(crate) fn web_container(&self, name: &str) -> Option<&WebContainer> {
        self.web_container.iter().find(|container| container.name.eq_ignore_ascii_case(name))
    }

    /// A Tomcat by the number that ListBuildPack gives it.
    pub(crate) fn build_pack(&self, number: i32) -> Option<&WebContainer> {
        self.numbered().find(|(found, _)| *found == number).map(|(_, container)| container)
    }

    /// The Tomcats with their numbers, from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (i32, &WebContainer)> {
        (1..).zip(&self.web_container)
    }

    /// All names of JVMs, for a message.
    pub(crate) fn jdk_names(&self) -> String {
        let names: Vec<_> = self.jdk.iter().map(|jdk| jdk.name.as_str()).collect();
        names.join(", ")
    }

    /// All names of Tomcats, for a message.
    pub(crate) fn web_container_names(&self) -> String {
        let names: Vec<_> = self.web_container.iter().map(|container| container.name.as_str()).collect();
        names.join(", ")
    }
}
