//! Tells others what happens to change orders: webhooks.
//!
//! ```text
//!  store: the events of all orders in one sequence (core's `Feed`), committed with the orders
//!     │ after the position that this webhook has reached
//!     ▼
//!  courier (one per webhook) ──► notice: is this event one to tell of?  filter: to this webhook?
//!     │                            body: CloudEvents, Slack, DingTalk, Feishu;  signature
//!     ▼
//!  post: one request ──► delivered: the position moves on
//!                        not delivered: schedule decides ──► the same event again, later
//!                                                       └──► a dead letter, and the position moves on
//! ```
//!
//! There is no outbox table beside the orders: their events are the outbox, and a webhook is a position in them. A position is stored after its event was
//! answered for, so a crash neither loses an event nor makes one up; it may repeat the last one, with the same id. A webhook has one event under way at a time, in the
//! sequence in which they happened. Webhooks know nothing of each other, and orders nothing of webhooks.
//!
//! | module | its duty |
//! |---|---|
//! | `notice`, `filter`, `body`, `signature`, `schedule` | decide; pure |
//! | `webhook`, `progress` | what is stored |
//! | `post` | sends one request within limits |
//! | `courier` | delivers to one webhook |
//! | `notifier` | has a courier for each webhook; what may be asked about webhooks |
//! | `meters` | what is counted |

mod body;
mod courier;
mod error;
mod filter;
mod meters;
mod notice;
mod notifier;
mod post;
mod progress;
mod schedule;
mod signature;
mod webhook;

pub use sternway_reach::Reach;

pub use self::error::WebhookError;
pub use self::filter::{Filter, Glob, GlobError};
pub use self::meters::Meters;
pub use self::notifier::{Change, Creation, MOST_WEBHOOKS, Notifier, Ports, Settings, Shown, Tested};
pub use self::post::Limits;
pub use self::progress::{DeadLetter, MOST_DEAD_LETTERS, Trouble};
pub use self::signature::SigningKey;
pub use self::webhook::{Format, Webhook};
