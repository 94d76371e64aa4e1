//! Guessing a secret: after some bad signatures for a key from an address, that key is not looked at from that address for a while.
//!
//! Only there: a stranger cannot lock out the key's owner, who comes from elsewhere. Behind a proxy that is not trusted all come from one, and
//! share its fate. What is remembered is bounded; when it is full, the pair that failed longest ago is forgotten.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sternway_wire::error::GatewayError;

/// Pairs of key and address: some megabytes at the most.
const MOST_DOORS: usize = 10_000;
const LONGEST_KEY: usize = 128;

/// A key as it is claimed, and where from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Door {
    access_key_id: String,
    network: IpAddr,
}

impl Door {
    pub(crate) fn new(access_key_id: &str, address: IpAddr) -> Self {
        let network = match address {
            IpAddr::V4(_) => address,
            // Whoever has one IPv6 address has the 2^64 beside it, too.
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        };
        Self { access_key_id: access_key_id.chars().take(LONGEST_KEY).collect(), network }
    }

    /// The key's id, as claimed.
    pub(crate) fn access_key_id(&self) -> &str {
        &self.access_key_id
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// What has failed lately.
#[derive(Debug)]
pub(crate) struct Lockout {
    /// Failures that lock; 0: none ever do.
    most: u32,
    /// How long a lock lasts after the last failure, and how long failures are remembered.
    lasts: SignedDuration,
    failures: Mutex<HashMap<Door, Failures>>,
}

impl Lockout {
    pub(crate) fn new(most: u32, lasts: SignedDuration) -> Self {
        Self { most, lasts, failures: Mutex::default() }
    }

    /// Refuses a door that is locked.
    pub(crate) fn check(&self, door: &Door, now: Timestamp) -> Result<(), GatewayError> {
        let failures = self.lock();
        let Some(found) = failures.get(door).filter(|found| found.count >= self.most && self.most > 0) else {
            return Ok(());
        };
        match self.until(*found) {
            until if until > now => Err(GatewayError::locked_out(&door.access_key_id, until)),
            _ => Ok(()),
        }
    }

    /// A signature was bad.
    pub(crate) fn failed(&self, door: Door, now: Timestamp) {
        if self.most == 0 {
            return;
        }
        let mut failures = self.lock();
        if !failures.contains_key(&door) && failures.len() >= MOST_DOORS {
            failures.retain(|_, failure| self.until(*failure) > now);
            let oldest = failures.iter().min_by_key(|(_, failure)| failure.last).map(|(door, _)| door.clone());
            if let Some(oldest) = oldest.filter(|_| failures.len() >= MOST_DOORS) {
                failures.remove(&oldest);
            }
        }
        let found = failures.entry(door).or_insert(Failures { count: 0, last: now });
        if self.until(*found) <= now {
            found.count = 0;
        }
        *found = Failures { count: found.count + 1, last: now };
    }

    /// A signature was good: what failed before was a mistake.
    pub(crate) fn succeeded(&self, door: &Door) {
        self.lock().remove(door);
    }

    fn until(&self, failures: Failures) -> Timestamp {
        failures.last.checked_add(self.lasts).unwrap_or(Timestamp::MAX)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Door, Failures>> {
        // A map that was being changed while its thread panicked is still a map.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn door(key: &str, address: &str) -> Door {
        Door::new(key, address.parse().unwrap())
    }

    fn lockout() -> Lockout {
        Lockout::new(3, SignedDuration::from_secs(60))
    }

    fn fail(lockout: &Lockout, door: &Door, seconds: &[i64]) {
        for second in seconds {
            lockout.failed(door.clone(), at(*second));
        }
    }

    #[test]
    fn a_door_is_locked_for_a_while_and_no_other_is() {
        let lockout = lockout();
        let guessed = door("LTAI1", "10.0.0.1");
        fail(&lockout, &guessed, &[0, 1]);
        assert_eq!(lockout.check(&guessed, at(2)), Ok(()));
        fail(&lockout, &guessed, &[2]);
        let error = lockout.check(&guessed, at(3)).unwrap_err();
        assert!(error.message.contains("2027-01-15T08:01:02Z"), "{error}");
        for other in [door("LTAI1", "10.0.0.2"), door("LTAI2", "10.0.0.1")] {
            assert_eq!(lockout.check(&other, at(3)), Ok(()), "{other:?}");
        }
        assert_eq!(lockout.check(&guessed, at(62)), Ok(()));
        // Counting begins anew.
        fail(&lockout, &guessed, &[63]);
        assert_eq!(lockout.check(&guessed, at(64)), Ok(()));
    }

    #[test]
    fn a_good_signature_forgives_and_zero_never_locks() {
        let lockout = lockout();
        let clumsy = door("LTAI1", "10.0.0.1");
        fail(&lockout, &clumsy, &[0, 1]);
        lockout.succeeded(&clumsy);
        fail(&lockout, &clumsy, &[2, 3]);
        assert_eq!(lockout.check(&clumsy, at(4)), Ok(()));
        let never = Lockout::new(0, SignedDuration::from_secs(60));
        fail(&never, &clumsy, &[0, 1, 2, 3, 4]);
        assert_eq!(never.check(&clumsy, at(5)), Ok(()));
    }

    #[test]
    fn neighbours_in_a_network_of_ipv6_are_one() {
        let lockout = lockout();
        for (second, address) in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"].into_iter().enumerate() {
            lockout.failed(door("LTAI1", address), at(second as i64));
        }
        assert!(lockout.check(&door("LTAI1", "2001:db8::9"), at(5)).is_err());
        assert_eq!(lockout.check(&door("LTAI1", "2001:db8:0:1::1"), at(5)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let lockout = lockout();
        fail(&lockout, &door("first", "10.0.0.1"), &[0, 0, 0]);
        fail(&lockout, &door("second", "10.0.0.1"), &[1, 1, 1]);
        for number in 0..MOST_DOORS - 1 {
            lockout.failed(door(&format!("key {number}"), "10.0.0.1"), at(2));
        }
        assert_eq!(lockout.lock().len(), MOST_DOORS);
        assert_eq!(lockout.check(&door("first", "10.0.0.1"), at(3)), Ok(()));
        assert!(lockout.check(&door("second", "10.0.0.1"), at(3)).is_err());
    }
}
