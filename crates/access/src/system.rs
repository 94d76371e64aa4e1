//! The policies that are always there, under the names they have in RAM. They can be attached, and neither changed nor deleted.

/// A policy that is always there.
#[derive(Debug, Clone, Copy)]
pub struct SystemPolicy {
    /// Its name in RAM.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The policy itself.
    pub document: &'static str,
}

macro_rules! allow {
    ($($action:literal),+) => {
        concat!(
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["#,
            allow!(@list $($action),+),
            r#"],"Resource":"*"}]}"#
        )
    };
    (@list $first:literal $(, $rest:literal)*) => {
        concat!("\"", $first, "\"" $(, ",\"", $rest, "\"")*)
    };
}

/// All of them, by name.
pub const SYSTEM_POLICIES: &[SystemPolicy] = &[
    SystemPolicy {
        name: "AdministratorAccess",
        description: "Everything, users and policies included",
        document: allow!("*"),
    },
    SystemPolicy {
        name: "AliyunEDASApplicationFullAccess",
        description: "All that concerns applications",
        document: allow!(
            "edas:*Application",
            "edas:ManageAppLog",
            "edas:*Service",
            "edas:ReadNamespace",
            "edas:ReadCluster"
        ),
    },
    SystemPolicy {
        name: "AliyunEDASApplicationReadOnlyAccess",
        description: "See applications",
        document: allow!("edas:ReadApplication", "edas:ReadService"),
    },
    SystemPolicy {
        name: "AliyunEDASFullAccess",
        description: "All of EDAS; neither users nor policies",
        document: allow!("edas:*"),
    },
    SystemPolicy { name: "AliyunEDASReadOnlyAccess", description: "See all of EDAS", document: allow!("edas:Read*") },
    SystemPolicy {
        name: "AliyunEDASResourceFullAccess",
        description: "All that concerns clusters and microservice namespaces",
        document: allow!("edas:*Cluster", "edas:*Namespace"),
    },
    SystemPolicy {
        name: "AliyunEDASResourceReadOnlyAccess",
        description: "See clusters and microservice namespaces",
        document: allow!("edas:ReadCluster", "edas:ReadNamespace"),
    },
    SystemPolicy {
        name: "AliyunRAMFullAccess",
        description: "Users, groups, keys, policies and roles: as good as everything, since it can give itself the rest",
        document: allow!("ram:*"),
    },
    SystemPolicy {
        name: "AliyunRAMReadOnlyAccess",
        description: "See users, groups, keys (not their secrets), policies and roles",
        document: allow!("ram:List*", "ram:Get*"),
    },
    SystemPolicy {
        name: "AliyunSTSAssumeRoleAccess",
        description: "Take on roles that trust the user",
        document: allow!("sts:AssumeRole"),
    },
];

/// The document of a system policy.
pub(crate) fn document(name: &str) -> Option<&'static str> {
    SYSTEM_POLICIES.iter().find(|policy| policy.name == name).map(|policy| policy.document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn each_is_a_policy_and_they_are_in_order() {
        for policy in SYSTEM_POLICIES {
            Policy::parse(policy.document).unwrap_or_else(|error| panic!("{}: {error}", policy.name));
        }
        assert!(SYSTEM_POLICIES.is_sorted_by_key(|policy| policy.name));
    }
}
