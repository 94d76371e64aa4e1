//! The Kubernetes adapter: credentials, watches into observations, effects into patches.
//!
//! [`KubeClusters`] implements the port [`Clusters`](sternway_core::ports::Clusters). It decides nothing about releases: what is
//! to be written is compiled by the core, on a fresh read.
//!
//! ```text
//! observe ──► view ◄── watches ◄─── API server        perform ──► reading ──► core's compile ──► PATCH, POST, DELETE
//! changed ──► signals ◄─┘                               (GET, LIST past the watches)
//! ```
//!
//! | module | its duty |
//! |---|---|
//! | `clusters`, `connection` | clusters by id; one cluster with its tasks |
//! | `access`, `rights` | credentials into a client; what we may do with it |
//! | `api`, `failure` | requests, and what their failures mean |
//! | `watches`, `view` | lists and watches, and what they have seen |
//! | `index`, `reduce` | the known objects, reduced on arrival, put together to workloads |
//! | `signals` | waking those who wait for a change |
//! | `reading`, `perform` | a workload read now; effects into writes |
//! | `mirror` | all of the mapping and none of the connection, for simulations |
//! | `objects`, `attachments` | objects beside the workloads: any, and those of an application |
//! | `logs`, `nodes` | the last words of crashed containers; what a cluster has to offer |
//!
//! Objects are handled as the API's own JSON throughout, so that no field is lost that is newer than this code.

mod access;
mod api;
mod attachments;
mod backoff;
mod clusters;
mod connection;
mod failure;
mod index;
mod kind;
mod logs;
pub mod mirror;
mod nodes;
mod objects;
mod perform;
mod reading;
mod reduce;
mod rights;
mod signals;
mod surroundings;
mod view;
mod watches;

pub use access::Options;
pub use clusters::KubeClusters;
