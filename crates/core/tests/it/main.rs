//! The decisions of core against a model of the native controllers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adoption;
mod approvals;
mod arrows;
mod invariants;
mod model;
mod prechecks;
mod replacement;
mod scenarios;
mod steering;
mod world;
