//! How a simulated container behaves: chosen by words in its image tag, or in an annotation of its pod.
//!
//! Words are the parts of the tag (or of the annotation `sandbox.sternway.io/behaviour`, which holds for all
//! containers of the pod) between `-`, `_`, `.`, `+`, commas and spaces: `app:v2-slow4` has the word `slow4`. A number
//! at the end of a word is in seconds. Unknown words mean nothing, so that ordinary tags give healthy containers.
//!
//! | word | what happens |
//! |---|---|
//! | `bad`, `crash` | starts and exits with code 1 before it is ready, again and again (CrashLoopBackOff) |
//! | `bad-pull`, `nopull` | the image cannot be pulled (ErrImagePull, ImagePullBackOff) |
//! | `noconfig` | a ConfigMap is missing (CreateContainerConfigError) |
//! | `nocreate` | the container cannot be created (CreateContainerError) |
//! | `slowstart`, `slowstart20` | the image takes 10 (20) seconds to be pulled |
//! | `slow`, `slow4` | ready 10 (4) seconds after its start |
//! | `neverready` | runs and is never ready |
//! | `fails`, `fails60` | ready as usual, and not any more 30 (60) seconds later |
//! | `dies`, `dies60` | ready as usual, and exits with code 1 after 30 (60) seconds, again and again |
//! | `stubborn` | ignores the request to stop and is killed at the end of its grace period |
//!
//! An image vanishes for all nodes when the ConfigMap `sandbox-images` in `kube-system` lists it under the key
//! `missing` (one image a line; a `*` at the end matches any rest): from then on no container can be *created* from
//! it, while those that run go on and may restart.

use jiff::SignedDuration;
use serde_json::Value;

use crate::object;
use crate::resources;
use crate::sandbox::Options;
use crate::storage::Storage;

/// The annotation with behaviour words for all containers of a pod.
pub const BEHAVIOUR_ANNOTATION: &str = "sandbox.sternway.io/behaviour";
const IMAGE_LIST: (&str, &str) = ("kube-system", "sandbox-images");
const DEFAULT_SLOW: i64 = 10;
const DEFAULT_HEALTHY: i64 = 30;
/// How long a crashing container runs. Shorter than it takes to get ready.
const CRASH_AFTER: SignedDuration = SignedDuration::from_millis(800);

/// What becomes of one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behaviour {
    /// From being placed to running.
    pub(crate) start_after: SignedDuration,
    pub(crate) obstacle: Option<Obstacle>,
    /// From running to ready; `None` for never.
    pub(crate) ready_after: Option<SignedDuration>,
    /// From ready to not ready any more.
    pub(crate) fails_after: Option<SignedDuration>,
    /// From running to exiting with code 1.
    pub(crate) exits_after: Option<SignedDuration>,
    /// Ignores the request to stop.
    pub(crate) stubborn: bool,
}

/// Why a container cannot even be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    Pull,
    Config,
    Create,
}

impl Behaviour {
    /// The behaviour of a container of `pod`.
    pub(crate) fn of(storage: &Storage, options: &Options, pod: &Value, container: &Value) -> Self {
        let image = object::text(container, "/image");
        let initial_delay = object::integer(container, "/readinessProbe/initialDelaySeconds").unwrap_or(0);
        let mut behaviour = Self {
            start_after: options.start_delay,
            obstacle: None,
            ready_after: Some(options.ready_delay.max(SignedDuration::from_secs(initial_delay))),
            fails_after: None,
            exits_after: None,
            stubborn: false,
        };
        behaviour.read_words(tag(image));
        behaviour.read_words(object::annotation(pod, BEHAVIOUR_ANNOTATION).unwrap_or_default());
        if is_missing(storage, image) {
            behaviour.obstacle = Some(Obstacle::Pull);
        }
        behaviour
    }

    fn read_words(&mut self, text: &str) {
        let words: Vec<&str> = text.split(['-', '_', '.', '+', ',', ' ']).collect();
        for (index, word) in words.iter().enumerate() {
            let stem = word.trim_end_matches(|digit: char| digit.is_ascii_digit());
            let seconds = |default| SignedDuration::from_secs(word[stem.len()..].parse().unwrap_or(default));
            match stem {
                "bad" if words.get(index + 1) == Some(&"pull") => self.obstacle = Some(Obstacle::Pull),
                "nopull" => self.obstacle = Some(Obstacle::Pull),
                "noconfig" => self.obstacle = Some(Obstacle::Config),
                "nocreate" => self.obstacle = Some(Obstacle::Create),
                "bad" | "crash" => {
                    self.exits_after = Some(CRASH_AFTER);
                    self.ready_after = None;
                }
                "slowstart" => self.start_after = seconds(DEFAULT_SLOW),
                "slow" => self.ready_after = Some(seconds(DEFAULT_SLOW)),
                "neverready" => self.ready_after = None,
                "fails" => self.fails_after = Some(seconds(DEFAULT_HEALTHY)),
                "dies" => self.exits_after = Some(seconds(DEFAULT_HEALTHY)),
                "stubborn" => self.stubborn = true,
                _ => {}
            }
        }
    }
}

/// Whether an image has vanished.
fn is_missing(storage: &Storage, image: &str) -> bool {
    let Some(list) = storage.get(resources::CONFIGMAPS, IMAGE_LIST.0, IMAGE_LIST.1) else {
        return false;
    };
    object::text(list, "/data/missing").lines().map(str::trim).filter(|line| !line.is_empty()).any(|line| {
        match line.strip_suffix('*') {
            Some(prefix) => image.starts_with(prefix),
            None => image == line,
        }
    })
}

/// The tag of an image reference, without a digest; "" when it has none.
fn tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').map_or("", |(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn behaviour(image: &str, words: &str) -> Behaviour {
        let pod = json!({"metadata": {"annotations": {BEHAVIOUR_ANNOTATION: words}}});
        Behaviour::of(&Storage::new(), &Options::default(), &pod, &json!({"image": image}))
    }

    #[test]
    fn words_in_the_tag_choose() {
        assert_eq!(behaviour("app:v1", ""), behaviour("badger/app-bad:v1", ""));
        assert_eq!(behaviour("app:v2-bad", "").exits_after, Some(CRASH_AFTER));
        assert_eq!(behaviour("app:v2-bad-pull", "").obstacle, Some(Obstacle::Pull));
        assert_eq!(behaviour("host:5000/app:v2-slow4", "").ready_after, Some(SignedDuration::from_secs(4)));
        assert_eq!(behaviour("app:neverready@sha256:00", "").ready_after, None);
    }

    #[test]
    fn the_annotation_adds_words() {
        assert_eq!(behaviour("app:v1", "fails60, stubborn").fails_after, Some(SignedDuration::from_secs(60)));
        assert!(behaviour("app:v1", "fails60, stubborn").stubborn);
    }

    #[test]
    fn a_listed_image_is_missing() {
        let mut storage = Storage::new();
        storage.put(
            resources::CONFIGMAPS,
            json!({
            "metadata": {"name": "sandbox-images", "namespace": "kube-system"},
            "data": {"missing": "app:v1\nregistry/old*\n"}}),
        );
        assert!(is_missing(&storage, "app:v1"));
        assert!(is_missing(&storage, "registry/older:v9"));
        assert!(!is_missing(&storage, "app:v10"));
    }
}
