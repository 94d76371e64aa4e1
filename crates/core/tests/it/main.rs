//! The decisions of core against a model of the native controllers.

mod adoption;
mod arrows;
mod invariants;
mod model;
mod prechecks;
mod scenarios;
mod world;
