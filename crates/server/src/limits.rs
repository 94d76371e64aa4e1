//! How much one access key may ask for.
//!
//! Counted only once the signature was found good: nobody can spend what another may ask for, and no more keys are counted than there are.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use sternway_core::ports::Clock;
use sternway_wire::error::GatewayError;

/// After a pause, so many seconds' worth may come at once.
const BURST_SECONDS: u32 = 10;
/// Keys that are remembered before those that rest are forgotten: temporary keys come and go.
const MOST_KEYS: usize = 10_000;

/// The port's clock, as the limiter asks for it. One that is set back stands still until it has caught up.
#[derive(Clone)]
pub(crate) struct PortClock {
    clock: Arc<dyn Clock>,
    began: Timestamp,
}

impl PortClock {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { began: clock.now(), clock }
    }
}

impl GovernorClock for PortClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = self.clock.now().duration_since(self.began);
        Duration::try_from(passed).unwrap_or_default().into()
    }
}

/// The requests that each key may still send.
pub(crate) struct Limits {
    limiter: Option<RateLimiter<String, DashMapStateStore<String>, PortClock, NoOpMiddleware<Nanos>>>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Limits").finish_non_exhaustive()
    }
}

impl Limits {
    /// So many requests per second and key; 0 for as many as they like.
    pub(crate) fn new(per_second: u32, clock: Arc<dyn Clock>) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
            let quota = Quota::per_second(rate).allow_burst(burst);
            RateLimiter::new(quota, DashMapStateStore::default(), PortClock::new(clock))
        });
        Self { limiter }
    }

    /// Counts a request.
    pub(crate) fn admit(&self, access_key_id: &str) -> Result<(), GatewayError> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > MOST_KEYS {
            limiter.retain_recent();
        }
        limiter.check_key(&access_key_id.to_owned()).map_err(|_| GatewayError::throttled_user())
    }
}
