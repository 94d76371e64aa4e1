//! The real engine, store and adapter against the sandbox over loopback, in one process: with faults of the API server at every kind of
//! write, and with two engines of which one is frozen.

mod faults;
mod fencing;
mod world;
