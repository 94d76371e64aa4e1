//! Certificates: a proxy that ends TLS in front of a sandbox, and asks clients for theirs.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use sternway_cluster::{KubeClusters, Options};
use sternway_core::application::WorkloadRef;
use sternway_core::ids::ClusterId;
use sternway_core::observation::Observation;
use sternway_core::ports::{ClusterAccess, ClusterError, Clusters as _, Secret};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::harness::Server;

/// An authority and what it signs.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate, key }
    }
}

/// Takes TLS off and passes on, until cancelled.
async fn end_tls(listener: TcpListener, tls: TlsAcceptor, to: SocketAddr, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(Ok((plain, _))) = cancel.run_until_cancelled(listener.accept()).await {
        let (tls, cancel) = (tls.clone(), cancel.clone());
        connections.spawn(async move {
            let pass = async {
                let mut outside = tls.accept(plain).await?;
                let mut inside = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            };
            // How a connection ends is up to the client.
            cancel.run_until_cancelled(pass).await.map(Result::ok)
        });
    }
    connections.close();
    connections.wait().await;
}

fn acceptor(authority: &Authority, server: &Identity) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::Pkcs8(server.key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![server.certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn kubeconfig(address: SocketAddr, authority: &Authority, client: &Identity) -> ClusterAccess {
    let data = |pem: String| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    ClusterAccess::Kubeconfig(Secret::new(format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://localhost:{}', certificate-authority-data: {}}}}}]\n\
         users: [{{name: u, user: {{client-certificate-data: {}, client-key-data: {}}}}}]\n",
        address.port(),
        data(authority.certificate.pem()),
        data(client.certificate.pem()),
        data(client.key.serialize_pem()),
    )))
}

#[tokio::test]
async fn certificates_are_shown_and_checked() {
    let server = Server::start().await;
    let (ours, theirs) = (Authority::new(), Authority::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
    let tls = acceptor(&ours, &ours.sign("localhost"));
    tasks.spawn(end_tls(listener, tls, server.address, cancel.clone()));

    let clusters = KubeClusters::new(Options::default());
    let workload = WorkloadRef {
        cluster: ClusterId::new(Uuid::new_v4()),
        namespace: "default".to_owned(),
        name: "web".to_owned(),
    };
    let wrong = [
        ("another authority", kubeconfig(address, &theirs, &ours.sign("sternway"))),
        ("another client", kubeconfig(address, &ours, &theirs.sign("sternway"))),
    ];
    for (what, access) in wrong {
        let refused = clusters.connect(workload.cluster, &access).await;
        assert!(matches!(refused, Err(ClusterError::Unreachable { .. })), "{what}: {refused:?}");
    }
    let right = kubeconfig(address, &ours, &ours.sign("sternway"));
    let info = clusters.connect(workload.cluster, &right).await.unwrap();
    assert_eq!(info.nodes, 3);
    // Watches go the same way.
    while clusters.observe(&workload).await.is_err() {
        clusters.changed(&workload).await;
    }
    assert_eq!(clusters.observe(&workload).await.unwrap(), Observation::Gone { pods: vec![] });
    clusters.shutdown().await;
    cancel.cancel();
    tasks.close();
    tasks.wait().await;
    server.stop().await;
}
