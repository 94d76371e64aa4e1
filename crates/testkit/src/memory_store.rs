//! The store's contract in memory: every call is done when it is first polled, so that a simulation decides how long it takes.
//!
//! It passes the very suite that the store on SQLite passes (`tests/contract.rs`).

mod records;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use sternway_core::application::Application;
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId, PartId, VersionNumber};
use sternway_core::order::{Event, Order, OrderKind};
use sternway_core::ports::{
    AccessKey, AppFilter, ClusterRecord, Commit, CommitError, LogicalRegion, Record, Store, StoreError, StoreWrite,
};
use sternway_core::version::Version;

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    documents: Mutex<Vec<Record>>,
}

#[derive(Debug, Default)]
struct Tables {
    /// What commits write; replaced whole, so that a commit is all or nothing.
    records: Records,
    leases: BTreeMap<OrderId, Lease>,
    last_fence: u64,
    keys: Vec<AccessKey>,
    clusters: Vec<ClusterRecord>,
    regions: Vec<LogicalRegion>,
    last_region: i64,
}

#[derive(Debug, Clone, Default)]
struct Records {
    orders: BTreeMap<OrderId, (u64, Arc<Order>)>,
    sequence: u64,
    apps: BTreeMap<AppId, Arc<Application>>,
    versions: BTreeMap<(AppId, VersionNumber), Arc<Version>>,
    events: BTreeMap<OrderId, Arc<Vec<Event>>>,
}

#[derive(Debug)]
struct Lease {
    holder: String,
    fence: Fence,
    until: Timestamp,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn write(&mut self, write: StoreWrite) -> Result<(), CommitError> {
        match write {
            StoreWrite::InsertOrder(order) => {
                if self.orders.contains_key(&order.id) {
                    return Err(CommitError::Conflict(format!("change order {}", order.id)));
                }
                self.sequence += 1;
                self.orders.insert(order.id, (self.sequence, Arc::from(order)));
            }
            StoreWrite::UpdateOrder(order) => match self.orders.get_mut(&order.id) {
                Some((_, present)) if present.revision + 1 == order.revision => *present = Arc::from(order),
                _ => return Err(CommitError::Conflict(format!("change order {}", order.id))),
            },
            StoreWrite::InsertApp(app) => {
                if self.apps.contains_key(&app.id) {
                    return Err(CommitError::Conflict(format!("application {}", app.id)));
                }
                self.check_name(&app)?;
                self.apps.insert(app.id, Arc::from(app));
            }
            StoreWrite::UpdateApp(app) => {
                self.check_name(&app)?;
                match self.apps.get_mut(&app.id) {
                    Some(present) if present.revision + 1 == app.revision => *present = Arc::from(app),
                    _ => return Err(CommitError::Conflict(format!("application {}", app.id))),
                }
            }
            StoreWrite::DeleteApp(id) => drop(self.apps.remove(&id)),
            StoreWrite::PutVersion(version) => {
                self.versions.insert((version.app, version.number), Arc::from(version));
            }
            StoreWrite::AppendEvents(order, events) => {
                if !self.orders.contains_key(&order) {
                    return Err(CommitError::Conflict(format!("change order {order}")));
                }
                Arc::make_mut(self.events.entry(order).or_default()).extend(events);
            }
        }
        Ok(())
    }

    /// Neither the name nor the workload may be another application's.
    fn check_name(&self, app: &Application) -> Result<(), CommitError> {
        let place = |app: &Application| (app.workload.cluster, app.workload.namespace.clone());
        let taken = self.apps.values().any(|other| {
            let same = other.name == app.name || other.workload.name == app.workload.name;
            other.id != app.id && place(other) == place(app) && same
        });
        if taken { Err(CommitError::NameTaken) } else { Ok(()) }
    }

    fn active(&self, app: AppId) -> impl Iterator<Item = &Arc<Order>> {
        let orders = self.orders.values().map(|(_, order)| order);
        orders.filter(move |order| order.app == app && !order.status.is_terminal())
    }

