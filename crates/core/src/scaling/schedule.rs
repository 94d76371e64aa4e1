//! Times at which an application is scaled, in a time zone, from one day to another.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

/// A time that comes again and again, and the pods that are wanted from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// Pods wanted; `None` for the fewest that the rule goes to.
    pub replicas: Option<u32>,
}

/// Times that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a cron expression.
    #[error("\"{0}\" is no cron expression of minute, hour, day of the month, month and day of the week")]
    NotCron(String),
    /// Nothing like 30 February.
    #[error("\"{0}\" never comes")]
    Never(String),
    /// The last day is before the first.
    #[error("the last day is before the first")]
    EndsBeforeItBegins,
}

/// See the module. What is made by [`Schedule::new`] is sound; what was stored is read leniently, and a time that cannot be read does not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    time_zone: String,
    points: Vec<Point>,
    first_day: Option<Date>,
    last_day: Option<Date>,
}

impl Schedule {
    /// Times by a clock of that zone, whose name is for the caller to look up.
    ///
    /// # Errors
    /// [`ScheduleError`]
    pub fn new(
        time_zone: String,
        points: Vec<Point>,
        first_day: Option<Date>,
        last_day: Option<Date>,
    ) -> Result<Self, ScheduleError> {
        for Point { cron, .. } in &points {
            let parsed = parse(cron).ok_or_else(|| ScheduleError::NotCron(cron.clone()))?;
            let from = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
            if parsed.find_next_occurrence(&from, true).is_err() {
                return Err(ScheduleError::Never(cron.clone()));
            }
        }
        if let (Some(first), Some(last)) = (first_day, last_day)
            && last < first
        {
            return Err(ScheduleError::EndsBeforeItBegins);
        }
        Ok(Self { time_zone, points, first_day, last_day })
    }

    /// The name of the zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// The pods that its times want.
    pub fn targets(&self) -> Vec<u32> {
        self.points.iter().filter_map(|point| point.replicas).collect()
    }

    /// The latest time after `after` and not after `until`, with its target: the highest of those at this time, where the fewest is the lowest.
    pub fn latest(&self, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Option<(Timestamp, Option<u32>)> {
        let end = self.last_day.and_then(|day| moment(day, Time::MAX, zone));
        let until = end.map_or(until, |end| end.min(until));
        let until = until.to_zoned(zone.clone());
        let times = self.points.iter().filter_map(|point| {
            let time = parse(&point.cron)?.find_previous_occurrence::<Zoned>(&until, true).ok()?.timestamp();
            Some((time, point.replicas))
        });
        times.filter(|(time, _)| *time > after && self.has_begun(*time, zone)).max()
    }

    /// The next time after `after`.
    pub fn next(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let end = self.last_day.and_then(|day| moment(day, Time::MAX, zone));
        let begin = self.first_day.and_then(|day| moment(day, Time::MIN, zone)).filter(|begin| *begin > after);
        let from = begin.unwrap_or(after).to_zoned(zone.clone());
        let times = self.points.iter().filter_map(|point| {
            Some(parse(&point.cron)?.find_next_occurrence::<Zoned>(&from, begin.is_some()).ok()?.timestamp())
        });
        times.min().filter(|time| end.is_none_or(|end| *time <= end))
    }

    fn has_begun(&self, time: Timestamp, zone: &TimeZone) -> bool {
        let begin = self.first_day.and_then(|day| moment(day, Time::MIN, zone));
        begin.is_none_or(|begin| time >= begin)
    }
}

fn moment(day: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(day.to_datetime(time)).ok()
}

fn parse(cron: &str) -> Option<Cron> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(cron).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn point(cron: &str, replicas: u32) -> Point {
        Point { cron: cron.to_owned(), replicas: Some(replicas) }
    }

    fn daily() -> Schedule {
        let points = vec![point("0 8 * * *", 10), point("0 20 * * *", 3)];
        Schedule::new("+08:00".to_owned(), points, None, None).unwrap()
    }

