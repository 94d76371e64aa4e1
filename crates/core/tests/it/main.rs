//! The decisions of core against a model of the native controllers.

mod arrows;
mod invariants;
mod model;
mod prechecks;
mod scenarios;
mod world;
