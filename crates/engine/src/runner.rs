//! Drives one order to its end.
//!
//! ```text
//!  ┌─► hold the lease ─► load ─► ended? ──yes──► give the lease back
//!  │                      │
//!  │                 take a place (and load again, if it had to be waited for)
//!  │                      │
//!  │        pending effect due? ──yes──► perform ─► step(outcome) ─► commit ─┐
//!  │                      │ no                                             │
//!  │                   observe ─► step(observation) ─► commit if changed ───┤
//!  │                      │ nothing to do                                  │
//!  └────────── wait for a watch, a command, time or the lease ◄─────────────┘
//! ```
//!
//! Everything is loaded anew in every round: there is no state here that a crash could lose, and the first round after a crash is a
//! round like any other.

mod backoff;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sternway_core::effect::Writer;
use sternway_core::ids::{Fence, OrderId, VersionNumber};
use sternway_core::observation::Observation;
use sternway_core::order::{Order, Pending};
use sternway_core::ports::{ClusterError, Commit, CommitError, StoreError, StoreWrite, WriteGuard};
use sternway_core::step::{Context, Input, Transition, VersionChange, step};
use sternway_core::version::Version;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::backoff::Backoff;
use crate::Engine;

/// Drives an order until it ends, the lease is someone else's, or `cancel`.
///
/// # Errors
/// When the store fails; the order is then taken up again later, from where it stands.
pub(crate) async fn run(
    engine: &Engine,
    id: OrderId,
    waker: Arc<Notify>,
    cancel: &CancellationToken,
) -> Result<(), StoreError> {
    let mut runner = Runner { engine, id, waker, lease: None, backoff: Backoff::default(), blind: false };
    let result = runner.rounds(cancel).await;
    if let Some(Lease { fence, .. }) = runner.lease {
        engine.ports.store.release_lease(id, fence).await?;
    }
    result
}

struct Runner<'e> {
    engine: &'e Engine,
    id: OrderId,
    waker: Arc<Notify>,
    lease: Option<Lease>,
    backoff: Backoff,
    /// The workload could not be observed at the last look.
    blind: bool,
}

#[derive(Clone, Copy)]
struct Lease {
    fence: Fence,
    renew_at: Timestamp,
}

/// What a round ends with.
enum Round {
    /// Look again at once.
    Again,
    /// Wait for something to happen, at the latest until then.
    Wait(Option<Timestamp>),
    /// Nothing is left to do here.
    Over,
}

