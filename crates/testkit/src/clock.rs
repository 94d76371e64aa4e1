//! The clock and the ids of a simulated process.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::{Clock, Ids};
use uuid::Uuid;

use crate::universe::{ProcessId, Universe};

/// Virtual time, as far off as the process's clock is.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    pub(crate) universe: Arc<Universe>,
    pub(crate) process: ProcessId,
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let state = self.universe.lock();
        state.now + SignedDuration::from_millis(state.processes[self.process].skew_ms)
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        // As with the real clock, a sleep counts time that passes, and looks at the clock afterwards.
        loop {
            let left = deadline.duration_since(self.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            self.universe.pause(self.process, left).await;
        }
    }
}

/// Ids that follow from the seed.
#[derive(Debug)]
pub(crate) struct SeededIds(pub(crate) Arc<Universe>);

impl Ids for SeededIds {
    fn fresh(&self) -> Uuid {
        self.0.lock().fresh_id()
    }
}
