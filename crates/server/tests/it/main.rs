//! The server as its clients meet it: a real socket, a real store, signed requests. Only the clusters are made up.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod access_keys;
mod audit;
mod authentication;
mod bad_input;
mod change_orders;
mod clusters;
mod config_templates;
mod denials;
mod documentation;
mod edge;
mod envelopes;
mod fake_clusters;
mod fake_objects;
mod governance;
mod lanes;
mod limits;
mod logging;
mod migration;
mod nas;
mod packages;
mod permissions;
mod places;
mod precheck;
mod proxies;
mod resources;
mod rollback;
mod runtime;
mod scaling;
mod tags;
mod traffic;
mod webhooks;
mod world;