impl Runner<'_> {
    async fn rounds(&mut self, cancel: &CancellationToken) -> Result<(), StoreError> {
        let mut place = None;
        loop {
            let Some(lease) = self.hold_lease().await? else {
                return Ok(());
            };
            let Some(order) = self.engine.ports.store.order(self.id).await? else {
                return Ok(());
            };
            if order.status.is_terminal() {
                return Ok(());
            }
            if place.is_none() {
                place = self.engine.places.try_enter(&order);
            }
            if place.is_none() {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => return Ok(()),
                    found = self.engine.places.enter(&order) => place = Some(found),
                }
                continue;
            }
            match self.round(&order, lease).await? {
                Round::Again if !cancel.is_cancelled() => {}
                Round::Again | Round::Over => return Ok(()),
                Round::Wait(until) => {
                    place = None;
                    let until = until.map_or(lease.renew_at, |until| until.min(lease.renew_at));
                    tokio::select! {
                        // In sequence, not at random: the same events make the same run.
                        biased;
                        () = cancel.cancelled() => return Ok(()),
                        () = self.waker.notified() => {}
                        () = self.engine.ports.clusters.changed(&order.workload) => {}
                        () = self.engine.ports.clock.sleep_until(until) => {}
                    }
                }
            }
        }
    }

    /// Takes the lease, or renews it when a third of its time has passed.
    async fn hold_lease(&mut self) -> Result<Option<Lease>, StoreError> {
        let now = self.engine.ports.clock.now();
        if let Some(lease) = self.lease
            && now < lease.renew_at
        {
            return Ok(Some(lease));
        }
        self.lease = self.engine.take_lease(self.id, now).await?;
        Ok(self.lease)
    }

    async fn round(&mut self, order: &Order, lease: Lease) -> Result<Round, StoreError> {
        let now = self.engine.ports.clock.now();
        match &order.pending {
            Some(pending) if self.backoff.is_over(now) => self.perform(order, pending, lease).await,
            _ => self.look(order, lease).await,
        }
    }

    async fn perform(&mut self, order: &Order, pending: &Pending, lease: Lease) -> Result<Round, StoreError> {
        let writer = Writer { app: order.app, order: order.id, fence: lease.fence, object: order.object };
        let guard = Guard { engine: self.engine, order: order.id, revision: order.revision, fence: lease.fence };
        let clusters = &self.engine.ports.clusters;
        let outcome = clusters.perform(&order.workload, &pending.effect, writer, &guard).await;
        let now = self.engine.ports.clock.now();
        match outcome {
            Ok(performed) => {
                self.backoff = Backoff::default();
                self.advance(order, Input::Performed(&performed), lease).await
            }
            // Someone gave the order a command, or took it over: load it again.
            Err(ClusterError::NotOurs) => {
                self.lease = None;
                Ok(Round::Again)
            }
            Err(error) => {
                tracing::info!(order = %order.id, %error, "an effect was not performed");
                self.backoff.failed(&error, now);
                match self.advance(order, Input::NotPerformed(&error), lease).await? {
                    // Nothing came of it but another try, of which no watch will tell.
                    Round::Wait(_) if self.backoff.is_over(now) => Ok(Round::Again),
                    Round::Wait(until) => Ok(Round::Wait(until.into_iter().chain(self.backoff.until()).min())),
                    round => Ok(round),
                }
            }
        }
    }

    async fn look(&mut self, order: &Order, lease: Lease) -> Result<Round, StoreError> {
        let retry_at = order.pending.is_some().then(|| self.backoff.until()).flatten();
        let observation = match self.engine.ports.clusters.observe(&order.workload).await {
            // It is back, perhaps after longer than the order may take: what was to be done is tried before anybody looks at the time.
            Ok(_) if std::mem::take(&mut self.blind) && order.pending.is_some() => {
                self.backoff = Backoff::default();
                return Ok(Round::Again);
            }
            Ok(observation) => observation,
            Err(ClusterError::Unknown(_)) if order.pending.is_none() => Observation::Gone { pods: Vec::new() },
            Err(error) => {
                tracing::debug!(order = %order.id, %error, "the workload cannot be observed");
                self.blind = true;
                let now = self.engine.ports.clock.now();
                let later = retry_at.unwrap_or_else(|| backoff::after(now, backoff::SHORTEST));
                return Ok(Round::Wait(Some(later)));
            }
        };
        match self.advance(order, Input::Observed(&observation), lease).await? {
            Round::Wait(until) => Ok(Round::Wait(until.into_iter().chain(retry_at).min())),
            round => Ok(round),
        }
    }

    /// One step and its commit.
    async fn advance(&mut self, order: &Order, input: Input<'_>, lease: Lease) -> Result<Round, StoreError> {
        let engine = self.engine;
        let context = Context {
            now: engine.ports.clock.now(),
            fresh_id: engine.fresh_order_id(),
            patience: engine.settings.patience,
        };
        let Ok(transition) = step(order, input, context) else {
            // Only commands can be illegal.
            return Ok(Round::Over);
        };
        let (wake, born) = (transition.wake, transition.born.is_some());
        if transition.next.revision == order.revision {
            return Ok(Round::Wait(wake));
        }
        for event in &transition.events {
            tracing::info!(order = %order.id, app = %order.app, event = %event.kind, "{}", event.text);
        }
        match engine.commit_step(order, transition, Some((order.id, lease.fence))).await {
            Ok(next) => {
                if born {
                    engine.wakers.new_order();
                }
                Ok(match (next.status.is_terminal(), next.pending.is_some(), wake) {
                    (true, ..) => Round::Over,
                    (false, true, _) => Round::Again,
                    (false, false, wake) => Round::Wait(wake),
                })
            }
            Err(CommitError::Conflict(_)) => Ok(Round::Again),
            Err(CommitError::LeaseLost) => {
                self.lease = None;
                Ok(Round::Over)
            }
            Err(CommitError::Store(error)) => Err(error),
            Err(error @ (CommitError::OrderActive(_) | CommitError::NameTaken)) => {
                Err(StoreError { doing: "commit a step".to_owned(), source: Box::new(error) })
            }
        }
    }
}

