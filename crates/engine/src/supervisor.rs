//! Starts a runner for every active order and keeps it until the order ends.
//!
//! The list of active orders in the store is the only list: an order that nobody runs, for whatever reason (a crash here, a crash of
//! another server, a store that was away), is found by the next look. Commands cause a look at once; time causes one every third of a lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use sternway_core::ids::OrderId;
use sternway_core::ports::StoreError;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{Engine, runner};

/// How commands wake runners and the supervisor.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    orders: Mutex<HashMap<OrderId, Arc<Notify>>>,
    supervisor: Notify,
    rules: Notify,
}

impl Wakers {
    /// There may be a new active order.
    pub(crate) fn new_order(&self) {
        self.supervisor.notify_one();
    }

    /// The rules of scaling were changed.
    pub(crate) fn rules(&self) {
        self.rules.notify_one();
    }

    /// Returns when [`Wakers::rules`] was called since it last returned.
    pub(crate) async fn rules_changed(&self) {
        self.rules.notified().await;
    }

    /// Something was written to this order.
    pub(crate) fn order(&self, id: OrderId) {
        if let Some(waker) = self.lock().get(&id) {
            waker.notify_one();
        }
    }

    /// How many orders can be woken.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, Arc<Notify>>> {
        // A map that was being changed while its thread panicked is still a map.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a runner ended with.
type Ended = (OrderId, Result<(), StoreError>);

impl Engine {
    /// Runs orders until `cancel`; then every runner stops between two writes, gives its lease back, and leaves its order to be taken up again.
    pub async fn run(self: &Arc<Self>, cancel: CancellationToken) {
        let mut runners: JoinSet<Ended> = JoinSet::new();
        while !cancel.is_cancelled() {
            if let Err(error) = self.start_missing(&mut runners, &cancel).await {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot list active orders; trying again");
            }
            let now = self.ports.clock.now();
            let pause = SignedDuration::from_secs(i64::from(self.settings.lease_seconds)) / 3;
            let next_look = now.checked_add(pause).unwrap_or(now);
            // A runner that ends is no reason to look: its order has ended, or someone else runs it.
            loop {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => break,
                    () = self.wakers.supervisor.notified() => break,
                    () = self.ports.clock.sleep_until(next_look) => break,
                    Some(ended) = runners.join_next() => self.ended(ended),
                }
            }
        }
        while let Some(ended) = runners.join_next().await {
            self.ended(ended);
        }
    }

    async fn start_missing(
        self: &Arc<Self>,
        runners: &mut JoinSet<Ended>,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        // In the sequence of the list they ask for places: rollbacks first, then by age.
        for id in self.ports.store.active_orders().await? {
            let waker = Arc::new(Notify::new());
            {
                let mut orders = self.wakers.lock();
                if orders.contains_key(&id) {
                    continue;
                }
                orders.insert(id, waker.clone());
            }
            let (engine, cancel) = (self.clone(), cancel.clone());
            runners.spawn(async move {
                // Forgets the waker even if the runner panics, so that the order is taken up again.
                let _place = Place { engine: engine.clone(), id };
                (id, runner::run(&engine, id, waker, &cancel).await)
            });
        }
        Ok(())
    }

    fn ended(&self, ended: Result<Ended, JoinError>) {
        match ended {
            Ok((_, Ok(()))) => {}
            Ok((order, Err(error))) => {
                tracing::error!(%order, error = &error as &dyn std::error::Error, "the store failed; the order is taken up again");
            }
            Err(error) => tracing::error!(%error, "a runner broke; its order is taken up again"),
        }
    }
}

struct Place {
    engine: Arc<Engine>,
    id: OrderId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.engine.wakers.lock().remove(&self.id);
    }
}
