//! Times as the database keeps them: nanoseconds since 1970 in UTC, which sort as numbers and lose nothing.

use jiff::Timestamp;

use crate::error::Cause;

/// The number for a time; fails before 1677 and after 2262.
pub(crate) fn nanoseconds(time: Timestamp) -> Result<i64, Cause> {
    Ok(i64::try_from(time.as_nanosecond())?)
}

/// The time for a number.
pub(crate) fn timestamp(nanoseconds: i64) -> Result<Timestamp, Cause> {
    Ok(Timestamp::from_nanosecond(i128::from(nanoseconds))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        for text in ["2026-11-26T08:00:00.123456789Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(timestamp(nanoseconds(time).unwrap()).unwrap(), time);
        }
        assert!(nanoseconds(Timestamp::MAX).is_err());
    }
}
