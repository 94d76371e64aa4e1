//! EDAS's own roles, older than its use of RAM: sets of actions, chosen from a numbered list (ListAuthority).

use crate::action::Action;

/// A group of that list.
#[derive(Debug, Clone, Copy)]
pub struct Authority {
    /// Its number, as text.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its actions, numbered within the group.
    pub actions: &'static [(&'static str, Action, &'static str)],
}

/// The list. Numbers are for ever: they are stored nowhere, but scripts have them.
pub const AUTHORITIES: &[Authority] = &[
    Authority {
        group: "1",
        name: "Microservice namespaces",
        actions: &[
            ("1", Action::ReadNamespace, "See microservice namespaces"),
            ("2", Action::CreateNamespace, "Create microservice namespaces"),
            ("3", Action::ManageNamespace, "Change microservice namespaces"),
            ("4", Action::DeleteNamespace, "Delete microservice namespaces"),
        ],
    },
    Authority {
        group: "2",
        name: "Clusters",
        actions: &[
            ("1", Action::ReadCluster, "See clusters"),
            ("2", Action::CreateCluster, "Import clusters"),
            ("3", Action::ManageCluster, "Change clusters and what is in them"),
            ("4", Action::DeleteCluster, "Forget clusters"),
        ],
    },
    Authority {
        group: "3",
        name: "Applications",
        actions: &[
            ("1", Action::ReadApplication, "See applications"),
            ("2", Action::CreateApplication, "Create applications"),
            ("3", Action::ManageApplication, "Release, scale, stop and start applications"),
            ("4", Action::ConfigApplication, "Configure applications"),
            ("5", Action::DeleteApplication, "Delete applications"),
            ("6", Action::ManageAppLog, "Choose which logs of applications are kept"),
        ],
    },
    Authority {
        group: "4",
        name: "Microservices",
        actions: &[
            ("1", Action::ReadService, "See microservices"),
            ("2", Action::ManageService, "Govern microservices"),
        ],
    },
    Authority {
        group: "5",
        name: "System",
        actions: &[
            ("1", Action::ManageOperation, "Set up operations"),
            ("2", Action::ReadOperationLog, "Read the record of operations"),
        ],
    },
];

/// What an application that is authorised to a user may be used for, whatever roles the user has.
pub(crate) const OPERATE: &[Action] = &[
    Action::ReadApplication,
    Action::ManageApplication,
    Action::ConfigApplication,
    Action::ManageAppLog,
    Action::ReadService,
    Action::ManageService,
];

/// Whether an action is done to an application that is there: a role allows it for authorised applications only.
pub(crate) fn is_done_to_an_app(action: Action) -> bool {
    OPERATE.contains(&action) || action == Action::DeleteApplication
}

/// The actions that `3:1;3:2` names; the first that does not exist otherwise.
///
/// # Errors
/// The part that names no action.
pub fn parse_actions(text: &str) -> Result<Vec<Action>, String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let actions = parts.map(|part| {
        let found = part.split_once(':').and_then(|(group, code)| {
            let authority = AUTHORITIES.iter().find(|authority| authority.group == group)?;
            authority.actions.iter().find(|(own, ..)| *own == code)
        });
        found.map(|(_, action, _)| *action).ok_or_else(|| part.to_owned())
    });
    actions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_chosen_by_their_numbers() {
        assert_eq!(parse_actions("3:1; 1:4;"), Ok(vec![Action::ReadApplication, Action::DeleteNamespace]));
        assert_eq!(parse_actions("3:1;3:9"), Err("3:9".to_owned()));
        assert_eq!(parse_actions("3"), Err("3".to_owned()));
    }
}
