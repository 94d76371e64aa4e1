//! Two things called role: RAM's, which is taken on for a while (AssumeRole), and EDAS's own, which is a set of actions given to users.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Directory, LONGEST_NAME, Refused, check_name, unknown};
use crate::action::Action;
use crate::policy::TrustPolicy;

/// The shortest time that a role can be taken on for, in seconds.
pub const SHORTEST_SESSION: u32 = 900;
/// The longest, as in RAM.
pub const LONGEST_SESSION: u32 = 43_200;

/// Something to take on for a while, with rights of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Free text.
    pub description: String,
    /// Who may take it on: a trust policy as it was written.
    pub trust: String,
    /// For how long at most, in seconds.
    pub longest_session: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Names of the policies attached to it.
    #[serde(default)]
    pub policies: BTreeSet<String>,
}

/// EDAS's own kind of role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRole {
    /// A name for people.
    pub name: String,
    /// Names of actions.
    pub actions: BTreeSet<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Directory {
    /// RAM's roles by name.
    pub fn roles(&self) -> &BTreeMap<String, Role> {
        &self.roles
    }

    /// EDAS's roles by number.
    pub fn action_roles(&self) -> &BTreeMap<u32, ActionRole> {
        &self.action_roles
    }

    /// A role of RAM's kind.
    ///
    /// # Errors
    /// [`Refused::Unknown`]
    pub fn role(&self, name: &str) -> Result<&Role, Refused> {
        self.roles.get(name).ok_or_else(|| unknown("role", name))
    }

    /// Adds a role, or changes who may take it on; its policies stay.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn put_role(
        &mut self,
        name: &str,
        description: &str,
        trust: &str,
        longest_session: u32,
        now: Timestamp,
    ) -> Result<(), Refused> {
        check_name(name, LONGEST_NAME)?;
        TrustPolicy::parse(trust)?;
        let before = self.roles.remove(name);
        let (created_at, policies) = before.map_or((now, BTreeSet::new()), |role| (role.created_at, role.policies));
        let role = Role {
            description: description.to_owned(),
            trust: trust.to_owned(),
            longest_session: longest_session.clamp(SHORTEST_SESSION, LONGEST_SESSION),
            created_at,
            policies,
        };
        self.roles.insert(name.to_owned(), role);
        Ok(())
    }

    /// Removes a role: what was taken on with it ends at once.
    ///
    /// # Errors
    /// [`Refused::Unknown`]
    pub fn delete_role(&mut self, name: &str) -> Result<(), Refused> {
        self.roles.remove(name).map(drop).ok_or_else(|| unknown("role", name))
    }

    /// Adds a role of EDAS's kind; answers with its number.
    ///
    /// # Errors
    /// [`Refused::Name`]
    pub fn create_action_role(&mut self, name: &str, actions: &[Action], now: Timestamp) -> Result<u32, Refused> {
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Refused::Name(name.chars().take(LONGEST_NAME).collect(), LONGEST_NAME));
        }
        self.last_action_role += 1;
        let role = ActionRole { name: name.to_owned(), actions: names(actions), created_at: now, updated_at: now };
        self.action_roles.insert(self.last_action_role, role);
        Ok(self.last_action_role)
    }

    /// Gives a role of EDAS's kind other actions.
    ///
    /// # Errors
    /// [`Refused::Unknown`]
    pub fn change_action_role(&mut self, id: u32, actions: &[Action], now: Timestamp) -> Result<(), Refused> {
        let role = self.action_roles.get_mut(&id).ok_or_else(|| unknown("role", &id.to_string()))?;
        role.actions = names(actions);
        role.updated_at = now;
        Ok(())
    }

    /// Removes a role of EDAS's kind that nobody has.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn delete_action_role(&mut self, id: u32) -> Result<(), Refused> {
        if let Some((user, _)) = self.users.iter().find(|(_, user)| user.action_roles.contains(&id)) {
            return Err(Refused::InUse { role: id, user: user.clone() });
        }
        self.action_roles.remove(&id).map(drop).ok_or_else(|| unknown("role", &id.to_string()))
    }

    /// Which roles of EDAS's kind a user has, in place of those before.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn authorize_roles(&mut self, user: &str, roles: BTreeSet<u32>) -> Result<(), Refused> {
        if let Some(missing) = roles.iter().find(|id| !self.action_roles.contains_key(id)) {
            return Err(unknown("role", &missing.to_string()));
        }
        self.user_mut(user)?.action_roles = roles;
        Ok(())
    }
}

fn names(actions: &[Action]) -> BTreeSet<String> {
    actions.iter().map(|action| action.name().to_owned()).collect()
}
