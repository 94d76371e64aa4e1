//! The HTTP edge. It translates between the EDAS API and the engine's commands, and decides nothing.
//!
//! ```text
//!  socket ─► listener ─► router ─► dispatch ───────────────────────────────────────────► answer ─► socket
//!                                     │ catalog: which operation?        404 InvalidApi.NotFound
//!                                     │ authentication: who, when, once? 400/403/404
//!                                     │ permission: may they?            403 Forbidden.RAM
//!                                     └ operations: parameters ─► engine command or store read ─► wire model
//! ```
//!
//! | module | its duty |
//! |---|---|
//! | `server`, `listener`, `tls` | sockets, limits, graceful shutdown |
//! | `router`, `probes`, `metrics` | `/healthz`, `/readyz`, `/metrics`, and everything else to `dispatch` |
//! | `dispatch` | the one way of every EDAS request |
//! | `authentication`, `permission` | who asks, and whether they may |
//! | `identity` | users, groups and policies in the store; roles that were taken on |
//! | `lockout`, `limits` | guessing and flooding |
//! | `audit` | what is recorded of it all |
//! | `call` | a request as handlers see it |
//! | `operations` | one file per family of operations |
//! | `packages` | uploads, fetches, downloads and removal of JAR and WAR packages |
//! | `failure` | what went wrong, and as what it is answered: the only place where errors are mapped |
//! | `answer` | envelopes and HTTP responses |

mod answer;
mod audit;
mod authentication;
mod body;
mod call;
mod config;
mod dispatch;
mod failure;
mod identity;
mod limits;
mod listener;
mod lockout;
mod metrics;
mod operations;
mod origin;
mod packages;
mod permission;
mod probes;
mod router;
mod server;
mod tls;

pub use sternway_access::Network;

pub use self::config::Config;
pub use self::listener::Listener;
pub use self::operations::{inert_parameters, served_extensions, served_operations};
pub use self::packages::{Jdk, PackageSettings, Runtimes, WebContainer};
pub use self::permission::ROOT_USER;
pub use self::server::{ServeError, Server};
pub use self::tls::{Tls, TlsError, TlsFiles};
