//! Who may do what. Pure: no I/O, no clock; what is stored and what a request says are arguments.
//!
//! ```text
//!   policy (RAM's JSON) ──► statements ──┐
//!   user, groups, role  ──► directory ───┴─► decide(action, resource, circumstances) ──► allowed or not, and why
//! ```

mod action;
mod resource;

pub use self::action::Action;
pub use self::resource::{Path, Resource};
