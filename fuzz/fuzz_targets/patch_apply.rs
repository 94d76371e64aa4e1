//! Server-side apply by two managers in turn: applying the same again changes nothing, and what is written about owners is read back.
//!
//! Input: configurations of a Deployment, one after the other.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sternway_fuzz::documents;
use sternway_sandbox::ownership::Owners;
use sternway_sandbox::patch::apply::apply;
use sternway_sandbox::resources::DEPLOYMENTS;
use sternway_sandbox::schema::decode::decode;
use sternway_sandbox::writes::Manager;

fuzz_target!(|data: &[u8]| {
    let mut live: Option<Value> = None;
    for (at, configuration) in documents(data).into_iter().take(4).enumerate() {
        // The write path decodes before it applies.
        let Ok(decoded) = decode(DEPLOYMENTS.schema(), &configuration) else {
            return;
        };
        let name = ["one", "two"][at % 2].to_owned();
        let manager = Manager { name, apply: true, subresource: "" };
        let applied = |live: Option<&Value>, force| {
            apply(DEPLOYMENTS, live, &decoded.value, &manager, force, Timestamp::UNIX_EPOCH)
        };
        let Ok(after) = applied(live.as_ref(), at > 1) else {
            continue;
        };
        let again = applied(Some(&after), false).expect("who applied without a conflict can do it again");
        assert_eq!(again, after);
        let owners = Owners::read(&after);
        let mut rewritten = after.clone();
        owners.clone().write(&mut rewritten);
        assert_eq!(Owners::read(&rewritten), owners);
        live = Some(after);
    }
});
