//! What is not compared, and why. Everything else is.

use serde_json::Value;

use super::compare::Difference;

/// Exchanges before which the controllers had acted in the recording, though no note says so.
const SETTLED: &[(&str, usize)] = &[];

/// Whether the controllers act before this exchange.
pub(crate) fn settles(vector: &str, exchange: usize) -> bool {
    SETTLED.contains(&(vector, exchange))
}

/// Whether the controllers act while this watch is still open, after the last exchange it saw.
pub(crate) fn settles_before_close(_vector: &str, _exchange: usize) -> bool {
    false
}

/// A difference that is allowed to be.
struct Tolerance {
    vector: &'static str,
    exchange: usize,
    /// The beginning of the place.
    place: &'static str,
    reason: &'static str,
}

const TOLERANCES: &[Tolerance] = &[];

/// The differences that no tolerance covers, and the tolerances that cover nothing, as texts.
pub(crate) fn apply(vector: &str, differences: Vec<Difference>) -> Vec<String> {
    let mut used = vec![false; TOLERANCES.len()];
    let mut left: Vec<String> = Vec::new();
    for difference in differences {
        let covering = TOLERANCES.iter().position(|tolerance| {
            (tolerance.vector, tolerance.exchange) == (vector, difference.exchange)
                && difference.place.starts_with(tolerance.place)
        });
        match covering {
            Some(index) => used[index] = true,
            None => left.push(format!(
                "  #{} {}: {}",
                difference.exchange, difference.place, difference.text
            )),
        }
    }
    for (tolerance, used) in TOLERANCES.iter().zip(used) {
        if tolerance.vector == vector && !used {
            left.push(format!(
                "  nothing needs the tolerance of {} ({})",
                tolerance.place, tolerance.reason
            ));
        }
    }
    left
}

/// The events of a watch as they are to be compared.
pub(crate) fn events(
    _vector: &str,
    _exchange: usize,
    expected: &Value,
    actual: &Value,
) -> (Value, Value) {
    (expected.clone(), actual.clone())
}
