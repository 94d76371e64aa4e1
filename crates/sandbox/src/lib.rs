//! A Kubernetes API in one process, with simulated controllers, nodes and faults.

pub mod api;
pub mod object;
pub mod patch;
pub mod quantity;
pub mod resources;
pub mod schema;
pub mod status;
pub mod storage;
pub mod writes;
