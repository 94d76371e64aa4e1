//! Who may do what. Pure: no I/O, no clock; what is stored and what a request says are arguments.
//!
//! ```text
//!   policies (RAM's JSON) ──► statements ─┐
//!   users, groups, roles  ──► directory ──┴─► grants of one principal ─► verdict(action, resource, circumstances)
//! ```
//!
//! Nothing is allowed unless something allows it, and a denial wins over everything that allows.

mod action;
mod authority;
mod directory;
mod network;
mod pattern;
mod policy;
mod resource;
mod system;

pub use self::action::Action;
pub use self::authority::{AUTHORITIES, Authority, parse_actions};
pub use self::directory::{
    ActionRole, CustomPolicy, Directory, Grants, Group, Holder, LONGEST_SESSION, Refused, Role, SHORTEST_SESSION,
    Unusable, User,
};
pub use self::network::{Network, NotANetwork};
pub use self::policy::{Circumstances, LONGEST_POLICY, Malformed, Policy, Question, TrustPolicy, Verdict};
pub use self::resource::{Path, Resource};
pub use self::system::{SYSTEM_POLICIES, SystemPolicy};
