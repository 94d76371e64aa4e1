//! The socket: limits, paths, probes, metrics, TLS and the end.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sternway_core::ids::VersionNumber;
use sternway_core::ports::Store as _;
use sternway_server::{Config, Listener, ServeError, Tls, TlsFiles, served_operations};
use sternway_wire::catalog::Catalog;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::fake_clusters::Mood;
use crate::world::{CLUSTER, KEY, World, now};

#[tokio::test]
async fn every_operation_of_the_catalog_is_answered_under_its_own_name() {
    let world = World::new().await;
    let served = served_operations();
    for operation in Catalog::operations() {
        let reply = world.call(operation.name, &[]).await;
        if served.contains(&operation.name) {
            assert_ne!(reply.status, 501, "{}", operation.name);
            assert!(reply.json()["RequestId"].is_string());
        } else {
            let message = reply.gateway(501, "NotImplemented");
            assert!(message.starts_with(operation.name), "{message}");
        }
    }
}

#[tokio::test]
async fn what_is_no_operation_is_not_found() {
    let world = World::new().await;
    for path in ["/", "/pop/v5/nothing", "/pop/v5/k8s/acs/k8s_apps"] {
        let message = world.get(path).await.gateway(404, "InvalidApi.NotFound");
        assert!(message.contains(path), "{message}");
    }
}

#[tokio::test]
async fn an_unimplemented_operation_is_told_only_to_those_who_are_let_in() {
    let world = World::new().await;
    let operation = Catalog::by_name("CreateK8sService").unwrap();
    let request = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        operation.method, operation.path, world.host
    );
    world.send_bytes(request.as_bytes()).await.gateway(400, "IncompleteSignature");
}

#[tokio::test]
async fn a_query_of_sixty_kilobytes_is_read() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let value = "v".repeat(60_000);
    let envs = format!(r#"[{{"name":"A","value":"{value}"}}]"#);
    let parameters = [("AppId", app.as_str()), ("Envs", envs.as_str())];
    let order = world.call("DeployK8sApplication", &parameters).await.order_id();
    let brings = world.order(order).await.brings();
    assert_eq!(brings, Some(VersionNumber(2)));
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let world = World::with(Config { body_limit: 1000, ..Config::default() }).await;
    let before = world.everything().await;
    let uri = "x".repeat(70_000);
    assert_eq!(world.get(&format!("/pop/v5/k8s/acs/k8s_apps?A={uri}")).await.status, 414);
    let (method, mut call) =
        world.signed("InsertOrUpdateRegion", &[], |call| call.sign_acs3(KEY, now(), &world.nonce()));
    call.body = vec![b'a'; 1001];
    let message = world.send(method, &call).await.gateway(413, "RequestEntityTooLarge");
    assert!(message.contains("1000 bytes"), "{message}");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_answered_in_time() {
    let world = World::with(Config { request_timeout: Duration::from_millis(50), ..Config::default() }).await;
    world.clusters.set_mood(Mood::Hanging);
    let cluster = CLUSTER.to_string();
    let reply = world.call("ListK8sNamespaces", &[("ClusterId", &cluster)]).await;
    let message = reply.gateway(503, "ServiceUnavailable");
    assert!(message.contains("look before asking again"), "{message}");
}

#[tokio::test]
async fn who_sends_too_slowly_is_not_waited_for() {
    let world = World::with(Config { header_timeout: Duration::from_millis(50), ..Config::default() }).await;
    let mut half = TcpStream::connect(&world.host).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").await.unwrap();
    let mut answer = Vec::new();
    // It ends because the server hangs up.
    half.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));

    let world = World::with(Config { request_timeout: Duration::from_millis(50), ..Config::default() }).await;
    let operation = Catalog::by_name("ImportK8sCluster").unwrap();
    let head = format!("POST {} HTTP/1.1\r\nhost: {}\r\ncontent-length: 10\r\n\r\nhalf", operation.path, world.host);
    world.send_bytes(head.as_bytes()).await.gateway(503, "ServiceUnavailable");
}

