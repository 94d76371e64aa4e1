//! The clock and the random numbers of the real world; everything else takes them as arguments.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::{Clock, Ids};
use uuid::Uuid;

/// The computer's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

/// Now, for those who need no [`Clock`].
#[expect(clippy::disallowed_methods, reason = "this is the one place where the real time comes in")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        // The wall clock may jump while we sleep, so look again until it says so.
        loop {
            let left = deadline.duration_since(now());
            if left <= SignedDuration::ZERO {
                return;
            }
            tokio::time::sleep(left.unsigned_abs()).await;
        }
    }
}

/// Random UUIDs, the form that EDAS clients expect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomIds;

impl Ids for RandomIds {
    fn fresh(&self) -> Uuid {
        Uuid::new_v4()
    }
}
