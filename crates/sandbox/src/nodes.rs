//! The simulated nodes: a scheduler that places pods, and a kubelet that runs them without running anything.
//!
//! ```text
//!   pod ─► scheduler ─► bound to a node ─► kubelet: each container creating ─► running ─► ready
//!              │                                 │            │   ▲          └─► crash ─► back-off ─► running ...
//!              └─ no room: Pending               └─ deleted:  stop, then gone └─ cannot be pulled: back-off, retry
//! ```
//!
//! Which way a container goes is chosen by words in its image tag or an annotation, see [`behaviour`]. A node stops
//! when its object is deleted, and for as long as it carries the annotation `sandbox.sternway.io/lost`.
//!
//! The kubelet keeps the timeline of each container in memory and writes a pod's status only when it gets somewhere
//! on it. What others write to the status in between stays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

pub mod behaviour;
pub(crate) mod health;
pub(crate) mod kubelet;
pub(crate) mod logs;
pub(crate) mod scheduler;

/// What the nodes remember.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    /// The pods that a kubelet runs, by uid.
    pub(crate) running: BTreeMap<String, kubelet::Run>,
    /// Their uids by namespace and name, to find those whose object is gone.
    pub(crate) uids: BTreeMap<crate::controllers::agenda::Name, String>,
    /// Images that a node has pulled.
    pub(crate) images: BTreeSet<(String, String)>,
    /// Since when silent nodes have been so.
    pub(crate) lost_since: BTreeMap<String, Timestamp>,
    /// Since when deleted nodes with pods have been so.
    pub(crate) gone_since: BTreeMap<String, Timestamp>,
    addresses: BTreeMap<String, Addresses>,
    /// The numbers of the nodes, by name; they give addresses their second half.
    numbers: BTreeMap<String, u16>,
}

/// Addresses of the pods on one node.
#[derive(Debug, Default)]
struct Addresses {
    next: u8,
    used: BTreeSet<u8>,
}

/// Usable last bytes of an address: 1 is the bridge, 255 the broadcast address.
const FIRST_ADDRESS: u8 = 2;
const LAST_ADDRESS: u8 = 254;

impl Nodes {
    /// The address of a node.
    pub(crate) fn host_address(&mut self, node: &str) -> Ipv4Addr {
        let [high, low] = (self.number(node) + 2).to_be_bytes();
        Ipv4Addr::new(172, 18, high, low)
    }

    /// A free address for a pod on `node`. When all are taken, the oldest is used twice; scheduling prevents that.
    pub(crate) fn take_address(&mut self, node: &str) -> Ipv4Addr {
        let number = self.number(node);
        let addresses = self.addresses.entry(node.to_owned()).or_default();
        let mut byte = addresses.next.max(FIRST_ADDRESS);
        for _ in FIRST_ADDRESS..=LAST_ADDRESS {
            if !addresses.used.contains(&byte) {
                break;
            }
            byte = if byte == LAST_ADDRESS { FIRST_ADDRESS } else { byte + 1 };
        }
        addresses.used.insert(byte);
        addresses.next = if byte == LAST_ADDRESS { FIRST_ADDRESS } else { byte + 1 };
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(10, 244_u8.wrapping_add(high), low, byte)
    }

    /// Gives an address back.
    pub(crate) fn free_address(&mut self, node: &str, address: Ipv4Addr) {
        if let Some(addresses) = self.addresses.get_mut(node) {
            addresses.used.remove(&address.octets()[3]);
        }
    }

    fn number(&mut self, node: &str) -> u16 {
        let next = u16::try_from(self.numbers.len()).unwrap_or(u16::MAX);
        *self.numbers.entry(node.to_owned()).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unique_until_given_back() {
        let mut nodes = Nodes::default();
        let first = nodes.take_address("a");
        let second = nodes.take_address("a");
        assert_eq!((first.to_string(), second.to_string()), ("10.244.0.2".to_owned(), "10.244.0.3".to_owned()));
        assert_eq!(nodes.take_address("b").to_string(), "10.244.1.2");
        nodes.free_address("a", first);
        let rest: BTreeSet<_> = (0..252).map(|_| nodes.take_address("a")).collect();
        assert_eq!(rest.len(), 252);
        assert!(rest.contains(&first) && !rest.contains(&second));
    }
}