#[tokio::test]
async fn a_panic_is_an_error_of_one_request() {
    let world = World::new().await;
    world.clusters.set_mood(Mood::Panicking);
    let cluster = CLUSTER.to_string();
    let parameters = [("ClusterId", cluster.as_str())];
    let message = world.call("ListK8sNamespaces", &parameters).await.gateway(500, "InternalError");
    assert!(!message.contains("adapter"), "causes stay inside: {message}");
    world.clusters.set_mood(Mood::Well);
    world.call("ListK8sNamespaces", &parameters).await.success();
}

#[tokio::test]
async fn more_than_can_be_carried_out_is_throttled() {
    let world = World::with(Config { operations: 1, ..Config::default() }).await;
    world.clusters.set_mood(Mood::Hanging);
    let cluster = CLUSTER.to_string();
    let parameters = [("ClusterId", cluster.as_str())];
    let (first, ()) = tokio::join!(world.call("ListK8sNamespaces", &parameters), async {
        world.clusters.hanging().await;
        world.call("ListUserDefineRegion", &[]).await.gateway(429, "Throttling");
        world.clusters.set_mood(Mood::Well);
    });
    first.success();
}

#[tokio::test]
async fn answers_carry_their_ids_and_their_type() {
    let world = World::new().await;
    let reply = world.call("ListCluster", &[]).await;
    assert!(reply.head.contains("content-type: application/json;charset=utf-8"));
    let id = reply.success()["RequestId"].as_str().unwrap().to_ascii_lowercase();
    assert!(reply.head.contains(&format!("x-acs-request-id: {id}")));
    assert!(reply.head.contains("x-acs-trace-id: "));
}

#[tokio::test]
async fn probes_need_no_signature_and_readiness_follows_the_store() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").await.status, 200);
    assert_eq!(world.get("/readyz").await.status, 200);
    world.store.close().await;
    assert_eq!(world.get("/healthz").await.status, 200);
    assert_eq!(world.get("/readyz").await.status, 503);
    let reply = world.call("ListCluster", &[]).await;
    let message = reply.gateway(500, "InternalError");
    assert!(message.contains("trace id"), "{message}");
}

#[tokio::test]
async fn metrics_count_requests_orders_and_forgeries() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let parameters = [("AppId", app.as_str()), ("Image", "a:2")];
    world.call("DeployK8sApplication", &parameters).await.success();
    let mut wrong = KEY;
    wrong.secret = "another";
    let forged = world.sign("ListCluster", &[], |call| call.sign_acs3(wrong, now(), &world.nonce()));
    forged.await.gateway(400, "SignatureDoesNotMatch");
    let text = world.get("/metrics").await.body;
    for line in [
        r#"sternway_requests_total{action="DeployK8sApplication",code="200"} 1"#,
        r#"sternway_requests_total{action="ListCluster",code="SignatureDoesNotMatch"} 1"#,
        r#"sternway_active_change_orders{kind="CoDeploy"} 1"#,
        r#"sternway_authentication_failures_total{reason="SignatureDoesNotMatch"} 1"#,
        r#"sternway_request_duration_seconds_count{action="DeployK8sApplication"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_in_flight_and_takes_no_more() {
    let world = World::new().await;
    world.clusters.set_mood(Mood::Hanging);
    let cluster = CLUSTER.to_string();
    let parameters = [("ClusterId", cluster.as_str())];
    let (reply, ()) = tokio::join!(world.call("ListK8sNamespaces", &parameters), async {
        world.clusters.hanging().await;
        world.cancel.cancel();
        // Nobody is accepted any more once the listener is gone; what is in flight is still there.
        while TcpStream::connect(&world.host).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(world.is_serving());
        world.clusters.set_mood(Mood::Well);
    });
    assert_eq!(reply.success()["Data"][0]["Namespace"], "default");
    world.served().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let world = World::with(Config { drain_timeout: Duration::from_millis(50), ..Config::default() }).await;
    let app = world.app("web", 2).await.to_string();
    world.clusters.set_mood(Mood::Hanging);
    let parameters = [("AppId", app.as_str()), ("Replicas", "3")];
    let before = world.everything().await;
    let (reply, outcome) = tokio::join!(world.call("ScaleK8sApplication", &parameters), async {
        world.clusters.hanging().await;
        world.cancel.cancel();
        world.served().await
    });
    assert!(matches!(outcome, Err(ServeError::CutOff)), "{outcome:?}");
    let message = reply.gateway(503, "ServiceUnavailable");
    assert!(message.contains("shutting down"), "{message}");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn an_operation_is_carried_out_even_if_the_client_hangs_up() {
    let world = World::new().await;
    let app = world.app("web", 2).await;
    world.clusters.set_mood(Mood::Hanging);
    let id = app.to_string();
    {
        let parameters = [("AppId", id.as_str()), ("Replicas", "3")];
        let call = world.call("ScaleK8sApplication", &parameters);
        tokio::pin!(call);
        tokio::select! {
            reply = &mut call => panic!("it should hang: {reply:?}"),
            () = world.clusters.hanging() => {}
        }
    }
    world.clusters.set_mood(Mood::Well);
    world.cancel.cancel();
    world.served().await.unwrap();
    assert!(world.store.active_order_of(app).await.unwrap().is_some());
}

/// Files of a certificate that is its own authority.
struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn files(&self) -> TlsFiles {
        let path = |name| self.directory.path().join(name);
        TlsFiles { certificate: path("cert.pem"), key: path("key.pem"), client_authorities: None }
    }

    /// Writes a new certificate with its key; answers with both.
    fn write(&self) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let TlsFiles { certificate, key, .. } = self.files();
        std::fs::write(certificate, made.cert.pem()).unwrap();
        std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
        made
    }
}