    fn china() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(8))
    }

    #[test]
    fn the_latest_time_counts_and_only_once() {
        let schedule = daily();
        let (morning, evening) = (at("2026-11-26T00:00:00Z"), at("2026-11-26T12:00:00Z"));
        let cases = [
            ("2026-11-25T23:00:00Z", "2026-11-25T23:59:59Z", None),
            ("2026-11-25T23:00:00Z", "2026-11-26T00:00:00Z", Some((morning, Some(10)))),
            ("2026-11-25T23:00:00Z", "2026-11-26T11:00:00Z", Some((morning, Some(10)))),
            ("2026-11-25T23:00:00Z", "2026-11-26T13:00:00Z", Some((evening, Some(3)))),
            ("2026-11-20T23:00:00Z", "2026-11-26T13:00:00Z", Some((evening, Some(3)))),
            ("2026-11-26T12:00:00Z", "2026-11-26T13:00:00Z", None),
        ];
        for (after, until, expected) in cases {
            assert_eq!(schedule.latest(&china(), at(after), at(until)), expected, "{after} {until}");
        }
        assert_eq!(schedule.next(&china(), at("2026-11-26T00:00:00Z")), Some(evening));
        assert_eq!(schedule.next(&china(), at("2026-11-25T23:59:00Z")), Some(morning));
    }

    #[test]
    fn days_bound_the_times() {
        let days = (Some("2026-11-27".parse().unwrap()), Some("2026-11-28".parse().unwrap()));
        let schedule = Schedule::new("+08:00".to_owned(), daily().points, days.0, days.1).unwrap();
        let (begin, end) = (at("2026-11-27T00:00:00Z"), at("2026-11-28T12:00:00Z"));
        assert_eq!(schedule.next(&china(), at("2026-11-01T00:00:00Z")), Some(begin));
        assert_eq!(schedule.next(&china(), end), None);
        assert_eq!(schedule.latest(&china(), at("2026-11-01T00:00:00Z"), at("2026-11-26T23:59:00Z")), None);
        // A server that comes back a week later still brings what was wanted last.
        let late = schedule.latest(&china(), begin, at("2026-12-05T00:00:00Z"));
        assert_eq!(late, Some((end, Some(3))));
    }

    #[test]
    fn at_the_same_time_the_highest_target_counts() {
        let points =
            vec![point("0 8 * * *", 4), point("0 8 * * MON-FRI", 9), Point { replicas: None, ..point("0 8 * * *", 0) }];
        let schedule = Schedule::new("+08:00".to_owned(), points, None, None).unwrap();
        let time = at("2026-11-26T00:00:00Z");
        let latest = schedule.latest(&china(), time - jiff::SignedDuration::from_secs(1), time);
        assert_eq!(latest, Some((time, Some(9))));
    }

    #[test]
    fn an_hour_that_is_left_out_or_comes_twice_fires_once() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let schedule =
            Schedule::new("any".to_owned(), vec![point("30 1 * * *", 5), point("30 2 * * *", 5)], None, None).unwrap();
        // 1 November 2026: 01:30 comes twice. 8 March: there is no 02:30.
        for (from, to, most) in
            [("2026-11-01T04:00:00Z", "2026-11-02T04:59:00Z", 3), ("2026-03-08T05:00:00Z", "2026-03-09T03:59:00Z", 2)]
        {
            let (mut times, mut after) = (Vec::new(), at(from));
            while let Some(next) = schedule.next(&zone, after).filter(|next| *next <= at(to)) {
                times.push(next);
                after = next;
            }
            assert!(!times.is_empty() && times.len() <= most, "{times:?}");
            // What is found going back was found going forth.
            let (latest, _) = schedule.latest(&zone, at(from), at(to)).unwrap();
            assert_eq!(times.last(), Some(&latest), "{times:?}");
        }
    }

    #[test]
    fn times_that_cannot_be() {
        let make = |cron: &str| Schedule::new("UTC".to_owned(), vec![point(cron, 1)], None, None).unwrap_err();
        for cron in ["", "* *", "61 * * * *", "a b c d e", "* * * * * *"] {
            assert_eq!(make(cron), ScheduleError::NotCron(cron.to_owned()));
        }
        assert_eq!(make("0 0 30 2 *"), ScheduleError::Never("0 0 30 2 *".to_owned()));
        let (late, early) = (Some("2026-11-28".parse().unwrap()), Some("2026-11-27".parse().unwrap()));
        assert_eq!(Schedule::new("UTC".to_owned(), vec![], late, early), Err(ScheduleError::EndsBeforeItBegins));
    }
}
