//! The life of one simulated container, as a state machine driven by time.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::nodes::behaviour::{Behaviour, Obstacle};
use crate::object;

/// Back-off after failed pulls and crashes: from the first, doubling, to the last.
const FIRST_BACK_OFF: i64 = 10;
const LAST_BACK_OFF: i64 = 300;
/// A container that ran for so long starts over with the back-off.
const FORGIVEN_AFTER: SignedDuration = SignedDuration::from_secs(600);
/// How long a failed pull is shown before it turns into a back-off.
const PULL_ERROR_SHOWN: SignedDuration = SignedDuration::from_secs(2);
/// Between two attempts to create a container that cannot be created.
const CREATE_RETRY: SignedDuration = SignedDuration::from_secs(10);
/// The first restart comes without back-off.
const FIRST_RESTART: SignedDuration = SignedDuration::from_secs(1);

/// Where the container is in its life.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// Being pulled and created, until `due`.
    Creating { due: Timestamp },
    /// Cannot be created, as `reason` and `message` say; something changes at `due`.
    Refused { reason: &'static str, message: String, due: Timestamp },
    /// Running. `failed` means it was ready and is not any more.
    Running { since: Timestamp, ready: bool, failed: bool },
    /// Exited, to be restarted at `due`; with `back_off` (in seconds) it shows as waiting.
    Exited { exit: Exit, due: Timestamp, back_off: Option<i64> },
    /// Exited for good.
    Done { exit: Exit },
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: i64,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
}

/// What happened, for the pod's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    PullFailed(String),
    PullBackOff,
    CreateFailed { reason: &'static str, message: String },
    Started,
    Unhealthy,
    BackOff,
}

/// See the module documentation.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) stage: Stage,
    pub(crate) restarts: u32,
    last_exit: Option<Exit>,
    /// Crashes, or failed pulls, in a row.
    failures: u32,
    /// A number that makes the container id of each run another one.
    serial: u64,
}

/// What a container needs to know of its surroundings to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    pub(crate) behaviour: Behaviour,
    /// Whether the pod wants containers that failed to be restarted.
    pub(crate) restarts: bool,
}

impl Container {
    pub(crate) fn new(spec: &Value, start: Timestamp, serial: u64) -> Self {
        Self {
            name: object::text(spec, "/name").to_owned(),
            image: object::text(spec, "/image").to_owned(),
            stage: Stage::Creating { due: start },
            restarts: 0,
            last_exit: None,
            failures: 0,
            serial,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Running { ready: true, .. })
    }

    /// Whether it has run at least once.
    pub(crate) fn has_started(&self) -> bool {
        !matches!(self.stage, Stage::Creating { .. } | Stage::Refused { .. })
    }

    /// When the next thing happens by itself.
    pub(crate) fn due(&self, behaviour: &Behaviour) -> Option<Timestamp> {
        match self.stage {
            Stage::Creating { due } | Stage::Refused { due, .. } | Stage::Exited { due, .. } => Some(due),
            Stage::Running { since, ready, failed } => {
                let ready_at = behaviour.ready_after.map(|after| since + after);
                let readiness = match (ready, failed) {
                    (false, false) => ready_at,
                    (true, _) => ready_at.zip(behaviour.fails_after).map(|(ready_at, after)| ready_at + after),
                    (false, true) => None,
                };
                let exit = behaviour.exits_after.map(|after| since + after);
                readiness.into_iter().chain(exit).min()
            }
            Stage::Done { .. } => None,
        }
    }

    /// Does what is due at `now`, one thing; returns whether anything was.
    pub(crate) fn step(&mut self, now: Timestamp, around: &Surroundings, notices: &mut Vec<Notice>) -> bool {
        let Some(at) = self.due(&around.behaviour).filter(|due| *due <= now) else {
            return false;
        };
        match self.stage.clone() {
            Stage::Creating { .. } => self.attempt(at, &around.behaviour, notices),
            Stage::Refused { reason: "ErrImagePull", .. } => {
                let wait = self.back_off_seconds(0);
                self.stage = Stage::Refused {
                    reason: "ImagePullBackOff",
                    message: format!(
                        "Back-off pulling image {:?}: ErrImagePull: {}",
                        self.image,
                        pull_error(&self.image)
                    ),
                    due: at + SignedDuration::from_secs(wait),
                };
                notices.push(Notice::PullBackOff);
            }
            Stage::Refused { .. } => self.attempt(at, &around.behaviour, notices),
            Stage::Running { since, ready, .. } => self.run_on(at, since, ready, around, notices),
            Stage::Exited { exit, .. } => {
                self.restarts += 1;
                self.serial += 1;
                self.last_exit = Some(exit);
                self.stage = Stage::Running { since: at, ready: false, failed: false };
                notices.push(Notice::Started);
            }
            Stage::Done { .. } => {}
        }
        true
    }

