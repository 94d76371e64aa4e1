//! The three ways in which EDAS writes a moment down.
//!
//! | where | form | here |
//! |---|---|---|
//! | change orders | local text without a zone | [`local`], [`parse_local`] |
//! | pipelines, instance stages | epoch milliseconds, as a **string** | [`epoch_milliseconds`], [`parse_epoch_milliseconds`] |
//! | applications, versions, clusters | epoch milliseconds, as a number | `Timestamp::as_millisecond` |

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// EDAS shows local time in UTC+8, without saying so.
pub const DEFAULT_OFFSET: Offset = Offset::constant(8);

const LOCAL: &str = "%Y-%m-%d %H:%M:%S";

/// `yyyy-MM-dd HH:mm:ss`, as a clock at that offset shows it.
pub fn local(moment: Timestamp, offset: Offset) -> String {
    offset.to_datetime(moment).strftime(LOCAL).to_string()
}

/// The moment that such a text means at that offset; `None` if it is not of that form.
pub fn parse_local(text: &str, offset: Offset) -> Option<Timestamp> {
    let civil = DateTime::strptime(LOCAL, text).ok()?;
    TimeZone::fixed(offset).to_timestamp(civil).ok()
}

/// Milliseconds since the epoch, in digits.
pub fn epoch_milliseconds(moment: Timestamp) -> String {
    moment.as_millisecond().to_string()
}

/// The moment that such digits mean; `None` if they mean none (EDAS leaves the text empty before a stage starts).
pub fn parse_epoch_milliseconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_text_is_in_the_given_offset() {
        let moment: Timestamp = "2026-01-01T00:00:05.678Z".parse().unwrap();
        assert_eq!(local(moment, DEFAULT_OFFSET), "2026-01-01 08:00:05");
        assert_eq!(local(moment, Offset::constant(-3)), "2025-12-31 21:00:05");
        let parsed = parse_local("2026-01-01 08:00:05", DEFAULT_OFFSET).unwrap();
        assert_eq!(parsed, "2026-01-01T00:00:05Z".parse::<Timestamp>().unwrap());
        assert_eq!(parse_local("2026-01-01T08:00:05Z", DEFAULT_OFFSET), None);
    }

    #[test]
    fn epoch_text_is_digits_only() {
        let moment: Timestamp = "2026-01-01T00:00:05.678Z".parse().unwrap();
        assert_eq!(epoch_milliseconds(moment), "1767225605678");
        assert_eq!(parse_epoch_milliseconds("1767225605678"), Some(moment));
        assert_eq!(parse_epoch_milliseconds(""), None);
    }
}