/// The answer to a client that trusts this certificate, and shows that one.
async fn healthy(
    host: &str,
    trusted: &rcgen::CertifiedKey<rcgen::KeyPair>,
    shown: Option<&rcgen::CertifiedKey<rcgen::KeyPair>>,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let client = match shown {
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_slice(shown.signing_key.serialize_pem().as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![shown.cert.der().clone()], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let socket = TcpStream::connect(host).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, socket).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn is_well(answer: std::io::Result<String>) {
    let answer = answer.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn https_is_served_with_the_certificate_of_the_moment() {
    let certificates = Certificates::new();
    let first = certificates.write();
    let tls = Tls::load(certificates.files()).unwrap();
    let serving = Arc::clone(&tls);
    let world = World::listening(Config::default(), |socket| Listener::Https(socket, serving)).await;
    is_well(healthy(&world.host, &first, None).await);
    assert!(!tls.reload().unwrap(), "nothing has changed");

    // Half of a change cannot be used, is told once, and replaces nothing.
    let second = certificates.write();
    std::fs::write(certificates.files().key, first.signing_key.serialize_pem()).unwrap();
    tls.reload().unwrap_err();
    assert!(!tls.reload().unwrap());
    is_well(healthy(&world.host, &first, None).await);
    std::fs::write(certificates.files().certificate, "no certificate").unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("cert.pem"), "{error}");
    is_well(healthy(&world.host, &first, None).await);

    std::fs::write(certificates.files().certificate, second.cert.pem()).unwrap();
    std::fs::write(certificates.files().key, second.signing_key.serialize_pem()).unwrap();
    assert!(tls.reload().unwrap());
    is_well(healthy(&world.host, &second, None).await);
    healthy(&world.host, &first, None).await.unwrap_err();
}

#[tokio::test]
async fn clients_without_a_certificate_are_not_let_in_where_one_is_asked_for() {
    let (certificates, authorities) = (Certificates::new(), Certificates::new());
    let (server, client) = (certificates.write(), authorities.write());
    let files = TlsFiles { client_authorities: Some(authorities.files().certificate), ..certificates.files() };
    let tls = Tls::load(files).unwrap();
    let world = World::listening(Config::default(), |socket| Listener::Https(socket, tls)).await;
    is_well(healthy(&world.host, &server, Some(&client)).await);
    healthy(&world.host, &server, None).await.unwrap_err();
    healthy(&world.host, &server, Some(&server)).await.unwrap_err();
}

#[test]
fn a_certificate_that_is_none_is_named() {
    let certificates = Certificates::new();
    certificates.write();
    let files = certificates.files();
    std::fs::write(&files.certificate, "").unwrap();
    let error = Tls::load(files.clone()).unwrap_err().to_string();
    assert!(error.contains("cert.pem"), "{error}");
    std::fs::remove_file(&files.key).unwrap();
    let error = Tls::load(files).unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
}