    fn attempt(&mut self, at: Timestamp, behaviour: &Behaviour, notices: &mut Vec<Notice>) {
        let (reason, message, wait) = match behaviour.obstacle {
            None => {
                self.failures = 0;
                self.stage = Stage::Running { since: at, ready: false, failed: false };
                notices.push(Notice::Started);
                return;
            }
            Some(Obstacle::Pull) => {
                self.failures += 1;
                let message = pull_error(&self.image);
                notices.push(Notice::PullFailed(message.clone()));
                self.stage = Stage::Refused { reason: "ErrImagePull", message, due: at + PULL_ERROR_SHOWN };
                return;
            }
            Some(Obstacle::Config) => {
                let message = format!("configmap \"{}-config\" not found", self.name);
                ("CreateContainerConfigError", message, CREATE_RETRY)
            }
            Some(Obstacle::Create) => {
                let message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: \
                               runc create failed: unable to start container process: exec: \"/app\": stat /app: no such \
                               file or directory: unknown";
                ("CreateContainerError", message.to_owned(), CREATE_RETRY)
            }
        };
        notices.push(Notice::CreateFailed { reason, message: message.clone() });
        self.stage = Stage::Refused { reason, message, due: at + wait };
    }

    fn run_on(
        &mut self,
        at: Timestamp,
        since: Timestamp,
        ready: bool,
        around: &Surroundings,
        notices: &mut Vec<Notice>,
    ) {
        let exits = around.behaviour.exits_after.is_some_and(|after| since + after <= at);
        if !exits {
            if ready {
                notices.push(Notice::Unhealthy);
            }
            self.stage = Stage::Running { since, ready: !ready, failed: ready };
            return;
        }
        let exit = Exit { code: 1, started: since, finished: at };
        if !around.restarts {
            self.stage = Stage::Done { exit };
            return;
        }
        if at.duration_since(since) >= FORGIVEN_AFTER {
            self.failures = 0;
        }
        self.failures += 1;
        self.stage = if self.failures == 1 {
            Stage::Exited { exit, due: at + FIRST_RESTART, back_off: None }
        } else {
            let wait = self.back_off_seconds(1);
            notices.push(Notice::BackOff);
            Stage::Exited { exit, due: at + SignedDuration::from_secs(wait), back_off: Some(wait) }
        };
    }

    /// The back-off after `failures` of which the first `free` cost nothing.
    fn back_off_seconds(&self, free: u32) -> i64 {
        let doublings = self.failures.saturating_sub(1 + free).min(10);
        (FIRST_BACK_OFF << doublings).min(LAST_BACK_OFF)
    }

    /// The container's entry in `status.containerStatuses`. `pod` is how messages call the pod.
    pub(crate) fn status(&self, pod: &str) -> Value {
        let id = format!("containerd://{}", hex::encode(self.fingerprint()));
        let terminated = |exit: &Exit| {
            json!({"terminated": {
                "exitCode": exit.code,
                "reason": if exit.code == 0 { "Completed" } else { "Error" },
                "startedAt": object::format_time(exit.started),
                "finishedAt": object::format_time(exit.finished),
                "containerID": id,
            }})
        };
        let waiting = |reason: &str, message: &str| {
            let mut waiting = json!({"reason": reason});
            if !message.is_empty() {
                waiting["message"] = json!(message);
            }
            json!({"waiting": waiting})
        };
        let mut last = self.last_exit.as_ref().map_or_else(|| json!({}), terminated);
        let state = match &self.stage {
            Stage::Creating { .. } => waiting("ContainerCreating", ""),
            Stage::Refused { reason, message, .. } => waiting(reason, message),
            Stage::Running { since, .. } => {
                json!({"running": {"startedAt": object::format_time(*since)}})
            }
            Stage::Exited { exit, back_off: None, .. } | Stage::Done { exit } => terminated(exit),
            Stage::Exited { exit, back_off: Some(seconds), .. } => {
                last = terminated(exit);
                let time = if *seconds < 60 { format!("{seconds}s") } else { minutes(*seconds) };
                let message = format!("back-off {time} restarting failed container={} pod={pod}", self.name);
                waiting("CrashLoopBackOff", &message)
            }
        };
        let running = matches!(self.stage, Stage::Running { .. });
        let mut status = json!({
            "name": self.name,
            "state": state,
            "lastState": last,
            "ready": self.is_ready(),
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": "",
            "started": running,
        });
        if self.has_started() {
            status["imageID"] = json!(image_id(&self.image));
            status["containerID"] = json!(id);
        }
        status
    }

