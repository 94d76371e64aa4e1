//! A commit: the lease first, then its writes in their sequence, then the rule of one active order per application.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;
use sternway_core::ids::{AppId, Fence, OrderId};
use sternway_core::order::Order;
use sternway_core::ports::{Commit, CommitError, StoreWrite};

use crate::error::Doing as _;
use crate::tables::{apps, events, leases, orders, records, versions};
use crate::writer::Command;

impl Command for Commit {
    type Output = ();
    type Error = CommitError;

    fn doing(&self) -> String {
        match &self.lease {
            Some((order, _)) => format!("commit a step of change order {order}"),
            None => "commit".to_owned(),
        }
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<(), CommitError> {
        if let Some((order, fence)) = self.lease {
            check_lease(connection, order, fence).await?;
        }
        let mut active = Active::default();
        for write in self.writes {
            match write {
                StoreWrite::InsertOrder(order) => {
                    orders::insert(connection, &order).await?;
                    active.note(&order);
                }
                StoreWrite::UpdateOrder(order) => {
                    orders::update(connection, &order).await?;
                    active.note(&order);
                }
                StoreWrite::InsertApp(app) => apps::insert(connection, &app).await?,
                StoreWrite::UpdateApp(app) => apps::update(connection, &app).await?,
                StoreWrite::DeleteApp(id) => {
                    apps::delete(connection, id).await?;
                    records::delete_of(connection, &id.to_string()).await?;
                }
                StoreWrite::PutVersion(version) => versions::put(connection, &version).await?,
                StoreWrite::AppendEvents(order, events) => {
                    events::append(connection, order, &events).await?;
                }
            }
        }
        for (order, app) in active.0 {
            orders::activate(connection, order, app).await?;
        }
        Ok(())
    }
}

/// Orders that are not terminal after the writes so far.
#[derive(Debug, Default)]
struct Active(BTreeMap<OrderId, AppId>);

impl Active {
    fn note(&mut self, order: &Order) {
        if order.status.is_terminal() {
            self.0.remove(&order.id);
        } else {
            self.0.insert(order.id, order.app);
        }
    }
}

async fn check_lease(connection: &mut SqliteConnection, order: OrderId, fence: Fence) -> Result<(), CommitError> {
    let lease = leases::get(connection, order).await.doing(|| format!("read the lease of change order {order}"))?;
    match lease {
        Some(lease) if lease.fence == fence => Ok(()),
        Some(_) | None => Err(CommitError::LeaseLost),
    }
}
