//! Certificate, key and the authorities of clients for HTTPS: read, and read again when their files change.
//!
//! Each connection takes what is current when it begins. What cannot be used replaces nothing: the server goes on with what it has.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is no PEM file, or not readable.
    #[error("{path} cannot be read as PEM")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// A PEM file without a certificate.
    #[error("{0} holds no certificate")]
    NoCertificate(PathBuf),
    /// Certificate and key do not fit, or are of an unknown kind.
    #[error("certificate and key cannot be used together")]
    Unusable(#[from] rustls::Error),
    /// The authorities of clients.
    #[error("{path} holds no authorities that clients' certificates can be checked with")]
    Authorities {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: VerifierBuilderError,
    },
}

/// The files of PEM that HTTPS is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities that a client's certificate must be of; `None`: clients need none.
    pub client_authorities: Option<PathBuf>,
}

/// HTTPS as it is at present.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
    /// What the files held when they were last looked at, whether it could be used or not.
    seen: Mutex<Contents>,
}

#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_authorities: Option<Vec<u8>>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Contents(…)")
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let contents = read(&files)?;
        let current = ArcSwap::from(config(&files, &contents)?);
        Ok(Arc::new(Self { files, current, seen: Mutex::new(contents) }))
    }

    /// Reads the files again. True if they have changed and are used from now on; connections that are open keep what they began with.
    ///
    /// # Errors
    /// [`TlsError`], once for each change that cannot be used; what was used before is used on.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let contents = read(&self.files)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == contents {
            return Ok(false);
        }
        let config = config(&self.files, &contents);
        *seen = contents;
        self.current.store(config?);
        Ok(true)
    }

    /// What a new connection takes.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }
}

fn read(files: &TlsFiles) -> Result<Contents, TlsError> {
    let read = |path: &Path| {
        let unreadable = |source| TlsError::Read { path: path.to_owned(), source: pem::Error::Io(source) };
        std::fs::read(path).map_err(unreadable)
    };
    Ok(Contents {
        certificate: read(&files.certificate)?,
        key: read(&files.key)?,
        client_authorities: files.client_authorities.as_deref().map(read).transpose()?,
    })
}

/// Only HTTP/1.1 is offered: it is all that the EDAS SDKs speak.
fn config(files: &TlsFiles, contents: &Contents) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&files.certificate, &contents.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&contents.key)
        .map_err(|source| TlsError::Read { path: files.key.clone(), source })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match (&files.client_authorities, &contents.client_authorities) {
        (Some(path), Some(pem)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, pem)? {
                roots.add(certificate)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.build().map_err(|source| TlsError::Authorities { path: path.clone(), source })?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(chain)
}