    fn fingerprint(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(format!("{}/{}/{}", self.serial, self.restarts, self.name)).into()
    }
}

/// What a registry that has no such image makes a kubelet say.
fn pull_error(image: &str) -> String {
    format!("failed to pull and unpack image {image:?}: failed to resolve reference {image:?}: {image}: not found")
}

/// The content address of an image that has none of its own.
fn image_id(image: &str) -> String {
    use sha2::Digest;
    let repository = image.split('@').next().unwrap_or_default();
    let slash = repository.rfind('/').map_or(0, |slash| slash + 1);
    let end = repository[slash..].find(':').map_or(repository.len(), |colon| slash + colon);
    format!("{}@sha256:{}", &repository[..end], hex::encode(sha2::Sha256::digest(image)))
}

fn minutes(seconds: i64) -> String {
    format!("{}m{}s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(obstacle: Option<Obstacle>, exits_after: Option<i64>) -> Surroundings {
        Surroundings {
            behaviour: Behaviour {
                start_after: SignedDuration::ZERO,
                obstacle,
                ready_after: Some(SignedDuration::from_secs(1)),
                fails_after: None,
                exits_after: exits_after.map(SignedDuration::from_secs),
                stubborn: false,
            },
            restarts: true,
        }
    }

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    /// The seconds at which the state changed, and the reason it then waited for.
    fn life(around: &Surroundings, changes: usize) -> Vec<(i64, String)> {
        let mut container = Container::new(&json!({"name": "c", "image": "app:v1"}), start(), 1);
        let mut notices = Vec::new();
        (0..changes)
            .map(|_| {
                let due = container.due(&around.behaviour).unwrap();
                assert!(container.step(due, around, &mut notices));
                let status = container.status("p");
                let state = status["state"].as_object().unwrap();
                let (kind, detail) = state.iter().next().unwrap();
                let shown = if kind == "waiting" { object::text(detail, "/reason").to_owned() } else { kind.clone() };
                (due.duration_since(start()).as_secs(), shown)
            })
            .collect()
    }

    #[test]
    fn a_healthy_container_gets_ready() {
        let mut container = Container::new(&json!({"name": "c", "image": "app:v1"}), start(), 1);
        let around = around(None, None);
        let mut notices = Vec::new();
        let later = start() + SignedDuration::from_secs(5);
        assert!(container.step(later, &around, &mut notices) && !container.is_ready());
        assert!(container.step(later, &around, &mut notices) && container.is_ready());
        assert!(!container.step(later, &around, &mut notices));
        assert_eq!(notices, [Notice::Started]);
    }

    #[test]
    fn crashes_back_off_and_double() {
        let mut around = around(None, Some(1));
        around.behaviour.ready_after = None;
        let seen = life(&around, 8);
        let expected = [
            (0, "running"),
            (1, "terminated"),
            (2, "running"),
            (3, "CrashLoopBackOff"),
            (13, "running"),
            (14, "CrashLoopBackOff"),
            (34, "running"),
            (35, "CrashLoopBackOff"),
        ];
        assert_eq!(seen, expected.map(|(time, what)| (time, what.to_owned())));
    }

    #[test]
    fn pulls_back_off_and_are_tried_again() {
        let seen = life(&around(Some(Obstacle::Pull), None), 4);
        let expected = [(0, "ErrImagePull"), (2, "ImagePullBackOff"), (12, "ErrImagePull"), (14, "ImagePullBackOff")];
        assert_eq!(seen, expected.map(|(time, what)| (time, what.to_owned())));
    }

    #[test]
    fn image_ids_keep_the_repository() {
        assert!(image_id("host:5000/a/app:v1").starts_with("host:5000/a/app@sha256:"));
    }
}
