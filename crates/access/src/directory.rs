//! Users, groups, roles and policies: one aggregate, so that nothing in it can point at what is not there.
//!
//! ```text
//!   user ──► policies        group ──► members, policies        role ──► who may take it on, policies
//!     └────► authorised applications and resource groups, EDAS roles (AuthorizeApplication and its kin)
//! ```
//!
//! It is stored whole and replaced whole by its next revision. Access keys are not in it: they are looked up for every request, by their id.

mod grants;
mod roles;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::grants::{Grants, Unusable};
pub use self::roles::{ActionRole, LONGEST_SESSION, Role, SHORTEST_SESSION};
use crate::policy::{Malformed, Policy};
use crate::system;

/// Names that are taken: the owner of all, and the engine when it acts by itself.
const RESERVED: [&str; 2] = ["root", "sternway"];

const LONGEST_NAME: usize = 64;
const LONGEST_POLICY_NAME: usize = 128;

/// Somebody who may have access keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// A name for people.
    pub display_name: String,
    /// Free text.
    pub comments: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Names of the policies attached to it.
    #[serde(default)]
    pub policies: BTreeSet<String>,
    /// Applications it may operate, by AuthorizeApplication.
    #[serde(default)]
    pub apps: BTreeSet<String>,
    /// Resource groups whose applications it may operate, by AuthorizeResourceGroup.
    #[serde(default)]
    pub resource_groups: BTreeSet<String>,
    /// EDAS roles, by AuthorizeRole.
    #[serde(default)]
    pub action_roles: BTreeSet<u32>,
}

/// Users who share policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Free text.
    pub comments: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Names of users.
    #[serde(default)]
    pub members: BTreeSet<String>,
    /// Names of the policies attached to it.
    #[serde(default)]
    pub policies: BTreeSet<String>,
}

/// A policy that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomPolicy {
    /// Free text.
    pub description: String,
    /// The policy as it was written; it has been read once and was found good.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a policy can be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
    /// A role.
    Role(&'a str),
}

