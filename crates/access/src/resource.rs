//! What an operation acts upon, under the name that policies call it by.
//!
//! ```text
//! acs:edas:<region>:<account>:namespace/<namespace>
//! acs:edas:<region>:<account>:namespace/<namespace>/cluster/<cluster>
//! acs:edas:<region>:<account>:namespace/<namespace>/application/<application>
//! acs:edas:<region>:<account>:*                                              the system as a whole
//! acs:ram:*:<account>:user/<name>                                            and group/, policy/, role/
//! ```
//!
//! A namespace is EDAS's microservice namespace, `cn-hangzhou` or `cn-hangzhou:test`; a cluster is in the one of its region.

use std::fmt;

/// Stands for a namespace, and its region, that cannot be found. No namespace is named like this, so that only patterns with a wildcard in its place
/// match it.
const NOWHERE: &str = "-";

/// A resource. It is made of what the store says, never of what a request claims about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `edas` or `ram`.
    pub service: &'static str,
    /// `*` where the service has no regions.
    pub region: String,
    /// What it is, after region and account.
    pub path: Path,
    /// The resource group that it is in, where it is in one.
    pub group: Option<String>,
}

/// The last part of a resource's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Path {
    /// Nothing less than everything.
    All,
    Namespace(String),
    Cluster {
        namespace: String,
        /// `*` for one that is yet to be made.
        id: String,
    },
    Application {
        namespace: String,
        /// `*` for one that is yet to be made.
        id: String,
    },
    User(String),
    Group(String),
    Policy(String),
    Role(String),
}

impl Resource {
    /// What concerns no single resource of EDAS.
    pub fn system() -> Self {
        Self::edas("*", Path::All)
    }

    /// A microservice namespace; `None` for one that cannot be found.
    pub fn namespace(namespace: Option<&str>) -> Self {
        let namespace = namespace.unwrap_or(NOWHERE);
        Self::edas(namespace, Path::Namespace(namespace.to_owned()))
    }

    /// An application of a namespace.
    pub fn application(namespace: Option<&str>, id: impl fmt::Display) -> Self {
        let namespace = namespace.unwrap_or(NOWHERE);
        Self::edas(namespace, Path::Application { namespace: namespace.to_owned(), id: id.to_string() })
    }

    /// The same, in a resource group.
    #[must_use]
    pub fn in_group(self, group: Option<&String>) -> Self {
        Self { group: group.cloned(), ..self }
    }

    /// A cluster of a namespace.
    pub fn cluster(namespace: Option<&str>, id: impl fmt::Display) -> Self {
        let namespace = namespace.unwrap_or(NOWHERE);
        Self::edas(namespace, Path::Cluster { namespace: namespace.to_owned(), id: id.to_string() })
    }

    /// Something of RAM.
    pub fn ram(path: Path) -> Self {
        Self { service: "ram", region: "*".to_owned(), path, group: None }
    }

    fn edas(namespace: &str, path: Path) -> Self {
        let region = namespace.split(':').next().unwrap_or(namespace);
        Self { service: "edas", region: region.to_owned(), path, group: None }
    }

    /// The whole name, in the account of that id.
    pub fn name(&self, account: &str) -> String {
        format!("acs:{}:{}:{account}:{}", self.service, self.region, self.path)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("*"),
            Self::Namespace(namespace) => write!(formatter, "namespace/{namespace}"),
            Self::Cluster { namespace, id } => write!(formatter, "namespace/{namespace}/cluster/{id}"),
            Self::Application { namespace, id } => write!(formatter, "namespace/{namespace}/application/{id}"),
            Self::User(name) => write!(formatter, "user/{name}"),
            Self::Group(name) => write!(formatter, "group/{name}"),
            Self::Policy(name) => write!(formatter, "policy/{name}"),
            Self::Role(name) => write!(formatter, "role/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_edas_and_ram() {
        let name = |resource: Resource| resource.name("1");
        assert_eq!(name(Resource::system()), "acs:edas:*:1:*");
        assert_eq!(
            name(Resource::application(Some("cn-hangzhou:test"), "a1")),
            "acs:edas:cn-hangzhou:1:namespace/cn-hangzhou:test/application/a1"
        );
        assert_eq!(
            name(Resource::cluster(Some("cn-hangzhou"), "c")),
            "acs:edas:cn-hangzhou:1:namespace/cn-hangzhou/cluster/c"
        );
        assert_eq!(name(Resource::application(None, "gone")), "acs:edas:-:1:namespace/-/application/gone");
        assert_eq!(name(Resource::ram(Path::User("alice".to_owned()))), "acs:ram:*:1:user/alice");
    }
}