    /// At most one order of each application that was written to is active.
    fn check_active(&self, before: &Self) -> Result<(), CommitError> {
        for (id, (_, order)) in &self.orders {
            let known = before.orders.get(id).map(|(_, order)| order);
            if order.status.is_terminal() || known.is_some_and(|known| Arc::ptr_eq(known, order)) {
                continue;
            }
            if let Some(other) = self.active(order.app).find(|other| other.id != *id) {
                return Err(CommitError::OrderActive(other.id));
            }
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is there already")]
struct Taken;

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        let mut tables = self.lock();
        if let Some((order, fence)) = commit.lease
            && tables.leases.get(&order).is_none_or(|lease| lease.fence != fence)
        {
            return Err(CommitError::LeaseLost);
        }
        let mut records = tables.records.clone();
        let deleted = |write: &StoreWrite| match write {
            StoreWrite::DeleteApp(app) => Some(app.to_string()),
            _ => None,
        };
        let owners: Vec<String> = commit.writes.iter().filter_map(deleted).collect();
        commit.writes.into_iter().try_for_each(|write| records.write(write))?;
        records.check_active(&tables.records)?;
        tables.records = records;
        self.forget_records_of(&owners);
        Ok(())
    }

    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        Ok(self.lock().records.orders.get(&id).map(|(_, order)| Order::clone(order)))
    }

    async fn order_of_part(&self, part: PartId) -> Result<Option<Order>, StoreError> {
        let tables = self.lock();
        let mut orders = tables.records.orders.values();
        Ok(orders.find(|(_, order)| order.parts().any(|id| id == part)).map(|(_, order)| Order::clone(order)))
    }

    async fn orders_of(&self, app: AppId, limit: u32) -> Result<Vec<Order>, StoreError> {
        let tables = self.lock();
        let mut orders: Vec<_> = tables.records.orders.values().filter(|(_, order)| order.app == app).collect();
        orders.sort_by_key(|(sequence, order)| std::cmp::Reverse((order.created_at, *sequence)));
        Ok(orders.into_iter().take(limit as usize).map(|(_, order)| Order::clone(order)).collect())
    }

    async fn active_orders(&self) -> Result<Vec<OrderId>, StoreError> {
        let tables = self.lock();
        let mut active: Vec<_> =
            tables.records.orders.values().filter(|(_, order)| !order.status.is_terminal()).collect();
        active.sort_by_key(|(sequence, order)| (order.kind != OrderKind::Rollback, order.created_at, *sequence));
        Ok(active.into_iter().map(|(_, order)| order.id).collect())
    }

    async fn active_order_of(&self, app: AppId) -> Result<Option<Order>, StoreError> {
        Ok(self.lock().records.active(app).next().map(|order| Order::clone(order)))
    }

    async fn events(&self, order: OrderId, after: u64) -> Result<Vec<(u64, Event)>, StoreError> {
        let tables = self.lock();
        let events = tables.records.events.get(&order).into_iter().flat_map(|events| events.iter());
        let numbered = (1..).zip(events.cloned());
        Ok(numbered.filter(|(number, _)| *number > after).collect())
    }

    async fn app(&self, id: AppId) -> Result<Option<Application>, StoreError> {
        Ok(self.lock().records.apps.get(&id).map(|app| Application::clone(app)))
    }

    async fn apps(&self, filter: AppFilter) -> Result<Vec<Application>, StoreError> {
        let tables = self.lock();
        let fits = |app: &&Arc<Application>| {
            filter.cluster.is_none_or(|cluster| cluster == app.workload.cluster)
                && filter.namespace.as_ref().is_none_or(|namespace| *namespace == app.workload.namespace)
                && filter.logical_region.as_ref().is_none_or(|region| *region == app.logical_region)
                && filter.name.as_ref().is_none_or(|name| *name == app.name)
        };
        let mut apps: Vec<_> = tables.records.apps.values().filter(fits).map(|app| Application::clone(app)).collect();
        apps.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        Ok(apps)
    }

