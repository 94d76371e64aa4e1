//! The conditions of a statement: under which circumstances it speaks.
//!
//! Three things can be asked about: `acs:SourceIp`, `acs:CurrentTime` and `acs:SecureTransport`. There is no second factor here, so that
//! `acs:MFAPresent` is refused rather than always false or always true.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;

use super::Malformed;
use super::node::Node;
use crate::network::{Network, NotANetwork};

/// What is known about a request beside who asks for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// When.
    pub now: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// Whether by TLS.
    pub secure: bool,
}

/// One condition. Several of a statement must all be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// The address is in one of the networks, or in none.
    Address { networks: Vec<Network>, inside: bool },
    /// The time compares like this with one of the moments.
    Time { comparison: Comparison, moments: Vec<Timestamp> },
    /// The request came by TLS, or not.
    Secure(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const SOURCE_IP: &str = "acs:SourceIp";
const CURRENT_TIME: &str = "acs:CurrentTime";
const SECURE_TRANSPORT: &str = "acs:SecureTransport";

impl Condition {
    /// The conditions in an object of operators, each an object of keys.
    pub(super) fn read(node: &Node<'_>) -> Result<Vec<Self>, Malformed> {
        let mut conditions = Vec::new();
        for (operator, keys) in node.entries()? {
            for (key, values) in keys.entries()? {
                conditions.push(Self::of(operator, key, &values)?);
            }
        }
        Ok(conditions)
    }

    fn of(operator: &str, key: &str, values: &Node<'_>) -> Result<Self, Malformed> {
        let comparison = match operator {
            "DateEquals" => Some(Comparison::Equal),
            "DateNotEquals" => Some(Comparison::NotEqual),
            "DateLessThan" => Some(Comparison::Less),
            "DateLessThanEquals" => Some(Comparison::LessOrEqual),
            "DateGreaterThan" => Some(Comparison::Greater),
            "DateGreaterThanEquals" => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        match (operator, comparison, key) {
            ("IpAddress" | "NotIpAddress", _, SOURCE_IP) => {
                let networks = values.one_or_more()?.iter().map(network).collect::<Result<_, _>>()?;
                Ok(Self::Address { networks, inside: operator == "IpAddress" })
            }
            (_, Some(comparison), CURRENT_TIME) => {
                let moments = values.one_or_more()?.iter().map(moment).collect::<Result<_, _>>()?;
                Ok(Self::Time { comparison, moments })
            }
            ("Bool", _, SECURE_TRANSPORT) => match values.one_or_more()?.as_slice() {
                [one] => Ok(Self::Secure(boolean(one)?)),
                _ => Err(values.wrong("one value is expected")),
            },
            (_, _, SOURCE_IP) => Err(values.wrong(format!("{key} takes IpAddress or NotIpAddress, not {operator}"))),
            (_, _, CURRENT_TIME) => Err(values.wrong(format!(
                "{key} takes DateEquals, DateNotEquals, DateLessThan, DateLessThanEquals, DateGreaterThan or DateGreaterThanEquals, not {operator}"
            ))),
            (_, _, SECURE_TRANSPORT) => Err(values.wrong(format!("{key} takes Bool, not {operator}"))),
            (_, _, "acs:MFAPresent") => {
                Err(values.wrong("there is no multi-factor authentication here, so that nothing can depend on it"))
            }
            _ => Err(values.wrong(format!(
                "this condition is not known; known are {SOURCE_IP}, {CURRENT_TIME} and {SECURE_TRANSPORT} with their operators"
            ))),
        }
    }

    /// Whether it is so.
    pub(super) fn is_met(&self, circumstances: &Circumstances) -> bool {
        match self {
            Self::Address { networks, inside } => {
                networks.iter().any(|network| network.contains(circumstances.address)) == *inside
            }
            Self::Time { comparison: Comparison::NotEqual, moments } => {
                moments.iter().all(|moment| circumstances.now != *moment)
            }
            Self::Time { comparison, moments } => {
                moments.iter().any(|moment| comparison.holds(circumstances.now, *moment))
            }
            Self::Secure(wanted) => circumstances.secure == *wanted,
        }
    }
}

impl Comparison {
    fn holds(self, now: Timestamp, moment: Timestamp) -> bool {
        match self {
            Self::Equal => now == moment,
            Self::NotEqual => now != moment,
            Self::Less => now < moment,
            Self::LessOrEqual => now <= moment,
            Self::Greater => now > moment,
            Self::GreaterOrEqual => now >= moment,
        }
    }
}

fn network(node: &Node<'_>) -> Result<Network, Malformed> {
    node.text()?.parse().map_err(|problem: NotANetwork| node.wrong(problem.to_string()))
}

fn moment(node: &Node<'_>) -> Result<Timestamp, Malformed> {
    let wrong = |_| node.wrong("a time such as 2026-01-31T18:00:00+08:00 is expected");
    node.text()?.parse().map_err(wrong)
}

fn boolean(node: &Node<'_>) -> Result<bool, Malformed> {
    match node.value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err(node.wrong("true or false is expected")),
    }
}
