//! A signed request is good once: the nonces that each access key has used.
//!
//! A nonce is remembered for as long as a copy of its request could still pass the clock check. A request may be dated up
//! to one tolerance ahead and is then valid for one more, hence twice the tolerance. Only verified requests may be
//! admitted, so nobody but the key's holder can fill that key's share of the cache; when it is full, the next request is
//! throttled rather than an old nonce forgotten, for forgetting would quietly let a replay in.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::error::GatewayError;
use crate::signature::CLOCK_TOLERANCE;

/// Nonces kept per key: over a hundred requests a second for half an hour, in some 30 MB at worst.
pub const NONCES_PER_KEY: usize = 200_000;

/// The nonces seen lately, per access key.
#[derive(Debug)]
pub struct NonceCache {
    retention: SignedDuration,
    nonces_per_key: usize,
    keys: HashMap<String, Nonces>,
    last_sweep: Timestamp,
}

#[derive(Debug, Default)]
struct Nonces {
    seen: HashSet<Box<str>>,
    by_age: VecDeque<(Timestamp, Box<str>)>,
}

impl Default for NonceCache {
    fn default() -> Self {
        Self::new(CLOCK_TOLERANCE, NONCES_PER_KEY)
    }
}

impl NonceCache {
    /// A cache for servers that tolerate clocks off by `clock_tolerance`.
    pub fn new(clock_tolerance: SignedDuration, nonces_per_key: usize) -> Self {
        Self { retention: clock_tolerance * 2, nonces_per_key, keys: HashMap::new(), last_sweep: Timestamp::UNIX_EPOCH }
    }

    /// Records a nonce of a **verified** request, or refuses it as used.
    pub fn admit(&mut self, access_key_id: &str, nonce: &str, now: Timestamp) -> Result<(), GatewayError> {
        self.sweep(now);
        let nonces = match self.keys.get_mut(access_key_id) {
            Some(nonces) => nonces,
            None => self.keys.entry(access_key_id.to_owned()).or_default(),
        };
        nonces.forget(now, self.retention);
        if nonces.seen.contains(nonce) {
            return Err(GatewayError::nonce_used());
        }
        if nonces.seen.len() >= self.nonces_per_key {
            return Err(GatewayError::throttled_user());
        }
        nonces.seen.insert(nonce.into());
        nonces.by_age.push_back((now, nonce.into()));
        Ok(())
    }

    /// How many nonces are held at present.
    pub fn len(&self) -> usize {
        self.keys.values().map(|nonces| nonces.seen.len()).sum()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the keys that have gone quiet, once per retention, so that a busy cache does not walk all keys each time.
    fn sweep(&mut self, now: Timestamp) {
        if now.duration_since(self.last_sweep) < self.retention {
            return;
        }
        self.last_sweep = now;
        let retention = self.retention;
        self.keys.retain(|_, nonces| {
            nonces.forget(now, retention);
            !nonces.seen.is_empty()
        });
    }
}

impl Nonces {
    fn forget(&mut self, now: Timestamp, retention: SignedDuration) {
        while self.by_age.front().is_some_and(|(seen_at, _)| now.duration_since(*seen_at) > retention) {
            if let Some((_, nonce)) = self.by_age.pop_front() {
                self.seen.remove(&nonce);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn a_nonce_is_good_once_per_key() {
        let mut cache = NonceCache::default();
        cache.admit("key", "n", minute(0)).unwrap();
        assert_eq!(cache.admit("key", "n", minute(1)).unwrap_err().code, "SignatureNonceUsed");
        cache.admit("other", "n", minute(1)).unwrap();
    }

    #[test]
    fn it_is_remembered_while_its_request_could_still_pass_the_clock() {
        let mut cache = NonceCache::default();
        cache.admit("key", "n", minute(0)).unwrap();
        cache.admit("key", "n", minute(30)).unwrap_err();
        cache.admit("key", "n", minute(31)).unwrap();
    }

    #[test]
    fn a_full_cache_throttles_and_recovers_with_time() {
        let mut cache = NonceCache::new(CLOCK_TOLERANCE, 2);
        cache.admit("key", "a", minute(0)).unwrap();
        cache.admit("key", "b", minute(0)).unwrap();
        assert_eq!(cache.admit("key", "c", minute(1)).unwrap_err().code, "Throttling.User");
        assert_eq!(cache.admit("key", "a", minute(1)).unwrap_err().code, "SignatureNonceUsed");
        cache.admit("other", "c", minute(1)).unwrap();
        cache.admit("key", "c", minute(31)).unwrap();
    }

    #[test]
    fn quiet_keys_are_dropped() {
        let mut cache = NonceCache::default();
        for key in 0..100 {
            cache.admit(&key.to_string(), "n", minute(0)).unwrap();
        }
        cache.admit("last", "n", minute(31)).unwrap();
        assert_eq!((cache.len(), cache.keys.len()), (1, 1));
    }

    #[test]
    fn a_clock_that_steps_back_forgets_nothing() {
        let mut cache = NonceCache::default();
        cache.admit("key", "n", minute(40)).unwrap();
        cache.admit("key", "m", minute(0)).unwrap();
        cache.admit("key", "n", minute(1)).unwrap_err();
    }
}
