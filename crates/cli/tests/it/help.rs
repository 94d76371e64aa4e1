//! Help of every command, and errors that need no server, as snapshots under `tests/cmd`.
//!
//! After an intended change: `TRYCMD=overwrite cargo test -p sternway-cli --test it help`, and look at what git says.

#[test]
fn help_and_errors_are_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    trycmd::TestCases::new()
        .env("ACCESS_KEY_ID", "testid")
        .env("ACCESS_KEY_SECRET", "testsecret")
        // Nobody listens on the lowest port of this machine.
        .env("STERNWAY_ENDPOINT", "http://127.0.0.1:1")
        .env("STERNWAY_DATA", nowhere.to_str().unwrap())
        .case("tests/cmd/*.trycmd");
}
