//! Progress that people enjoy reading: live in place on a terminal, line by line anywhere else.
//!
//! All of it goes to stderr. What is shown is made by pure functions of what the API (or the cluster) says; colour only
//! repeats what words and signs say already.

mod order;
mod screen;

pub(crate) use self::order::{in_brief as order_in_brief, in_full as order_in_full, news, waiting_for_retry};
pub(crate) use self::screen::Screen;
