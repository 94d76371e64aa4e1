//! Drives one order to its end.

use sternway_core::ids::{Fence, OrderId};
use sternway_core::order::Order;
use sternway_core::ports::{Commit, CommitError, StoreWrite};
use sternway_core::step::{Transition, VersionChange};

use crate::Engine;

impl Engine {
    /// Writes everything that follows from a step of `before`, all or nothing. Answers with the order as it is now.
    pub(crate) async fn commit_step(
        &self,
        before: &Order,
        transition: Transition,
        lease: Option<(OrderId, Fence)>,
    ) -> Result<Order, CommitError> {
        let Transition {
            next,
            born,
            app,
            versions,
            events,
            ..
        } = transition;
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
        for change in versions {
            let number = match change {
                VersionChange::Stored(number, _) | VersionChange::Good(number) => number,
            };
            let Some(mut version) = store.version(before.app, number).await? else {
                continue;
            };
            match change {
                VersionChange::Stored(_, snapshot) => version.snapshot = *snapshot,
                VersionChange::Good(_) => version.good = true,
            }
            writes.push(StoreWrite::PutVersion(Box::new(version)));
        }
        writes.extend(born.map(|order| StoreWrite::InsertOrder(Box::new(order))));
        writes.push(StoreWrite::AppendEvents(before.id, events));
        store.commit(Commit { lease, writes }).await?;
        Ok(next)
    }
}
