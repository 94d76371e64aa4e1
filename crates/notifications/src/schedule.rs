//! What follows from a delivery that failed: the same again later, or a dead letter.
//!
//! | the receiver | is | and gets the event |
//! |---|---|---|
//! | gives no answer, or one of 408, 425, 429, 502, 503, 504 | away | until it is a day old |
//! | answers with another 5xx, or with what cannot be understood | broken: perhaps by this very event | 8 times |
//! | answers with 3xx or another 4xx, or is at an address that nothing is sent to | unwilling | 3 times |
//!
//! Pauses grow with the failures that the webhook has had in a row, whichever events they were about, so that a receiver that is away is not asked
//! more often because more has happened.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a receiver did not take an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cause {
    Away,
    Broken,
    Unwilling,
}

/// A delivery that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) cause: Cause,
    /// For people; nothing secret is in it.
    pub(crate) reason: String,
    /// When the receiver wants to be asked again, in seconds from now.
    pub(crate) retry_after: Option<u32>,
}

/// Failures in a row, and those of the event that is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Count {
    /// In a row, of whichever events.
    pub(crate) in_a_row: u32,
    /// Of this event.
    pub(crate) of_event: u32,
    /// Of this event, where the receiver did answer.
    pub(crate) answered: u32,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The same event again, at that time.
    Again(Timestamp),
    /// A dead letter. The next event has to wait until then, if the receiver is away.
    GiveUp(Option<Timestamp>),
}

/// How long an event waits for a receiver that is away.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
const MOST_BROKEN: u32 = 8;
const MOST_UNWILLING: u32 = 3;
/// Seconds between one failure and the next attempt; the last one from then on.
const PAUSES: [i64; 7] = [5, 15, 60, 120, 300, 600, 900];
/// A receiver's own wish is heard up to here.
const LONGEST_WISH: u32 = 3600;

/// Decides. `count` includes this failure; `since` is when the failures in a row began, `happened` when the event did, and `seed` a text that differs between
/// webhooks and attempts: what makes them not all come at once.
pub(crate) fn next(
    failed: &Failed,
    count: Count,
    since: Timestamp,
    happened: Timestamp,
    now: Timestamp,
    seed: &str,
) -> Next {
    let until = later(now, pause(count.in_a_row, failed.retry_after, seed));
    match failed.cause {
        Cause::Away if is_over(since, happened, now) => Next::GiveUp(Some(until)),
        Cause::Broken if count.answered >= MOST_BROKEN => Next::GiveUp(None),
        Cause::Unwilling if count.answered >= MOST_UNWILLING => Next::GiveUp(None),
        Cause::Away | Cause::Broken | Cause::Unwilling => Next::Again(until),
    }
}

/// Whether an event has waited long enough for a receiver that has been away since then: an old event that was never tried, because this server
/// was down, gets its time too.
pub(crate) fn is_over(since: Timestamp, happened: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since.max(happened)) >= PATIENCE
}

fn pause(in_a_row: u32, retry_after: Option<u32>, seed: &str) -> SignedDuration {
    let at = usize::try_from(in_a_row.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let digest = Sha256::digest(format!("{seed}/{in_a_row}").as_bytes());
    // 80 to 120 per cent.
    let percent = 80 + i64::from(digest[0]) * 40 / 255;
    let own = SignedDuration::from_millis(PAUSES[at] * 10 * percent);
    let wish = retry_after.map(|seconds| SignedDuration::from_secs(i64::from(seconds.min(LONGEST_WISH))));
    own.max(wish.unwrap_or_default())
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        "2026-11-26T04:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn failed(cause: Cause) -> Failed {
        Failed { cause, reason: String::new(), retry_after: None }
    }

    /// Every attempt at one event that fails in the same way, from its first to the last: seconds since the first.
    fn attempts(cause: Cause) -> Vec<i64> {
        let (mut times, mut count) = (Vec::new(), Count::default());
        let mut now = at(0);
        loop {
            times.push(now.duration_since(at(0)).as_secs());
            count = Count { in_a_row: count.in_a_row + 1, of_event: count.of_event + 1, answered: count.answered + 1 };
            match next(&failed(cause), count, at(0), at(-10), now, "a webhook") {
                Next::Again(until) => now = until,
                Next::GiveUp(_) => return times,
            }
        }
    }

    #[test]
    fn what_is_refused_is_tried_three_times_and_what_breaks_eight_times() {
        let (unwilling, broken) = (attempts(Cause::Unwilling), attempts(Cause::Broken));
        assert_eq!((unwilling.len(), broken.len()), (3, 8));
        let last = broken[7];
        assert!((1600..=2400).contains(&last), "33 minutes and 20 seconds, a fifth more or less: {last}");
    }

    #[test]
    fn who_is_away_is_asked_for_a_day_every_quarter_of_an_hour() {
        let times = attempts(Cause::Away);
        let day = PATIENCE.as_secs();
        assert!((day..=day + 1080).contains(times.last().unwrap()), "{times:?}");
        assert!((80..=130).contains(&times.len()), "{}", times.len());
        for (at, pair) in times.windows(2).enumerate() {
            let (pause, planned) = (pair[1] - pair[0], PAUSES[at.min(6)]);
            assert!((planned * 8 / 10 - 1..=planned * 12 / 10 + 1).contains(&pause), "{at}: {pause}");
        }
    }

    #[test]
    fn webhooks_do_not_come_all_at_once() {
        let times = |seed: &str| pause(7, None, seed);
        assert_ne!(times("one"), times("another"));
        assert_eq!(times("one"), times("one"), "and yet nothing is left to chance");
    }

    #[test]
    fn a_receivers_own_wish_is_heard_within_reason() {
        let count = Count { in_a_row: 1, of_event: 1, answered: 1 };
        let wish = |retry_after| Failed { retry_after: Some(retry_after), ..failed(Cause::Away) };
        let until = |retry_after| next(&wish(retry_after), count, at(0), at(0), at(0), "s");
        assert_eq!(until(120), Next::Again(at(120)));
        assert_eq!(until(u32::MAX), Next::Again(at(3600)));
        assert!(matches!(until(0), Next::Again(until) if until > at(3)));
    }

    #[test]
    fn an_event_that_was_never_tried_gets_its_day() {
        let day = PATIENCE.as_secs();
        // This server was down for a week; the receiver has been away for an hour.
        assert!(!is_over(at(-3600), at(-7 * day), at(0)));
        assert!(is_over(at(-day), at(-7 * day), at(0)));
        assert!(!is_over(at(-7 * day), at(-3600), at(0)), "it is not a day old");
    }
}
