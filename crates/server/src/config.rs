//! What an operator may set at the edge.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::Offset;
use sternway_access::Network;
use sternway_wire::signature::CLOCK_TOLERANCE;
use sternway_wire::time_text::DEFAULT_OFFSET;

/// Settings of the server. The defaults fit every client that is known.
#[derive(Debug, Clone)]
pub struct Config {
    /// The region to assume where a request names none.
    pub region: String,
    /// The offset of times that are written without a zone.
    pub utc_offset: Offset,
    /// How far a client's clock may be from ours.
    pub clock_tolerance: SignedDuration,
    /// The longest body, in bytes.
    pub body_limit: usize,
    /// Bodies of more than 64 KiB that are held at the same time, whoever sent them; more are throttled.
    pub long_bodies: usize,
    /// How long a request may take, from its headers to its answer. Clients wait 10 s.
    pub request_timeout: Duration,
    /// How long a client may take to send its headers, or to send nothing on a connection kept open.
    pub header_timeout: Duration,
    /// How long a shutdown waits for requests in flight.
    pub drain_timeout: Duration,
    /// Connections that may be open at the same time; more wait in the kernel's backlog.
    pub connections: usize,
    /// Operations that may be carried out at the same time; more are throttled.
    pub operations: usize,
    /// Requests that one access key may send per second, ten seconds' worth at once; 0 for no limit.
    pub requests_per_second: u32,
    /// Bad signatures for a key from an address after which the key is locked there; 0: never.
    pub bad_signatures: u32,
    /// How long it is locked.
    pub lockout: SignedDuration,
    /// Proxies before us whose `X-Forwarded-For` is believed; from all others it is not.
    pub trusted_proxies: Vec<Network>,
    /// Whether operations that change nothing are recorded in the audit log, too.
    pub audit_reads: bool,
    /// Seconds that a change order, or one batch of it, may take if the request does not say.
    pub change_timeout_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: "cn-hangzhou".to_owned(),
            utc_offset: DEFAULT_OFFSET,
            clock_tolerance: CLOCK_TOLERANCE,
            body_limit: 4 << 20,
            long_bodies: 64,
            request_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(15),
            connections: 4096,
            operations: 1024,
            // Far more than tools that poll once a second need.
            requests_per_second: 200,
            bad_signatures: 10,
            lockout: SignedDuration::from_mins(15),
            trusted_proxies: Vec::new(),
            audit_reads: false,
            // What EDAS documents for starts and configuration changes, and Kubernetes for rollouts.
            change_timeout_seconds: 600,
        }
    }
}