/// Asked between the read and the write: the order is still as it was when the effect was decided, and the lease is still ours. Asking
/// renews the lease.
struct Guard<'e> {
    engine: &'e Engine,
    order: OrderId,
    revision: u64,
    fence: Fence,
}

#[async_trait]
impl WriteGuard for Guard<'_> {
    async fn still_ours(&self) -> bool {
        let now = self.engine.ports.clock.now();
        let leased = match self.engine.take_lease(self.order, now).await {
            Ok(lease) => lease.is_some_and(|lease| lease.fence == self.fence),
            Err(_) => false,
        };
        let order = self.engine.ports.store.order(self.order).await;
        leased && matches!(order, Ok(Some(order)) if order.revision == self.revision)
    }
}

impl Engine {
    async fn take_lease(&self, order: OrderId, now: Timestamp) -> Result<Option<Lease>, StoreError> {
        let length = SignedDuration::from_secs(i64::from(self.settings.lease_seconds));
        let until = now.checked_add(length).unwrap_or(now);
        let renew_at = now.checked_add(length / 3).unwrap_or(now);
        let fence = self.ports.store.lease(order, &self.settings.holder, now, until).await?;
        Ok(fence.map(|fence| Lease { fence, renew_at }))
    }

    /// Writes everything that follows from a step of `before`, all or nothing. Answers with the order as it is now.
    pub(crate) async fn commit_step(
        &self,
        before: &Order,
        transition: Transition,
        lease: Option<(OrderId, Fence)>,
    ) -> Result<Order, CommitError> {
        let Transition { next, born, app, versions, events, .. } = transition;
        if next.revision == before.revision {
            return Ok(next);
        }
        let store = &self.ports.store;
        let mut writes = vec![StoreWrite::UpdateOrder(Box::new(next.clone()))];
        if !app.is_empty() {
            let Some(present) = store.app(before.app).await? else {
                return Err(CommitError::Conflict(format!("application {}", before.app)));
            };
            writes.push(match present.apply(&app) {
                Some(mut changed) => {
                    changed.revision += 1;
                    StoreWrite::UpdateApp(Box::new(changed))
                }
                None => StoreWrite::DeleteApp(before.app),
            });
        }
        let mut changed: BTreeMap<VersionNumber, Version> = BTreeMap::new();
        for change in versions {
            let number = match change {
                VersionChange::Stored(number, _) | VersionChange::Good(number) => number,
            };
            let known = match changed.remove(&number) {
                Some(version) => Some(version),
                None => store.version(before.app, number).await?,
            };
            let Some(mut version) = known else { continue };
            match change {
                VersionChange::Stored(_, snapshot) => version.snapshot = *snapshot,
                VersionChange::Good(_) => version.good = true,
            }
            changed.insert(number, version);
        }
        writes.extend(changed.into_values().map(|version| StoreWrite::PutVersion(Box::new(version))));
        writes.extend(born.map(|order| StoreWrite::InsertOrder(Box::new(order))));
        writes.push(StoreWrite::AppendEvents(before.id, events));
        store.commit(Commit { lease, writes }).await?;
        Ok(next)
    }
}
