//! The EDAS protocol (API version 2017-08-01) on the wire, and nothing else.
//!
//! ```text
//!  request bytes ─► signature (who?) ─► catalog (which operation?) ─► parameters (with what?)
//!                                                                          │ (the server acts)
//!  response bytes ◄──────────── envelope ◄── model, or error ◄─────────────┘
//! ```
//!
//! Everything here is a pure function of its arguments: no socket, no file, no clock. The time is an argument wherever
//! it matters. The same types serve both ends: the server verifies and serialises, the command line signs and
//! deserialises.

pub mod catalog;
pub mod codes;
pub mod envelope;
pub mod error;
pub mod model;
pub mod oss;
pub mod parameters;
pub mod query;
pub mod region;
pub mod replay;
pub mod signature;
pub mod time_text;

pub use error::{BusinessError, GatewayError};
