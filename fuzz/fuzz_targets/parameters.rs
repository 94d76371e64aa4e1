//! Every reader of a structured parameter, with any value: an answer or an error that a client can read, and what is JSON is read as
//! JSON reads it.
//!
//! Input: the parameter's name on a line, then its value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sternway_wire::GatewayError;
use sternway_wire::parameters::{
    Given, Parameters, command, containers, environment, metadata, names, probes, resources, scheduling, structure,
    volumes,
};

type Reader = fn(&Parameters) -> Result<(), GatewayError>;

const READERS: &[Reader] = &[
    |p| command::command(p).map(drop),
    |p| command::arguments(p, "Args").map(drop),
    |p| command::arguments(p, "CommandArgs").map(drop),
    |p| containers::containers(p, "InitContainers").map(drop),
    |p| containers::containers(p, "Sidecars").map(drop),
    |p| containers::security_context(p).map(drop),
    |p| environment::variables(p).map(drop),
    |p| environment::sources(p).map(drop),
    |p| metadata::labels(p).map(drop),
    |p| metadata::annotations(p).map(drop),
    |p| names::application_name(p).map(drop),
    |p| names::namespace(p).map(drop),
    |p| names::package_type(p).map(drop),
    |p| names::image(p, "Image").map(drop),
    |p| names::image(p, "ImageUrl").map(drop),
    |p| names::image_tag(p).map(drop),
    |p| probes::probe(p, "Liveness").map(drop),
    |p| probes::probe(p, "Readiness").map(drop),
    |p| probes::probe(p, "Startup").map(drop),
    |p| probes::hook(p, "PreStop").map(drop),
    |p| probes::hook(p, "PostStart").map(drop),
    |p| resources::of_insert(p).map(drop),
    |p| resources::of_deploy(p).map(drop),
    |p| resources::of_configuration(p).map(drop),
    |p| scheduling::tolerations(p).map(drop),
    |p| scheduling::affinity(p).map(drop),
    |p| scheduling::spread(p).map(drop),
    |p| volumes::local(p).map(drop),
    |p| volumes::empty_dirs(p).map(drop),
    |p| volumes::config(p).map(drop),
    |p| volumes::claims(p).map(drop),
    |p| volumes::custom(p).map(drop),
];

fuzz_target!(|data: &[u8]| {
    let Some((name, value)) = std::str::from_utf8(data).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let Ok(parameters) = Parameters::from_pairs(vec![(name.to_owned(), value.to_owned())]) else {
        return;
    };
    for read in READERS {
        if let Err(error) = read(&parameters) {
            readable(&error);
        }
    }
    if let Err(error) = structure::yaml(&parameters, name) {
        readable(&error);
    }
    match (parameters.json(name), serde_json::from_str::<Value>(value)) {
        (Ok(read), Ok(value)) => assert_eq!(read, structure::emptiness(value)),
        (Ok(Given::Value(_) | Given::Cleared | Given::Absent), Err(_)) => {}
        (Err(error), Err(_)) => readable(&error),
        (Err(error), Ok(_)) => panic!("JSON is refused: {error}"),
    }
});

/// A 400 that says something, and not at any length.
fn readable(error: &GatewayError) {
    assert_eq!(error.http_status, 400);
    assert!((10..4000).contains(&error.message.len()), "{}", error.message);
}
