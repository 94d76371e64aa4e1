//! How long to wait before an effect is tried again.

use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::ClusterError;

/// After the first failure.
pub(super) const SHORTEST: SignedDuration = SignedDuration::from_millis(250);
/// However often it failed: a cluster that comes back is noticed within this.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);
/// Conflicts are normal while controllers write; only a long row of them is worth a pause.
const CONFLICTS_AT_ONCE: u32 = 5;

/// Failures in a row, and until when they make us wait.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    conflicts: u32,
    /// Those that are worth a pause.
    failures: u32,
    until: Option<Timestamp>,
}

impl Backoff {
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    pub(super) fn failed(&mut self, error: &ClusterError, now: Timestamp) {
        if matches!(error, ClusterError::Conflict) && self.conflicts < CONFLICTS_AT_ONCE {
            self.conflicts += 1;
            self.until = None;
            return;
        }
        self.failures += 1;
        let doubled = SHORTEST * (1 << (self.failures - 1).min(10));
        let wanted = match error {
            ClusterError::Unreachable { retry_after_seconds: Some(seconds), .. } => {
                doubled.max(SignedDuration::from_secs(i64::from(*seconds)))
            }
            _ => doubled,
        };
        self.until = Some(after(now, wanted.min(LONGEST)));
    }
}

/// `now` plus `wait`; `now` itself at the end of time.
pub(super) fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable(retry_after_seconds: Option<u32>) -> ClusterError {
        ClusterError::Unreachable { message: "away".to_owned(), retry_after_seconds }
    }

    #[test]
    fn it_doubles_up_to_a_cap_and_listens_to_the_server() {
        let now = Timestamp::UNIX_EPOCH;
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9)
            .map(|_| {
                backoff.failed(&unreachable(None), now);
                backoff.until().unwrap().as_millisecond()
            })
            .collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        let mut backoff = Backoff::default();
        backoff.failed(&unreachable(Some(7)), now);
        assert_eq!(backoff.until().unwrap().as_second(), 7);
    }

    #[test]
    fn conflicts_are_tried_again_at_once_for_a_while() {
        let now = Timestamp::UNIX_EPOCH;
        let mut backoff = Backoff::default();
        for _ in 0..CONFLICTS_AT_ONCE {
            backoff.failed(&ClusterError::Conflict, now);
            assert!(backoff.is_over(now));
        }
        backoff.failed(&ClusterError::Conflict, now);
        assert_eq!(backoff.until(), Some(after(now, SHORTEST)), "the first pause is the shortest");
    }
}
