//! Which addresses packages are fetched from. A URL is a client's word: it must not become a way to what only this machine can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::PackageError;

/// How far a fetch may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Also this machine itself: for a repository that runs beside the server, and for tests.
    pub loopback: bool,
}

/// Addresses at which clouds tell a machine its secrets, beside the link-local ones.
const METADATA: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254))];

impl Reach {
    /// What is wrong with an address, if something is. Private networks are not: that is where a company's packages are.
    fn refuses(self, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        let nobody = match address {
            IpAddr::V4(address) => address.is_broadcast() || address.octets()[0] == 0,
            IpAddr::V6(_) => false,
        };
        if link_local || METADATA.contains(&address) {
            return Some("link-local or a cloud's metadata service");
        }
        if nobody || address.is_unspecified() || address.is_multicast() {
            return Some("no single machine's");
        }
        (address.is_loopback() && !self.loopback).then_some("this machine's own (the server has to allow it)")
    }

    /// Checks an address that a URL names outright; names are checked when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), PackageError> {
        let is_web = matches!(url.scheme(), "http" | "https");
        let host = url.host_str().filter(|_| is_web);
        let host = host.ok_or_else(|| PackageError::NotAUrl(shown(url)))?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        match literal.ok().and_then(|address| self.refuses(address).map(|kind| (address, kind))) {
            Some((address, kind)) => Err(PackageError::Forbidden { host: host.to_owned(), address, kind }),
            None => Ok(()),
        }
    }
}

/// A URL without what may be secret in it: user, password, query.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // A URL that cannot have them has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Resolves names to addresses that may be reached. The connection is made to exactly these, so that a name that changes its
/// answer in between gains nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded(pub(crate) Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|found| reach.refuses(found.ip()).map(|kind| (found.ip(), kind)));
            if let Some((address, kind)) = refused {
                let refusal = PackageError::Forbidden { host, address, kind };
                return Err(Box::new(refusal) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Guarded {
    pub(crate) fn shared(reach: Reach) -> Arc<Self> {
        Arc::new(Self(reach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_this_machine_reaches_is_refused() {
        let strict = Reach::default();
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://100.100.100.200/latest/meta-data",
            "http://[fe80::1]/a.jar",
            "http://[fd00:ec2::254]/a.jar",
            "http://[::ffff:169.254.169.254]/a.jar",
            "http://0.0.0.0/a.jar",
            "http://[::]/a.jar",
            "http://127.0.0.1/a.jar",
            "http://2130706433/a.jar",
            "http://0x7f.1/a.jar",
            "http://[::1]/a.jar",
            "http://255.255.255.255/a.jar",
            "http://224.0.0.1/a.jar",
        ] {
            let refused = strict.check(&url.parse().unwrap());
            assert!(matches!(refused, Err(PackageError::Forbidden { .. })), "{url}: {refused:?}");
        }
        for url in ["file:///etc/passwd", "ftp://ci/a.jar", "data:text/plain,a"] {
            assert!(matches!(strict.check(&url.parse().unwrap()), Err(PackageError::NotAUrl(_))), "{url}");
        }
        for url in ["http://10.1.2.3/a.jar", "https://ci.example/a.jar", "http://[2001:db8::1]/a.jar"] {
            strict.check(&url.parse().unwrap()).unwrap();
        }
        Reach { loopback: true }.check(&"http://127.0.0.1/a.jar".parse().unwrap()).unwrap();
    }

    #[test]
    fn what_is_shown_has_no_secrets() {
        let url = "https://ci:pass@host/a/b.jar?Signature=s#f".parse().unwrap();
        assert_eq!(shown(&url), "https://host/a/b.jar");
    }
}
