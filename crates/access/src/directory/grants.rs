//! What one user, or one who took on a role, may do: everything that the directory has for them, read once and then asked.

use std::collections::BTreeSet;

use super::{Directory, Holder, Refused};
use crate::authority::{OPERATE, is_done_to_an_app};
use crate::policy::{Malformed, Policy, Question, Verdict};
use crate::resource::Path;

/// Rights that cannot be read as they are stored: whoever has them is let into nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The user or the role is gone.
    #[error(transparent)]
    Gone(#[from] Refused),
    /// A stored policy is none: it was stored by another version.
    #[error("the stored policy {name} cannot be read {problem}")]
    Policy {
        /// Which.
        name: String,
        /// Why.
        problem: Malformed,
    },
}

/// The rights of one principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    policies: Vec<Policy>,
    /// Narrows them, and gives nothing.
    session: Option<Policy>,
    apps: BTreeSet<String>,
    resource_groups: BTreeSet<String>,
    /// Names of the actions of EDAS's own roles.
    actions: BTreeSet<String>,
}

impl Directory {
    /// The rights of a user: their own, and those of their groups.
    ///
    /// # Errors
    /// [`Unusable`]
    pub fn grants_of_user(&self, name: &str) -> Result<Grants, Unusable> {
        let user = self.user(name)?;
        let groups = self.groups.values().filter(|group| group.members.contains(name));
        let attached: BTreeSet<&String> = groups.flat_map(|group| &group.policies).chain(&user.policies).collect();
        let roles = user.action_roles.iter().filter_map(|id| self.action_roles.get(id));
        Ok(Grants {
            policies: self.read(attached)?,
            session: None,
            apps: user.apps.clone(),
            resource_groups: user.resource_groups.clone(),
            actions: roles.flat_map(|role| role.actions.iter().cloned()).collect(),
        })
    }

    /// The rights of one who took on a role, narrowed by the policy of the session if there is one.
    ///
    /// # Errors
    /// [`Unusable`]
    pub fn grants_of_role(&self, name: &str, session: Option<&str>) -> Result<Grants, Unusable> {
        let attached = self.policies_of(Holder::Role(name))?;
        let unreadable = |problem| Unusable::Policy { name: "of the session".to_owned(), problem };
        let session = session.map(Policy::parse).transpose().map_err(unreadable)?;
        Ok(Grants { policies: self.read(attached)?, session, ..Grants::default() })
    }

    fn read<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> Result<Vec<Policy>, Unusable> {
        let read = |name: &String| {
            let policy = Policy::parse(self.document(name)?);
            policy.map_err(|problem| Unusable::Policy { name: name.clone(), problem })
        };
        names.into_iter().map(read).collect()
    }
}

impl Grants {
    /// Whether this may be done, as things are.
    pub fn verdict(&self, question: &Question<'_>) -> Verdict {
        let verdict = Verdict::of(&self.policies, question).or(self.authorised(question));
        match &self.session {
            Some(session) => verdict.and(Verdict::of([session], question)),
            None => verdict,
        }
    }

    /// What AuthorizeApplication and its kin allow.
    fn authorised(&self, question: &Question<'_>) -> Verdict {
        let of_role = self.actions.contains(question.action.name());
        let is_app = match &question.resource.path {
            Path::Application { id, .. } => {
                self.apps.contains(id)
                    || question.resource.group.as_ref().is_some_and(|group| self.resource_groups.contains(group))
            }
            _ => false,
        };
        let allowed = match (is_app, is_done_to_an_app(question.action)) {
            (true, _) => of_role || OPERATE.contains(&question.action),
            (false, true) => false,
            (false, false) => of_role,
        };
        if allowed { Verdict::Allowed } else { Verdict::NotAllowed }
    }
}
