//! Sternway's decisions, and nothing else.
//!
//! Everything in this crate is pure: time, identifiers and observations are arguments, effects and wake-ups are
//! results. No clock, no sockets, no threads. The same inputs always give the same outputs, so that every release
//! can be replayed from its record.
//!
//! ```text
//!  command ─┐                                    ┌─► next Order (committed first)
//!  observed ─┼─► step(&Order, Input, now) ─► Transition ─► events (the record)
//!  outcome ─┘                                    ├─► effects (performed after the commit)
//!                                                └─► wake (when to look again)
//! ```
//!
//! | module | its duty |
//! |---|---|
//! | [`ids`] | newtypes for identifiers |
//! | [`template`], [`strategy`], [`version`], [`application`] | what runs: pod templates, rollout bounds, immutable versions, applications |
//! | [`observation`] | what a cluster shows of one workload |
//! | [`plan`] | N pods and a strategy into batches, batches into waves |
//! | [`floor`] | the capacity floor and the check before every write |
//! | [`health`] | which pods have failed, and why, in words |
//! | [`effect`] | the writes that the engine may perform, and their translation into patches |
//! | [`order`] | the change order: its record and its birth |
//! | [`governance`] | which releases need another user's approval, and when none may begin |
//! | [`audit`] | the audit log's entries and their chain |
//! | [`step`](mod@step) | the transition function |
//! | [`precheck`] | what can be known before a release begins |
//! | [`preview`] | what an order would write, for a dry run |
//! | [`route`] | which requests go to which pods, as an HTTPRoute |
//! | [`scaling`] | rules that scale by metrics and by time |
//! | [`ports`] | the traits that stores, clusters and clocks implement |

pub mod application;
pub mod audit;
pub mod effect;
pub mod floor;
pub mod governance;
pub mod health;
pub mod ids;
pub mod observation;
pub mod order;
pub mod plan;
pub mod ports;
pub mod precheck;
pub mod preview;
pub mod route;
pub mod scaling;
pub mod step;
pub mod strategy;
pub mod template;
pub mod version;

pub use step::step;
