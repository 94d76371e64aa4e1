//! The server as its clients meet it: a real socket, a real store, signed requests. Only the clusters are made up.

mod authentication;
mod bad_input;
mod change_orders;
mod clusters;
mod documentation;
mod edge;
mod envelopes;
mod fake_clusters;
mod world;
