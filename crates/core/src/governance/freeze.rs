//! Times in which no release may begin.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::application::Application;

/// A year: a window that begins more often than it ends would never be over.
pub const LONGEST_FREEZE_MINUTES: u32 = 60 * 24 * 366;
/// Windows that follow each other without a gap are told as one, up to so many.
const MOST_IN_A_ROW: u32 = 1000;

/// A window that returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FreezeWindow {
    /// Its name.
    pub name: String,
    /// Whose releases.
    pub scope: Scope,
    /// When it begins: a cron expression of five fields, in its time zone.
    pub cron: String,
    /// How long it lasts, in minutes.
    pub minutes: u32,
    /// The time zone, such as `Asia/Shanghai`.
    pub zone: String,
    /// Why, for people.
    pub reason: String,
}

/// A window that makes no sense. Each message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// The cron expression.
    #[error(
        "`{text}` is no cron expression ({why}): give minute, hour, day of month, month and day of week, such as `0 18 * * FRI`"
    )]
    Cron {
        /// As given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The duration.
    #[error("a window lasts from 1 to {LONGEST_FREEZE_MINUTES} minutes")]
    Duration,
}

/// A release may not begin now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "releases are frozen by `{window}` until {until}{}: wait until then, or have the window changed; aborting and rolling back are never frozen",
    because(reason)
)]
pub struct Frozen {
    /// The window's name.
    pub window: String,
    /// When it ends.
    pub until: Timestamp,
    /// Why it is there.
    pub reason: String,
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

impl FreezeWindow {
    /// Checks what can be checked without a calendar.
    ///
    /// # Errors
    /// [`InvalidWindow`]
    pub fn check(&self) -> Result<(), InvalidWindow> {
        self.cron()?;
        if self.minutes == 0 || self.minutes > LONGEST_FREEZE_MINUTES {
            return Err(InvalidWindow::Duration);
        }
        Ok(())
    }

    fn cron(&self) -> Result<croner::Cron, InvalidWindow> {
        let wrong =
            |error: croner::errors::CronError| InvalidWindow::Cron { text: self.cron.clone(), why: error.to_string() };
        self.cron.parse().map_err(wrong)
    }

    /// Whether the application is frozen by this window now, and until when. `zone` is the one that the window names.
    ///
    /// # Errors
    /// [`InvalidWindow`]
    pub fn freezes(&self, app: &Application, zone: &TimeZone, now: Timestamp) -> Result<Option<Frozen>, InvalidWindow> {
        if !self.scope.covers(app) {
            return Ok(None);
        }
        let until = self.open_until(zone, now)?;
        Ok(until.map(|until| Frozen { window: self.name.clone(), until, reason: self.reason.clone() }))
    }

    /// The end of the window if it is open at `now`, with those that follow it without a gap. Whom it is about does not matter.
    ///
    /// # Errors
    /// [`InvalidWindow`]
    pub fn open_until(&self, zone: &TimeZone, now: Timestamp) -> Result<Option<Timestamp>, InvalidWindow> {
        self.check()?;
        let cron = self.cron()?;
        let lasts = SignedDuration::from_mins(i64::from(self.minutes));
        // What began at or before this moment is over.
        let Ok(mut after) = now.checked_sub(lasts) else { return Ok(None) };
        let mut until: Option<Timestamp> = None;
        for _ in 0..MOST_IN_A_ROW {
            // A window that never comes again freezes nothing.
            let Ok(next) = cron.find_next_occurrence(&after.to_zoned(zone.clone()), false) else { break };
            let begins = next.timestamp();
            if begins > until.unwrap_or(now) {
                break;
            }
            until = begins.checked_add(lasts).ok();
            after = begins;
        }
        Ok(until)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::application::{AppState, WorkloadRef};
    use crate::ids::{AppId, ClusterId, VersionNumber};

    pub(crate) fn app() -> Application {
        Application {
            id: AppId::new(Uuid::from_u128(1)),
            name: "web".to_owned(),
            workload: WorkloadRef {
                cluster: ClusterId::new(Uuid::from_u128(2)),
                namespace: "shop".to_owned(),
                name: "web".to_owned(),
            },
            logical_region: "cn-hangzhou".to_owned(),
            description: String::new(),
            owner: "root".to_owned(),
            package_type: "Image".to_owned(),
            attributes: std::collections::BTreeMap::new(),
            current: None,
            last_good: None,
            latest: VersionNumber(0),
            replicas: 1,
            instances_before_stop: None,
            state: AppState::Running,
            held: None,
            created_at: Timestamp::UNIX_EPOCH,
            revision: 0,
        }
    }

    fn window(cron: &str, minutes: u32) -> FreezeWindow {
        FreezeWindow {
            name: "weekend".to_owned(),
            scope: Scope::default(),
            cron: cron.to_owned(),
            minutes,
            zone: "Europe/Berlin".to_owned(),
            reason: "nobody is there".to_owned(),
        }
    }

    fn until(window: &FreezeWindow, now: &str) -> Option<String> {
        let zone = TimeZone::get(&window.zone).unwrap();
        let frozen = window.freezes(&app(), &zone, now.parse().unwrap()).unwrap();
        frozen.map(|frozen| frozen.until.to_string())
    }

    #[test]
    fn a_window_is_open_from_its_beginning_to_its_end() {
        // Friday 18:00 in Berlin (UTC+1) for 62 hours: until Monday 08:00.
        let weekend = window("0 18 * * FRI", 62 * 60);
        let end = Some("2026-11-30T07:00:00Z".to_owned());
        assert_eq!(until(&weekend, "2026-11-27T16:59:59Z"), None);
        assert_eq!(until(&weekend, "2026-11-27T17:00:00Z"), end);
        assert_eq!(until(&weekend, "2026-11-29T12:00:00Z"), end);
        assert_eq!(until(&weekend, "2026-11-30T06:59:59Z"), end);
        assert_eq!(until(&weekend, "2026-11-30T07:00:00Z"), None);
    }

    #[test]
    fn the_zone_knows_summer_time() {
        let weekend = window("0 18 * * FRI", 60);
        assert_eq!(until(&weekend, "2026-07-03T16:00:00Z").as_deref(), Some("2026-07-03T17:00:00Z"));
        assert_eq!(until(&weekend, "2026-07-03T17:00:00Z"), None);
    }

    #[test]
    fn windows_without_a_gap_are_one() {
        let always_on_the_hour = window("0 8-11 * * *", 60);
        assert_eq!(until(&always_on_the_hour, "2026-11-27T08:30:00Z").as_deref(), Some("2026-11-27T11:00:00Z"));
        // One that never ends is told as far as it was looked at.
        assert!(until(&window("* * * * *", 5), "2026-11-27T08:30:00Z").is_some());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_words() {
        let error = window("sometimes", 5).check().unwrap_err().to_string();
        assert!(error.contains("sometimes") && error.contains("0 18 * * FRI"), "{error}");
        assert_eq!(window("* * * * *", 0).check(), Err(InvalidWindow::Duration));
        // The thirtieth of February never comes.
        assert_eq!(until(&window("0 0 30 2 *", 60), "2026-11-27T08:30:00Z"), None);
    }

    #[test]
    fn a_window_freezes_what_it_covers() {
        let mut other = window("* * * * *", 5);
        other.scope.namespace = Some("bank".to_owned());
        assert_eq!(until(&other, "2026-11-27T08:30:00Z"), None);
        other.scope.namespace = Some("shop".to_owned());
        assert!(until(&other, "2026-11-27T08:30:00Z").is_some());
    }
}
