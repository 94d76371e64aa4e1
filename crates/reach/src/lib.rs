//! Which addresses this machine sends requests to because a client named them. A URL is a client's word: it must not become a way to what only this
//! machine can reach.
//!
//! ```text
//!  URL ──► Reach::check (schemes, addresses that it names outright)
//!   └────► Reach::resolver (names, as they are resolved for the very connection)
//! ```

use std::error::Error as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A URL that no request goes to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another scheme, or no host.
    #[error("nothing is sent to {0}: give a URL with http or https and a host")]
    NotAUrl(String),
    /// An address that is nobody's business.
    #[error("nothing is sent to {host}: its address {address} is {kind}")]
    Forbidden {
        /// The host, as named.
        host: String,
        /// What it resolved to.
        address: IpAddr,
        /// What is wrong with it.
        kind: &'static str,
    },
}

impl Refused {
    /// The resolver's refusal, out of a client's error.
    pub fn within(error: &reqwest::Error) -> Option<&Self> {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref() {
                return Some(refused);
            }
            cause = error.source();
        }
        None
    }
}

/// How far requests may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Also this machine itself: for what runs beside the server, and for tests.
    pub loopback: bool,
}

/// Addresses at which clouds tell a machine its secrets, beside the link-local ones: Alibaba Cloud's, Azure's, Amazon's, Google's and Oracle's.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

/// The address of IPv4 that one of IPv6 leads to: written within it, or by way of a translator (64:ff9b::/96).
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(translated) if translated.to_bits() >> 32 == 0x64_ff9b << 64 => {
            let [.., a, b, c, d] = translated.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => address.to_canonical(),
    }
}

impl Reach {
    /// What is wrong with an address, if something is. Private networks are not: that is where a company's own services are.
    fn refuses(self, address: IpAddr) -> Option<&'static str> {
        let address = plain(address);
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
    ///
    /// # Errors
    /// [`Refused`]
    pub fn check(self, url: &Url) -> Result<(), Refused> {
        let is_web = matches!(url.scheme(), "http" | "https");
        let host = url.host_str().filter(|_| is_web);
        let host = host.ok_or_else(|| Refused::NotAUrl(shown(url)))?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        match literal.ok().and_then(|address| self.refuses(address).map(|kind| (address, kind))) {
            Some((address, kind)) => Err(Refused::Forbidden { host: host.to_owned(), address, kind }),
            None => Ok(()),
        }
    }

    /// A resolver for a client that may reach so far, and that follows no redirects without asking and uses no proxy: a proxy would resolve names itself.
    pub fn resolver(self) -> Arc<impl Resolve + 'static> {
        Arc::new(Guarded(self))
    }
}

/// A URL without what may be secret in it: user, password, query.
pub fn shown(url: &Url) -> String {
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
struct Guarded(Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|found| reach.refuses(found.ip()).map(|kind| (found.ip(), kind)));
            if let Some((address, kind)) = refused {
                let refusal = Refused::Forbidden { host, address, kind };
                return Err(Box::new(refusal) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
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
            "http://[fd20:ce::254]/a.jar",
            "http://[fd00:c1::a9fe:a9fe]/a.jar",
            "http://[64:ff9b::169.254.169.254]/a.jar",
            "http://[64:ff9b::127.0.0.1]/a.jar",
            "http://168.63.129.16/a.jar",
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
            assert!(matches!(refused, Err(Refused::Forbidden { .. })), "{url}: {refused:?}");
        }
        for url in ["file:///etc/passwd", "ftp://ci/a.jar", "data:text/plain,a"] {
            assert!(matches!(strict.check(&url.parse().unwrap()), Err(Refused::NotAUrl(_))), "{url}");
        }
        for url in [
            "http://10.1.2.3/a.jar",
            "https://ci.example/a.jar",
            "http://[2001:db8::1]/a.jar",
            "http://[64:ff9b::8.8.8.8]/a.jar",
        ] {
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
