//! How long to wait before trying again.

use std::time::Duration;

/// Doubles from try to try, up to a most.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    const LEAST: Duration = Duration::from_millis(500);
    /// A cluster that is back is found again within this.
    const MOST: Duration = Duration::from_secs(30);

    pub(crate) const fn new() -> Self {
        Self { next: Self::LEAST }
    }

    /// How long to wait now.
    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Self::MOST);
        now
    }

    /// It worked: the next failure is the first one.
    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_start_anew() {
        let mut backoff = Backoff::new();
        let waits: Vec<u64> = (0..9).map(|_| backoff.next().as_millis() as u64).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.next(), Duration::from_millis(500));
    }
}
