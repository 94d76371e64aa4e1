//! Births.
