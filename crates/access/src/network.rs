//! Ranges of addresses.

use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Of IPv4.
    V4 {
        /// The bits that are the same; the others are 0.
        bits: u32,
        /// Which these are.
        mask: u32,
    },
    /// Of IPv6.
    V6 {
        /// The bits that are the same; the others are 0.
        bits: u128,
        /// Which these are.
        mask: u128,
    },
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// It is something else.
    #[error("an address or a network such as 10.0.0.0/8 is expected")]
    Unreadable,
    /// `::ffff:10.0.0.1`: requests from there are requests from 10.0.0.1.
    #[error("write an IPv4 address as such, not within IPv6")]
    Disguised,
}

impl Network {
    /// Whether the address is one of them.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { bits, mask }, IpAddr::V4(address)) => address.to_bits() & mask == bits,
            (Self::V6 { bits, mask }, IpAddr::V6(address)) => address.to_bits() & mask == bits,
            (Self::V4 { .. }, IpAddr::V6(_)) | (Self::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }
}

/// An address, or an address, `/` and how many bits of it count.
impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork::Unreadable)?;
        if address.to_canonical() != address {
            return Err(NotANetwork::Disguised);
        }
        let length: Option<u32> = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| NotANetwork::Unreadable)?)
            }
            Some(_) => return Err(NotANetwork::Unreadable),
            None => None,
        };
        match address {
            IpAddr::V4(address) => {
                let free = 32_u32.checked_sub(length.unwrap_or(32)).ok_or(NotANetwork::Unreadable)?;
                let mask = u32::MAX.checked_shl(free).unwrap_or(0);
                Ok(Self::V4 { bits: address.to_bits() & mask, mask })
            }
            IpAddr::V6(address) => {
                let free = 128_u32.checked_sub(length.unwrap_or(128)).ok_or(NotANetwork::Unreadable)?;
                let mask = u128::MAX.checked_shl(free).unwrap_or(0);
                Ok(Self::V6 { bits: address.to_bits() & mask, mask })
            }
        }
    }
}
