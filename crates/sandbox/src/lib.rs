//! A Kubernetes API in one process, with simulated controllers, nodes and faults.

pub mod resources;