/// A change that is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none of this name.
    #[error("the {kind} {name} does not exist")]
    Unknown {
        /// `user`, `group`, `policy` or `role`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// There is one of this name.
    #[error("the {kind} {name} exists already")]
    Taken {
        /// As above.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The name cannot be one.
    #[error("{0:?} is no name: give up to {1} letters, digits, \".\", \"-\" or \"_\"")]
    Name(String, usize),
    /// The name belongs to the system.
    #[error("the name {0} belongs to the system: choose another")]
    Reserved(String),
    /// The root user may do everything, always.
    #[error("the root user may do everything and cannot be changed")]
    Root,
    /// A policy that is still attached.
    #[error("the policy {policy} is attached to the {kind} {name}: detach it first")]
    Attached {
        /// Which.
        policy: String,
        /// To what kind of holder.
        kind: &'static str,
        /// To which.
        name: String,
    },
    /// An EDAS role that users still have.
    #[error("the role {role} is given to the user {user}: take it away with AuthorizeRole first")]
    InUse {
        /// Which.
        role: u32,
        /// A user that has it.
        user: String,
    },
    /// A document that is none.
    #[error("the policy is malformed {0}")]
    Malformed(#[from] Malformed),
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Directory {
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, Group>,
    policies: BTreeMap<String, CustomPolicy>,
    roles: BTreeMap<String, Role>,
    action_roles: BTreeMap<u32, ActionRole>,
    /// The number that the newest EDAS role got: none is given twice.
    last_action_role: u32,
}

impl Directory {
    /// Users by name.
    pub fn users(&self) -> &BTreeMap<String, User> {
        &self.users
    }

    /// Groups by name.
    pub fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    /// The policies that people wrote, by name.
    pub fn policies(&self) -> &BTreeMap<String, CustomPolicy> {
        &self.policies
    }

    /// A user.
    ///
    /// # Errors
    /// [`Refused::Unknown`], [`Refused::Root`]
    pub fn user(&self, name: &str) -> Result<&User, Refused> {
        if name == RESERVED[0] {
            return Err(Refused::Root);
        }
        self.users.get(name).ok_or_else(|| unknown("user", name))
    }

    /// The document of a policy, one that is always there or one that somebody wrote.
    ///
    /// # Errors
    /// [`Refused::Unknown`]
    pub fn document(&self, policy: &str) -> Result<&str, Refused> {
        let own = self.policies.get(policy).map(|policy| policy.document.as_str());
        own.or_else(|| system::document(policy)).ok_or_else(|| unknown("policy", policy))
    }

    /// Adds a user without any rights.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn create_user(
        &mut self,
        name: &str,
        display_name: &str,
        comments: &str,
        now: Timestamp,
    ) -> Result<&User, Refused> {
        check_name(name, LONGEST_NAME)?;
        if RESERVED.contains(&name) {
            return Err(Refused::Reserved(name.to_owned()));
        }
        if self.users.contains_key(name) {
            return Err(taken("user", name));
        }
        let user = User {
            display_name: display_name.to_owned(),
            comments: comments.to_owned(),
            created_at: now,
            policies: BTreeSet::new(),
            apps: BTreeSet::new(),
            resource_groups: BTreeSet::new(),
            action_roles: BTreeSet::new(),
        };
        Ok(self.users.entry(name.to_owned()).or_insert(user))
    }

    /// Removes a user, from its groups too.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn delete_user(&mut self, name: &str) -> Result<(), Refused> {
        self.user(name)?;
        self.users.remove(name);
        for group in self.groups.values_mut() {
            group.members.remove(name);
        }
        Ok(())
    }

    /// Adds a group without members or rights.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn create_group(&mut self, name: &str, comments: &str, now: Timestamp) -> Result<&Group, Refused> {
        check_name(name, LONGEST_NAME)?;
        if self.groups.contains_key(name) {
            return Err(taken("group", name));
        }
        let group = Group {
            comments: comments.to_owned(),
            created_at: now,
            members: BTreeSet::new(),
            policies: BTreeSet::new(),
        };
        Ok(self.groups.entry(name.to_owned()).or_insert(group))
    }

    /// Removes a group; its members stay users.
    ///
    /// # Errors
    /// [`Refused::Unknown`]
    pub fn delete_group(&mut self, name: &str) -> Result<(), Refused> {
        self.groups.remove(name).map(drop).ok_or_else(|| unknown("group", name))
    }

    /// Puts a user into a group.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn add_member(&mut self, group: &str, user: &str) -> Result<(), Refused> {
        self.user(user)?;
        self.group_mut(group)?.members.insert(user.to_owned());
        Ok(())
    }

    /// Takes a user out of a group; one that is not in it is no error.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn remove_member(&mut self, group: &str, user: &str) -> Result<(), Refused> {
        self.user(user)?;
        self.group_mut(group)?.members.remove(user);
        Ok(())
    }

    /// Adds a policy, or replaces the one of this name, wherever it is attached.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn put_policy(&mut self, name: &str, description: &str, document: &str, now: Timestamp) -> Result<(), Refused> {
        check_name(name, LONGEST_POLICY_NAME)?;
        if system::document(name).is_some() {
            return Err(Refused::Reserved(name.to_owned()));
        }
        Policy::parse(document)?;
        let created_at = self.policies.get(name).map_or(now, |before| before.created_at);
        let policy = CustomPolicy {
            description: description.to_owned(),
            document: document.to_owned(),
            created_at,
            updated_at: now,
        };
        self.policies.insert(name.to_owned(), policy);
        Ok(())
    }

    /// Removes a policy that is attached to nothing.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn delete_policy(&mut self, name: &str) -> Result<(), Refused> {
        if system::document(name).is_some() {
            return Err(Refused::Reserved(name.to_owned()));
        }
        if let Some((kind, holder)) = self.holders_of(name).first() {
            return Err(Refused::Attached { policy: name.to_owned(), kind, name: holder.clone() });
        }
        self.policies.remove(name).map(drop).ok_or_else(|| unknown("policy", name))
    }

    /// To what a policy is attached: kind and name.
    pub fn holders_of(&self, policy: &str) -> Vec<(&'static str, String)> {
        let users = self.users.iter().map(|(name, user)| ("user", name, &user.policies));
        let groups = self.groups.iter().map(|(name, group)| ("group", name, &group.policies));
        let roles = self.roles.iter().map(|(name, role)| ("role", name, &role.policies));
        let holding = users.chain(groups).chain(roles).filter(|(_, _, policies)| policies.contains(policy));
        holding.map(|(kind, name, _)| (kind, name.clone())).collect()
    }

    /// The names of the policies attached to a user, a group or a role.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn policies_of(&self, holder: Holder<'_>) -> Result<&BTreeSet<String>, Refused> {
        match holder {
            Holder::User(name) => Ok(&self.user(name)?.policies),
            Holder::Group(name) => {
                self.groups.get(name).map(|group| &group.policies).ok_or_else(|| unknown("group", name))
            }
            Holder::Role(name) => Ok(&self.role(name)?.policies),
        }
    }

    /// Attaches a policy; one that is attached already is no error.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn attach(&mut self, policy: &str, holder: Holder<'_>) -> Result<(), Refused> {
        self.document(policy)?;
        self.policies_of_mut(holder)?.insert(policy.to_owned());
        Ok(())
    }

    /// Detaches a policy; one that is not attached is no error.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn detach(&mut self, policy: &str, holder: Holder<'_>) -> Result<(), Refused> {
        self.document(policy)?;
        self.policies_of_mut(holder)?.remove(policy);
        Ok(())
    }

    /// Which applications a user may operate, in place of those before.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn authorize_apps(&mut self, user: &str, apps: BTreeSet<String>) -> Result<(), Refused> {
        self.user_mut(user)?.apps = apps;
        Ok(())
    }

    /// Of which resource groups a user may operate the applications, in place of those before.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn authorize_resource_groups(&mut self, user: &str, groups: BTreeSet<String>) -> Result<(), Refused> {
        self.user_mut(user)?.resource_groups = groups;
        Ok(())
    }

    fn policies_of_mut(&mut self, holder: Holder<'_>) -> Result<&mut BTreeSet<String>, Refused> {
        match holder {
            Holder::User(name) => Ok(&mut self.user_mut(name)?.policies),
            Holder::Group(name) => Ok(&mut self.group_mut(name)?.policies),
            Holder::Role(name) => {
                self.roles.get_mut(name).map(|role| &mut role.policies).ok_or_else(|| unknown("role", name))
            }
        }
    }

    fn user_mut(&mut self, name: &str) -> Result<&mut User, Refused> {
        self.user(name)?;
        self.users.get_mut(name).ok_or_else(|| unknown("user", name))
    }

    fn group_mut(&mut self, name: &str) -> Result<&mut Group, Refused> {
        self.groups.get_mut(name).ok_or_else(|| unknown("group", name))
    }
}

fn unknown(kind: &'static str, name: &str) -> Refused {
    Refused::Unknown { kind, name: name.to_owned() }
}

fn taken(kind: &'static str, name: &str) -> Refused {
    Refused::Taken { kind, name: name.to_owned() }
}

fn check_name(name: &str, longest: usize) -> Result<(), Refused> {
    let is_one = !name.is_empty()
        && name.len() <= longest
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if is_one {
        return Ok(());
    }
    Err(Refused::Name(name.chars().take(longest).collect(), longest))
}

#[cfg(test)]
mod tests;
