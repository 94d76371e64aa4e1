//! A Kubernetes API in one process, with simulated controllers, nodes and faults.

pub mod api;
mod controllers;
pub mod discovery;
pub mod faults;
pub mod http;
pub mod nodes;
pub mod object;
pub mod openapi;
pub mod ownership;
pub mod patch;
mod protobuf;
pub mod quantity;
pub mod resources;
pub mod sandbox;
pub mod schema;
pub mod status;
pub mod storage;
pub mod table;
pub mod writes;

pub use sandbox::{Options, Sandbox};
