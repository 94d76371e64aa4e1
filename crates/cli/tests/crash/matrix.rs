//! Every story, killed once at every one of its points.
//!
//! A first run counts: it says which points there are, such as `commit:before:7`. Then each point is a run. How often something is
//! committed depends a little on how observations fall together, so after the last counted point of a kind there are more runs, until one
//! is not reached: then none is left out.
//!
//! `STERNWAY_CRASH_STRIDE=3` takes every third point only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::story::Story;

/// Runs at the same time: each is three processes that mostly wait for each other.
const AT_ONCE: usize = 6;
/// More points of a kind than any story has.
const TOO_MANY: u64 = 500;

/// How many points a story has of each kind, by a run without a crash.
async fn count(story: Story) -> BTreeMap<String, u64> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("points");
    assert!(!story.play(None, Some(&path)).await, "nothing kills it");
    let mut points = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let (kind, number) = line.rsplit_once(':').unwrap();
        points.insert(kind.to_owned(), number.parse().unwrap());
    }
    points
}

fn stride() -> usize {
    std::env::var("STERNWAY_CRASH_STRIDE").map_or(1, |text| text.parse().unwrap())
}

async fn killed_at_each_point(story: Story) {
    let began = Instant::now();
    let points = count(story).await;
    for kind in ["commit:before", "commit:after", "write:before", "write:after"] {
        assert!(points.get(kind).is_some_and(|count| *count > 0), "{story:?} has {points:?}");
    }
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let (mut playing, mut names) = (JoinSet::new(), HashMap::new());
    let counted = points.iter().flat_map(|(kind, count)| (1..=*count).map(move |number| format!("{kind}:{number}")));
    for point in counted.step_by(stride()) {
        let (places, name) = (Arc::clone(&places), point.clone());
        let task = playing.spawn_local(async move {
            let _place = places.acquire_owned().await;
            u64::from(story.play(Some(&point), None).await)
        });
        names.insert(task.id(), name);
    }
    for (kind, count) in &points {
        let (places, kind, first) = (Arc::clone(&places), kind.clone(), count + 1);
        let name = format!("{kind}:{first} and later");
        let task = playing.spawn_local(async move {
            let _place = places.acquire_owned().await;
            let mut kills = 0;
            while story.play(Some(&format!("{kind}:{}", first + kills)), None).await {
                kills += 1;
                assert!(kills < TOO_MANY, "{kind} has no end");
            }
            kills
        });
        names.insert(task.id(), name);
    }
    let (runs, mut kills, mut failed) = (playing.len(), 0, Vec::new());
    while let Some(ended) = playing.join_next_with_id().await {
        match ended {
            Ok((_, killed)) => kills += killed,
            Err(error) => failed.push(&names[&error.id()]),
        }
    }
    assert!(failed.is_empty(), "{story:?} ended wrong when killed at {failed:#?}");
    println!("{story:?}: {points:?}, {runs} runs, {kills} kills, {} s", began.elapsed().as_secs());
    assert!(kills > 0);
}

/// A test per story, and one after the other, for each keeps the machine busy.
async fn alone(story: Story) {
    static PLAYING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _playing = PLAYING.lock().await;
    LocalSet::new().run_until(killed_at_each_point(story)).await;
}

macro_rules! stories {
    ($($name:ident => $story:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            alone(Story::$story).await;
        }
    )+};
}

stories! {
    a_creation_ends_right_wherever_the_server_is_killed => Create;
    a_release_ends_right_wherever_the_server_is_killed => Release;
    an_abort_ends_right_wherever_the_server_is_killed => Abort;
    a_rollback_ends_right_wherever_the_server_is_killed => AbortAndRollBack;
    an_automatic_rollback_ends_right_wherever_the_server_is_killed => AutomaticRollback;
    a_scaling_ends_right_wherever_the_server_is_killed => Scale;
    a_deletion_ends_right_wherever_the_server_is_killed => Delete;
}
