//! From stored credentials to a client.
//!
//! A kubeconfig is uploaded by somebody who may administer clusters, not the machine that Sternway runs on. So unless the
//! options say that kubeconfigs are trusted, one that would run a program (`exec`, `auth-provider`) or read a file of this
//! machine is refused: `tokenFile: /var/run/secrets/...` with a server of the uploader's choice would hand our own token out.

use std::sync::Once;
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Client, config};
use sternway_core::ports::{ClusterAccess, ClusterError, Secret};

use crate::failure::with_causes;

/// How clusters are reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// Kubeconfigs come from whoever runs this server: they may name programs to run and files to read.
    pub trusted_kubeconfigs: bool,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long any request but a watch may take.
    pub request_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trusted_kubeconfigs: false,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
        }
    }
}

/// A watch is ended by the server after this long and taken up again, so that a connection that died without a word is noticed.
pub(crate) const WATCH_SECONDS: u32 = 60;
/// Longer than a watch lives, with the margin that kube's watcher adds to it.
const READ_TIMEOUT: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 15);

/// Credentials that make no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// It does not parse, or its context names nothing.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[source] config::KubeconfigError),
    /// It would run a program or read a file here.
    #[error(
        "the kubeconfig uses `{0}`, which refers to a program or a file of the machine it was written on: put the certificate, the key or a token inline instead (`kubectl config view --raw --flatten` does so for files)"
    )]
    NotSelfContained(&'static str),
    /// This process runs in no pod, or in one without a service account.
    #[error("Sternway does not run in a pod with a service account")]
    NotInCluster(#[source] config::InClusterError),
    /// Certificates, keys or the proxy are no good.
    #[error("no client can be made of the credentials")]
    Client(#[source] Box<kube::Error>),
}

impl From<AccessError> for ClusterError {
    fn from(error: AccessError) -> Self {
        Self::Rejected(with_causes(&error))
    }
}

/// Makes a client. Sends nothing.
pub(crate) async fn client(access: &ClusterAccess, options: &Options) -> Result<Client, AccessError> {
    install_cryptography();
    let mut config = match access {
        ClusterAccess::Kubeconfig(text) => from_kubeconfig(text, options).await?,
        ClusterAccess::InCluster => Config::incluster().map_err(AccessError::NotInCluster)?,
    };
    config.connect_timeout = Some(options.connect_timeout);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(options.request_timeout);
    config.reset_reader_on_write = true;
    // Whoever waits decides when to try again; an answer that asks to come back later has to reach them.
    config.default_retry = false;
    let agent = HeaderValue::from_static(concat!("sternway/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    Client::try_from(config).map_err(|error| AccessError::Client(Box::new(error)))
}

async fn from_kubeconfig(text: &Secret, options: &Options) -> Result<Config, AccessError> {
    let kubeconfig = Kubeconfig::from_yaml(text.reveal()).map_err(AccessError::Kubeconfig)?;
    if !options.trusted_kubeconfigs {
        check_self_contained(&kubeconfig)?;
    }
    let names_a_proxy = kubeconfig
        .clusters
        .iter()
        .filter_map(|named| named.cluster.as_ref())
        .any(|cluster| cluster.proxy_url.is_some());
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(AccessError::Kubeconfig)?;
    // A proxy of this machine's environment is not meant for the cluster.
    if !names_a_proxy {
        config.proxy_url = None;
    }
    Ok(config)
}

fn check_self_contained(kubeconfig: &Kubeconfig) -> Result<(), AccessError> {
    let clusters = kubeconfig.clusters.iter().filter_map(|it| it.cluster.as_ref());
    let users = kubeconfig.auth_infos.iter().filter_map(|it| it.auth_info.as_ref());
    let of_clusters =
        clusters.map(|cluster| (cluster.certificate_authority.is_some()).then_some("certificate-authority"));
    let of_users = users.map(|user| {
        let outside = [
            ("exec", user.exec.is_some()),
            ("auth-provider", user.auth_provider.is_some()),
            ("tokenFile", user.token_file.is_some()),
            ("client-certificate", user.client_certificate.is_some()),
            ("client-key", user.client_key.is_some()),
        ];
        outside.into_iter().find_map(|(field, used)| used.then_some(field))
    });
    match of_clusters.chain(of_users).flatten().next() {
        Some(field) => Err(AccessError::NotSelfContained(field)),
        None => Ok(()),
    }
}

/// One provider for the whole process, whichever crate asks for TLS first.
fn install_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
            tracing::debug!("a cryptography provider was installed already");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(cluster: &str, user: &str) -> ClusterAccess {
        ClusterAccess::Kubeconfig(Secret::new(format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             contexts: [{{name: c, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'{cluster}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n"
        )))
    }

    async fn refusal(access: &ClusterAccess, options: &Options) -> Option<String> {
        client(access, options).await.err().map(|error| with_causes(&error))
    }

    #[tokio::test]
    async fn a_kubeconfig_that_stands_alone_makes_a_client() {
        let client = client(&kubeconfig("", "token: secret"), &Options::default()).await;
        assert_eq!(client.unwrap().default_namespace(), "shop");
    }

    #[tokio::test]
    async fn one_that_reaches_out_is_refused_unless_trusted() {
        let table = [
            ("", "exec: {command: get-token, apiVersion: client.authentication.k8s.io/v1}", "exec"),
            ("", "auth-provider: {name: gcp}", "auth-provider"),
            ("", "tokenFile: /var/run/secrets/token", "tokenFile"),
            ("", "client-certificate: /etc/c.pem", "client-certificate"),
            ("", "client-key: /etc/k.pem", "client-key"),
            (", certificate-authority: /etc/ca.pem", "token: secret", "certificate-authority"),
        ];
        for (cluster, user, field) in table {
            let access = kubeconfig(cluster, user);
            let refused = refusal(&access, &Options::default()).await;
            assert!(refused.as_ref().is_some_and(|text| text.contains(&format!("`{field}`"))), "{field}: {refused:?}");
        }
        let trusted = Options { trusted_kubeconfigs: true, ..Options::default() };
        let tokens = kubeconfig("", "tokenFile: /nowhere/token");
        let refused = refusal(&tokens, &trusted).await;
        assert!(!refused.is_some_and(|text| text.contains("`tokenFile`")), "a trusted one may name files");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_rejected_in_words() {
        let access = ClusterAccess::Kubeconfig(Secret::new("clusters: 3"));
        let error = ClusterError::from(client(&access, &Options::default()).await.err().unwrap());
        assert!(matches!(&error, ClusterError::Rejected(text) if text.contains("kubeconfig")), "{error}");
    }
}
