//! `UpdateStrategy`: what is understood has the documented bounds, and is understood again from its own text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sternway_wire::parameters::Parameters;
use sternway_wire::parameters::update_strategy::{UpdateKind, UpdateStrategy};

fuzz_target!(|text: &str| {
    let read = |text: &str| {
        let parameters = Parameters::from_pairs(vec![("UpdateStrategy".to_owned(), text.to_owned())])?;
        UpdateStrategy::read(&parameters)
    };
    match read(text) {
        Ok(Some(strategy)) => {
            assert!((1..=100).contains(&strategy.batch));
            assert_eq!(strategy.gray.is_some(), strategy.kind == UpdateKind::GrayBatchUpdate);
            assert_eq!(strategy.batch_count(), strategy.batch + u32::from(strategy.gray.is_some()));
            assert_eq!(read(&strategy.to_json()), Ok(Some(strategy)));
        }
        Ok(None) => {}
        Err(error) => assert!(error.http_status == 400 && error.message.contains("UpdateStrategy"), "{error}"),
    }
});
