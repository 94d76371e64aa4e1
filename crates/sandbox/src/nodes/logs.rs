//! What a simulated container would have written: a start, a steady murmur while it runs, and the reason when it dies.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::api::{LogOptions, Logs};
use crate::object;
use crate::status::Status;

/// Between two lines of a container that runs.
const MURMUR: SignedDuration = SignedDuration::from_secs(10);
/// Lines that a log keeps; older ones were rotated away.
const KEPT_LINES: usize = 1000;

/// Logs made up from the status of the pod, as of a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimulatedLogs {
    pub(crate) now: Timestamp,
}

impl Logs for SimulatedLogs {
    fn read(&self, pod: &Value, container: &str, options: &LogOptions) -> Result<String, Status> {
        let run = find_run(pod, container, options.previous)?;
        let mut lines = lines(&run, self.now);
        if let Some(seconds) = options.since_seconds {
            let since = self.now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
            lines.retain(|(time, _)| *time >= since);
        }
        let surplus = lines.len().saturating_sub(options.tail_lines.unwrap_or(KEPT_LINES).min(KEPT_LINES));
        Ok(lines.drain(surplus..).map(|(time, line)| written(time, &line, options.timestamps)).collect())
    }
}

/// One run of a container.
struct Run<'a> {
    image: &'a str,
    started: Timestamp,
    /// When it ended, if it has, and its exit code.
    ended: Option<(Timestamp, i64)>,
}

fn find_run<'a>(pod: &'a Value, container: &str, previous: bool) -> Result<Run<'a>, Status> {
    let name = object::name(pod);
    let waiting =
        |why: &str| Status::bad_request(format!("container {container:?} in pod {name:?} is waiting to start: {why}"));
    let statuses = object::items(pod, "/status/containerStatuses");
    let Some(status) = statuses.iter().find(|status| object::text(status, "/name") == container) else {
        return Err(waiting("ContainerCreating"));
    };
    let image = object::text(status, "/image");
    let terminated = |terminated: &Value| {
        let ended = object::timestamp(terminated, "/finishedAt")?;
        let code = object::integer(terminated, "/exitCode").unwrap_or(0);
        Some(Run { image, started: object::timestamp(terminated, "/startedAt")?, ended: Some((ended, code)) })
    };
    let last = status.pointer("/lastState/terminated").and_then(terminated);
    if previous {
        return last.ok_or_else(|| {
            Status::bad_request(format!("previous terminated container {container:?} in pod {name:?} not found"))
        });
    }
    if let Some(started) = object::timestamp(status, "/state/running/startedAt") {
        return Ok(Run { image, started, ended: None });
    }
    // In a back-off the run before is the current one.
    let ended = status.pointer("/state/terminated").and_then(terminated).or(last);
    ended.ok_or_else(|| match object::text(status, "/state/waiting/reason") {
        "ErrImagePull" | "ImagePullBackOff" => waiting("trying and failing to pull image"),
        reason => waiting(reason),
    })
}

fn lines(run: &Run<'_>, now: Timestamp) -> Vec<(Timestamp, String)> {
    let at = |milliseconds| run.started + SignedDuration::from_millis(milliseconds);
    let mut lines =
        vec![(at(10), format!("INFO starting {}", run.image)), (at(40), "INFO configuration loaded".to_owned())];
    let fatal = run.ended.filter(|(_, code)| *code != 0);
    if let Some((end, code)) = fatal {
        let before = |milliseconds| end - SignedDuration::from_millis(milliseconds);
        lines.push((before(300), "WARN database db:5432 not reachable, attempt 1 of 3".to_owned()));
        lines.push((before(200), "WARN database db:5432 not reachable, attempt 2 of 3".to_owned()));
        lines.push((before(100), "ERROR database db:5432 not reachable: connection refused".to_owned()));
        lines.push((end, format!("FATAL cannot go on without a database, exiting with status {code}")));
    } else {
        lines.push((at(80), "INFO listening on 0.0.0.0:8080".to_owned()));
    }
    let end = run.ended.map_or(now, |(end, _)| end);
    let murmurs = usize::try_from(end.duration_since(run.started).as_secs() / MURMUR.as_secs()).unwrap_or(0);
    let first = murmurs.saturating_sub(KEPT_LINES);
    let murmur = (first + 1..=murmurs).map(|number| {
        let since_start = MURMUR.saturating_mul(i32::try_from(number).unwrap_or(i32::MAX));
        (run.started + since_start, format!("INFO {} requests served so far", number * 17))
    });
    lines.extend(murmur);
    lines.retain(|(time, _)| *time <= end);
    lines.sort_by_key(|(time, _)| *time);
    lines
}

fn written(time: Timestamp, line: &str, timestamps: bool) -> String {
    if timestamps { format!("{} {line}\n", time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ")) } else { format!("{line}\n") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOGS: fn() -> SimulatedLogs = || SimulatedLogs { now: "2026-01-01T00:01:00Z".parse().unwrap() };

    fn pod(state: Value, last: Value) -> Value {
        json!({"metadata": {"name": "p"}, "status": {"containerStatuses": [
            {"name": "c", "image": "app:v1", "state": state, "lastState": last}]}})
    }

    #[test]
    fn a_crash_ends_with_its_reason() {
        let exit = json!({"terminated": {"exitCode": 1, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}});
        let pod = pod(json!({"waiting": {"reason": "CrashLoopBackOff"}}), exit);
        let options = LogOptions { tail_lines: Some(1), ..LogOptions::default() };
        let text = LOGS().read(&pod, "c", &options).unwrap();
        assert_eq!(text, "FATAL cannot go on without a database, exiting with status 1\n");
    }

    #[test]
    fn a_running_container_murmurs() {
        let pod = pod(json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}), json!({}));
        let text = LOGS().read(&pod, "c", &LogOptions::default()).unwrap();
        assert_eq!(text.lines().count(), 3 + 6);
        let options = LogOptions { since_seconds: Some(15), ..LogOptions::default() };
        assert_eq!(LOGS().read(&pod, "c", &options).unwrap().lines().count(), 2);
    }

    #[test]
    fn what_never_ran_has_no_log() {
        let pod = pod(json!({"waiting": {"reason": "ImagePullBackOff"}}), json!({}));
        let refusal = LOGS().read(&pod, "c", &LogOptions::default()).unwrap_err();
        assert_eq!(
            refusal.message,
            "container \"c\" in pod \"p\" is waiting to start: trying and failing to pull image"
        );
        let options = LogOptions { previous: true, ..LogOptions::default() };
        assert_eq!(LOGS().read(&pod, "c", &options).unwrap_err().code, 400);
    }
}
