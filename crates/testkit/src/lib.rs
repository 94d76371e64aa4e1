//! A seeded world in virtual time.
//!
//! One seed fixes everything: how the cluster behaves, how long each message takes, who crashes where, what fails, what clients ask for and what others
//! do to the cluster. The real core, engine and store run in it, on the in-process sandbox; after every step the promises of ARCHITECTURE.md are
//! judged from what was stored and what is in the cluster.
//!
//! ```text
//!  seed ─► script ─► world (queue of what happens next) ─┬─► server: a runtime with an engine ─► store, clusters, clock (ports)
//!            ▲                                           ├─► sandbox: ticks, watches                     │
//!         shrink ◄── violation ◄── judge ◄───────────────┴─── commits, leases, writes, the cluster's log ◄┘
//! ```
//!
//! | module | its duty |
//! |---|---|
//! | `script` | what a seed makes happen, as a list that can be shortened |
//! | `universe` | virtual time, the queue, points at which processes die or freeze |
//! | `server` | a process: an engine on a runtime of its own |
//! | `store`, `cluster`, `clock` | the ports, with latency, faults and crash points |
//! | `memory_store` | the store's contract in memory |
//! | `world` | the driver, clients, others, and the end of a run |
//! | `judge` | the promises |
//! | `breakage` | engines broken on purpose |
//! | `shrink` | the shortest list of steps that still fails |

mod breakage;
mod clock;
mod cluster;
mod judge;
mod memory_store;
pub mod script;
mod server;
mod shrink;
mod store;
mod universe;
mod world;

pub use breakage::Breakage;
pub use memory_store::MemoryStore;
pub use shrink::shrink;
pub use world::{Options, Outcome, Violation, run};

/// Runs the script of a seed.
pub fn run_seed(seed: u64, options: Options) -> Outcome {
    run(seed, &script::generate(seed), options)
}
