//! States and times in words.

use jiff::Timestamp;
use sternway_wire::codes::Status;

/// A state in a word or three; a number that EDAS has not told us of stays a number.
pub(crate) fn status(code: i32) -> String {
    Status::from_code(code).map_or_else(|| format!("status {code}"), |status| status.text().to_owned())
}

/// A sign before a state, that is understood without colour.
pub(crate) const fn outcome_mark(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Succeeded) => "✓",
        Some(Status::Failed | Status::SystemFailed | Status::PartlySucceeded) => "✗",
        Some(Status::Aborted) => "■",
        Some(Status::AwaitingConfirmation) => "?",
        Some(Status::AwaitingInterval | Status::Ready) | None => "·",
        Some(Status::Running) => "▶",
    }
}

/// A moment of the API (epoch milliseconds); nothing for 0, which means "never".
pub(crate) fn moment(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(moment) if milliseconds != 0 => moment.strftime("%F %T UTC").to_string(),
        _ => String::new(),
    }
}

/// How long ago a moment was, roughly: `5s`, `12m`, `3h`, `8d`.
pub(crate) fn ago(milliseconds: i64, now: Timestamp) -> String {
    if milliseconds == 0 {
        return String::new();
    }
    let seconds = (now.as_millisecond() - milliseconds).max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rough() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, expected) in [(0, "0s"), (119, "119s"), (120, "2m"), (7_200, "2h"), (200_000, "2d"), (-5, "0s")] {
            assert_eq!(ago((1_000_000 - seconds) * 1000, now), expected);
        }
        assert_eq!((ago(0, now).as_str(), moment(0).as_str()), ("", ""));
    }

    #[test]
    fn unknown_states_stay_numbers() {
        assert_eq!((status(8).as_str(), status(77).as_str()), ("waiting for confirmation", "status 77"));
    }
}
