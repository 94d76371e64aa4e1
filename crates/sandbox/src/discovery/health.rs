//! `/healthz`, `/livez`, `/readyz`: plain text, one check at a time or all of them.

use crate::api::Response;

/// The checks there are: the process answers, and its store is in the process.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

pub(super) fn handle(endpoint: &str, rest: &[&str], query: &[(String, String)]) -> Option<Response> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let excluded: Vec<&str> =
        query.iter().filter(|(key, _)| key == "exclude").map(|(_, value)| value.as_str()).collect();
    match rest {
        [] if query.iter().any(|(key, _)| key == "verbose") => {
            let mut text = String::new();
            for check in CHECKS {
                let result = if excluded.contains(&check) { "excluded: ok" } else { "ok" };
                text.push_str(&format!("[+]{check} {result}\n"));
            }
            text.push_str(&format!("{endpoint} check passed\n"));
            Some(Response::new(200, TEXT, text))
        }
        [] => Some(Response::new(200, TEXT, "ok")),
        [check] if CHECKS.contains(check) => Some(Response::new(200, TEXT, "ok")),
        _ => None,
    }
}
