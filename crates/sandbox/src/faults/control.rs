//! The rules over HTTP: `PUT` replaces them, `GET` shows them with their counters, `DELETE` clears them.
//!
//! A path of its own beside the API's: it is not itself subject to faults, so that whoever switched one on can switch it off.

use serde_json::{Value, json};

use super::{Armed, Faults, Rule};
use crate::api::{Request, Response};
use crate::status::Status;

/// Where it is.
const PATH: &str = "/sandbox/faults";

/// The answer, if the request is about rules.
pub(super) fn answer(faults: &mut Faults, request: &Request) -> Option<Response> {
    if request.path.trim_end_matches('/') != PATH {
        return None;
    }
    let refused = match request.method.as_str() {
        "GET" => None,
        "PUT" => match serde_json::from_slice::<Vec<Rule>>(&request.body) {
            Ok(rules) => {
                faults.set(rules);
                None
            }
            Err(error) => Some(Status::bad_request(format!("not a list of rules: {error}"))),
        },
        "DELETE" => {
            faults.set(Vec::new());
            None
        }
        _ => Some(Status::method_not_allowed()),
    };
    Some(match refused {
        None => Response::json(200, &shown(faults)),
        Some(status) => Response::json(status.code, &status.to_value()),
    })
}

fn shown(faults: &Faults) -> Value {
    let rules = faults.rules.iter().map(|Armed { rule, seen, hit }| json!({"rule": rule, "seen": seen, "hit": hit}));
    json!({"rules": rules.collect::<Value>(), "awayUntil": faults.away_until})
}
