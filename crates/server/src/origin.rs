//! Where a request came from.
//!
//! The connection says who is at its other end: the client, or a proxy before us. A proxy appends to `X-Forwarded-For` from whom it got the request; what
//! stands before that was there already, and anybody can send such a header. So the header is read from its end, and each address in it is believed only
//! as long as the one who wrote it is a proxy that the operator trusts:
//!
//! ```text
//!   X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.0.0.2        the connection: 10.0.0.1
//!                    (claimed)  the client   trusted  ◄───── trusted
//! ```

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use sternway_access::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The client, or the last proxy before us that is not trusted. An IPv4 address is never dressed as IPv6.
    pub(crate) address: IpAddr,
    /// Whether the connection to us is TLS. What a proxy says about the connection to it is not believed.
    pub(crate) secure: bool,
}

impl Origin {
    /// The origin of a request that came on this connection, if these proxies are trusted.
    pub(crate) fn behind(self, proxies: &[Network], headers: &HeaderMap) -> Self {
        let is_trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
        let mut address = self.address;
        let mut hops = headers
            .get_all(FORWARDED_FOR)
            .into_iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .collect::<Vec<_>>();
        while is_trusted(address) {
            // What a trusted proxy wrote and nobody can read is as good as nothing: then the proxy is all that is known.
            let Some(next) = hops.pop().and_then(read) else { break };
            address = next;
        }
        Self { address, ..self }
    }
}

/// An address, which some proxies write with a port.
fn read(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The origin of a request from `connection` with these headers, where 10.0.0.0/8 and fd00::/8 are trusted.
    fn origin(connection: &str, forwarded: &[&[u8]]) -> String {
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, axum::http::HeaderValue::from_bytes(value).unwrap());
        }
        let connection = Origin { address: connection.parse().unwrap(), secure: false };
        connection.behind(&proxies, &headers).address.to_string()
    }

    #[test]
    fn what_a_trusted_proxy_says_is_believed_up_to_the_first_stranger() {
        for (forwarded, expected) in [
            (&[][..], "10.0.0.1"),
            (&[&b"203.0.113.9"[..]], "203.0.113.9"),
            (&[b"1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            (&[b"1.2.3.4,203.0.113.9 , 10.0.0.2"], "203.0.113.9"),
            (&[b"1.2.3.4, 203.0.113.9", b"10.0.0.3, 10.0.0.2"], "203.0.113.9"),
            (&[b"10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            (&[b"203.0.113.9:4711"], "203.0.113.9"),
            (&[b"[2001:db8::1]:4711"], "2001:db8::1"),
            (&[b"[2001:db8::1]"], "2001:db8::1"),
            (&[b"2001:db8::1, fd00::1"], "2001:db8::1"),
            (&[b"::ffff:203.0.113.9"], "203.0.113.9"),
        ] {
            assert_eq!(origin("10.0.0.1", forwarded), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_leads_no_further() {
        for forwarded in [&b""[..], b"unknown", b"1.2.3.4, ", b"1.2.3.4, \xff", b"1.2.3.4, 10.0.0", b"1.2.3.4, _hidden"]
        {
            assert_eq!(origin("10.0.0.1", &[forwarded]), "10.0.0.1", "{}", forwarded.escape_ascii());
        }
        assert_eq!(origin("10.0.0.1", &[b"1.2.3.4, ?, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn nobody_else_is_believed() {
        for connection in ["203.0.113.9", "2001:db8::1"] {
            assert_eq!(origin(connection, &[b"10.0.0.7"]), connection);
        }
        let nobody = Origin { address: "10.0.0.1".parse().unwrap(), secure: true };
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, axum::http::HeaderValue::from_static("1.2.3.4"));
        assert_eq!(nobody.behind(&[], &headers), nobody);
    }
}
