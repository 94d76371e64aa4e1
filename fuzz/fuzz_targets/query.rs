//! Query strings and form bodies: decoding is total, encoding undoes it, flattened structures come together or are refused.
//!
//! Input: content type, query, body, each but the last a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sternway_wire::parameters::{LONGEST_VALUE, MOST_PARAMETERS, Parameters};
use sternway_wire::query;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let (Some(kind), Some(raw)) = (text(), text()) else {
        return;
    };
    let body = lines.next().unwrap_or_default();
    let pairs = query::pairs(raw);
    assert_eq!(query::pairs(&query::join(&pairs)), pairs);

    let parameters = match Parameters::parse(Some(raw), (!kind.is_empty()).then_some(kind), body) {
        Ok(parameters) => parameters,
        Err(error) => return assert_eq!((error.http_status, error.message.is_empty()), (400, false)),
    };
    assert!(parameters.iter().count() <= MOST_PARAMETERS);
    for (name, value) in parameters.iter() {
        assert!(value.len() <= LONGEST_VALUE);
        let _ = parameters.get(name);
        let _ = parameters.given(name);
        let _ = parameters.text(name, 3);
        let _ = parameters.required(name, "anything");
        let _ = parameters.boolean(name);
        let _ = parameters.json(name);
        if let Ok(Some(number)) = parameters.integer(name, -5..=5) {
            assert!((-5..=5).contains(&number));
        }
        let root = name.split('.').next().unwrap_or_default();
        let _ = parameters.flattened(root);
    }
});
