//! The shortest list of steps that still breaks the same promise: steps are taken out, many at once first, one by one at last.

use crate::script::Script;
use crate::world::{Options, run};

/// Takes steps out of a failing script as long as the run of `seed` still breaks the promise that it broke.
pub fn shrink(seed: u64, script: &Script, options: Options) -> Script {
    let options = Options { record: false, ..options };
    let Some(promise) = run(seed, script, options).violation.map(|violation| violation.promise) else {
        return script.clone();
    };
    let fails =
        |script: &Script| run(seed, script, options).violation.is_some_and(|violation| violation.promise == promise);
    let mut best = script.clone();
    let mut size = best.steps.len().div_ceil(2).max(1);
    loop {
        let mut shorter = false;
        let mut from = 0;
        while from < best.steps.len() {
            let mut candidate = best.clone();
            let to = (from + size).min(candidate.steps.len());
            candidate.steps.drain(from..to);
            if fails(&candidate) {
                best = candidate;
                shorter = true;
            } else {
                from = to;
            }
        }
        if size == 1 && !shorter {
            return best;
        }
        size = if shorter { size } else { size.div_ceil(2) };
        if size > 1 && best.steps.len() < size {
            size = best.steps.len().max(1);
        }
    }
}