    async fn version(&self, app: AppId, number: VersionNumber) -> Result<Option<Version>, StoreError> {
        Ok(self.lock().records.versions.get(&(app, number)).map(|version| Version::clone(version)))
    }

    async fn versions(&self, app: AppId, limit: u32) -> Result<Vec<Version>, StoreError> {
        let tables = self.lock();
        let all = tables.records.versions.range((app, VersionNumber(0))..=(app, VersionNumber(u32::MAX)));
        Ok(all.rev().take(limit as usize).map(|(_, version)| Version::clone(version)).collect())
    }

    async fn lease(
        &self,
        order: OrderId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError> {
        let mut tables = self.lock();
        let fence = match tables.leases.get(&order) {
            Some(lease) if lease.until > now && lease.holder != holder => return Ok(None),
            Some(lease) if lease.until > now => lease.fence,
            Some(_) | None => {
                let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
                tables.last_fence = now.max(tables.last_fence + 1);
                Fence(tables.last_fence)
            }
        };
        tables.leases.insert(order, Lease { holder: holder.to_owned(), fence, until });
        Ok(Some(fence))
    }

    async fn release_lease(&self, order: OrderId, fence: Fence) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if tables.leases.get(&order).is_some_and(|lease| lease.fence == fence) {
            tables.leases.remove(&order);
        }
        Ok(())
    }

    async fn insert_key(&self, key: AccessKey) -> Result<(), StoreError> {
        let mut tables = self.lock();
        if tables.keys.iter().any(|known| known.id == key.id) {
            return Err(StoreError { doing: format!("add access key {}", key.id), source: Box::new(Taken) });
        }
        tables.keys.push(key);
        tables.keys.sort_by_key(|key| key.created_at);
        Ok(())
    }

    async fn key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        Ok(self.lock().keys.iter().find(|key| key.id == id).cloned())
    }

    async fn keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        Ok(self.lock().keys.clone())
    }

    async fn set_key_enabled(&self, id: &str, enabled: bool) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let key = tables.keys.iter_mut().find(|key| key.id == id);
        Ok(key.map(|key| key.enabled = enabled).is_some())
    }

    async fn delete_key(&self, id: &str) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let before = tables.keys.len();
        tables.keys.retain(|key| key.id != id);
        Ok(tables.keys.len() < before)
    }

    async fn put_cluster(&self, cluster: ClusterRecord) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.clusters.retain(|known| known.id != cluster.id);
        tables.clusters.push(cluster);
        tables.clusters.sort_by_key(|cluster| cluster.created_at);
        Ok(())
    }

    async fn cluster(&self, id: ClusterId) -> Result<Option<ClusterRecord>, StoreError> {
        Ok(self.lock().clusters.iter().find(|cluster| cluster.id == id).cloned())
    }

    async fn clusters(&self) -> Result<Vec<ClusterRecord>, StoreError> {
        Ok(self.lock().clusters.clone())
    }

    async fn delete_cluster(&self, id: ClusterId) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let before = tables.clusters.len();
        tables.clusters.retain(|cluster| cluster.id != id);
        Ok(tables.clusters.len() < before)
    }

    async fn put_logical_region(&self, mut region: LogicalRegion) -> Result<Option<LogicalRegion>, StoreError> {
        let mut tables = self.lock();
        let taken = tables.regions.iter().any(|known| known.id != region.id && known.region_id == region.region_id);
        if taken {
            return Ok(None);
        }
        if region.id == 0 {
            tables.last_region += 1;
            region.id = tables.last_region;
            tables.regions.push(region.clone());
            return Ok(Some(region));
        }
        let known = tables.regions.iter_mut().find(|known| known.id == region.id);
        Ok(known.map(|known| {
            *known = region.clone();
            region
        }))
    }

    async fn logical_regions(&self) -> Result<Vec<LogicalRegion>, StoreError> {
        Ok(self.lock().regions.clone())
    }

    async fn delete_logical_region(&self, id: i64) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let before = tables.regions.len();
        tables.regions.retain(|region| region.id != id);
        Ok(tables.regions.len() < before)
    }
}
