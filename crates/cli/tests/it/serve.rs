//! `sternway serve`: HTTPS, the file of settings, and logs for collectors.

use std::fs;

use serde_json::Value;

use crate::process::{Service, Verbs};

#[test]
fn settings_from_a_file_give_https_beside_http() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let settings = format!(
        "listen = '127.0.0.1:0'\nlisten-tls = '127.0.0.1:0'\ntls-cert = '{}'\ntls-key = '{}'\ndata = '{}'\n",
        path("cert.pem"),
        path("key.pem"),
        path("data"),
    );
    fs::write(path("sternway.toml"), settings).unwrap();

    let mut server = Service::start(&["serve", "--config", &path("sternway.toml")]);
    let data = folder.path().join("data");
    let mut verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    assert!(verbs.endpoint.starts_with("http://"));
    verbs.run("cluster list").ended(0);
    verbs.endpoint = server.after("listening on ");
    assert!(verbs.endpoint.starts_with("https://"));
    verbs.run(&format!("cluster list --ca-cert {}", path("cert.pem"))).ended(0);
    verbs.run("cluster list").ended(1);
    assert!(server.terminate().success());
}

#[test]
fn a_collector_of_json_meets_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let mut server =
        Service::start(&["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", data, "--log-format", "json"]);
    server.after("listening on ");
    let lines = server.terminate_and_read();
    assert!(lines.len() >= 4, "{lines:?}");
    for line in &lines {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["message"].is_string(), "{line}");
    }
}
