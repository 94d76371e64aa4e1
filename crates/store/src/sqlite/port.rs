//! The port: writes go to the writer, reads to the pool, and every failure says what was being done.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sternway_core::application::Application;
use sternway_core::audit::{Broken, Entry, Head, Link};
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId, PartId, VersionNumber};
use sternway_core::order::{Event, Order};
use sternway_core::ports::{
    AccessKey, AppFilter, Audit, AuditFilter, AuditPage, ClusterRecord, Commit, CommitError, Feed, FeedEntry,
    LogicalRegion, Record, Records, Store, StoreError, StoreWrite,
};
use sternway_core::version::Version;

use super::SqliteStore;
use crate::error::Doing as _;
use crate::tables::{apps, audit, clusters, events, keys, leases, orders, records, regions, versions};

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        let appends = commit.writes.iter().any(|write| matches!(write, StoreWrite::AppendEvents(..)));
        let committed = self.writer.perform(commit).await;
        if appends {
            // Even one that failed may be found done.
            self.tail.send_replace(());
        }
        committed
    }

    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        orders::get(&self.readers, id).await.doing(|| format!("read change order {id}"))
    }

    async fn order_of_part(&self, part: PartId) -> Result<Option<Order>, StoreError> {
        orders::get_by_part(&self.readers, part).await.doing(|| format!("read the change order of part {part}"))
    }

    async fn orders_of(&self, app: AppId, limit: u32) -> Result<Vec<Order>, StoreError> {
        orders::of_app(&self.readers, app, limit).await.doing(|| format!("list the change orders of application {app}"))
    }

    async fn active_orders(&self) -> Result<Vec<OrderId>, StoreError> {
        orders::active(&self.readers).await.doing(|| "list the active change orders".to_owned())
    }

    async fn active_order_of(&self, app: AppId) -> Result<Option<Order>, StoreError> {
        orders::active_of_app(&self.readers, app)
            .await
            .doing(|| format!("read the active change order of application {app}"))
    }

    async fn events(&self, order: OrderId, after: u64) -> Result<Vec<(u64, Event)>, StoreError> {
        events::after(&self.readers, order, after).await.doing(|| format!("read the events of change order {order}"))
    }

    async fn app(&self, id: AppId) -> Result<Option<Application>, StoreError> {
        apps::get(&self.readers, id).await.doing(|| format!("read application {id}"))
    }

    async fn apps(&self, filter: AppFilter) -> Result<Vec<Application>, StoreError> {
        apps::list(&self.readers, filter).await.doing(|| "list applications".to_owned())
    }

    async fn version(&self, app: AppId, number: VersionNumber) -> Result<Option<Version>, StoreError> {
        versions::get(&self.readers, app, number).await.doing(|| format!("read version {number} of application {app}"))
    }

    async fn versions(&self, app: AppId, limit: u32) -> Result<Vec<Version>, StoreError> {
        versions::of_app(&self.readers, app, limit).await.doing(|| format!("list the versions of application {app}"))
    }

    async fn lease(
        &self,
        order: OrderId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError> {
        let holder = holder.to_owned();
        let take = leases::Take { order, holder, now, until };
        self.writer.perform(take).await
    }

    async fn release_lease(&self, order: OrderId, fence: Fence) -> Result<(), StoreError> {
        self.writer.perform(leases::Release { order, fence }).await
    }

    async fn insert_key(&self, key: AccessKey) -> Result<(), StoreError> {
        let insert = keys::Insert::new(key, &self.key).doing(|| "seal an access key".to_owned())?;
        self.writer.perform(insert).await
    }

    async fn key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        keys::get(&self.readers, &self.key, id).await.doing(|| format!("read access key {id}"))
    }

    async fn keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        keys::list(&self.readers, &self.key).await.doing(|| "list access keys".to_owned())
    }

    async fn set_key_enabled(&self, id: &str, enabled: bool) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.writer.perform(keys::SetEnabled { id, enabled }).await
    }

    async fn delete_key(&self, id: &str) -> Result<bool, StoreError> {
        self.writer.perform(keys::Delete { id: id.to_owned() }).await
    }

    async fn put_cluster(&self, cluster: ClusterRecord) -> Result<(), StoreError> {
        let put = clusters::Put::new(cluster, &self.key).doing(|| "seal a kubeconfig".to_owned())?;
        self.writer.perform(put).await
    }

    async fn cluster(&self, id: ClusterId) -> Result<Option<ClusterRecord>, StoreError> {
        clusters::get(&self.readers, &self.key, id).await.doing(|| format!("read cluster {id}"))
    }

    async fn clusters(&self) -> Result<Vec<ClusterRecord>, StoreError> {
        clusters::list(&self.readers, &self.key).await.doing(|| "list clusters".to_owned())
    }

    async fn delete_cluster(&self, id: ClusterId) -> Result<bool, StoreError> {
        self.writer.perform(clusters::Delete(id)).await
    }

    async fn put_logical_region(&self, region: LogicalRegion) -> Result<Option<LogicalRegion>, StoreError> {
        self.writer.perform(regions::Put(region)).await
    }

    async fn logical_regions(&self) -> Result<Vec<LogicalRegion>, StoreError> {
        regions::list(&self.readers).await.doing(|| "list logical regions".to_owned())
    }

    async fn delete_logical_region(&self, id: i64) -> Result<bool, StoreError> {
        self.writer.perform(regions::Delete(id)).await
    }
}

#[async_trait]
impl Audit for SqliteStore {
    async fn append(&self, entry: Entry) -> Result<Head, StoreError> {
        self.writer.perform(audit::Append { entry, key: Arc::clone(&self.key) }).await
    }

    async fn entries(&self, filter: AuditFilter, page: AuditPage, limit: u32) -> Result<Vec<Link>, StoreError> {
        audit::list(&self.readers, filter, page, limit).await.doing(|| "read the audit log".to_owned())
    }

    async fn head(&self) -> Result<Result<Head, Broken>, StoreError> {
        audit::head(&self.readers, &self.key).await.doing(|| "read the end of the audit log".to_owned())
    }
}

#[async_trait]
impl Records for SqliteStore {
    async fn put_record(&self, record: Record) -> Result<bool, StoreError> {
        let put = records::Put::new(record, &self.key).doing(|| "seal a record".to_owned())?;
        self.writer.perform(put).await
    }

    async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, StoreError> {
        records::get(&self.readers, &self.key, kind, id).await.doing(|| format!("read {kind} {id}"))
    }

    async fn records(&self, kind: &str, owner: Option<&str>) -> Result<Vec<Record>, StoreError> {
        records::list(&self.readers, &self.key, kind, owner).await.doing(|| format!("list every {kind}"))
    }

    async fn delete_record(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        self.writer.perform(records::Delete { kind: kind.to_owned(), id: id.to_owned() }).await
    }
}

#[async_trait]
impl Feed for SqliteStore {
    async fn feed(&self, after: u64, limit: u32) -> Result<Vec<FeedEntry>, StoreError> {
        events::feed(&self.readers, after, limit).await.doing(|| format!("read the events after position {after}"))
    }

    async fn feed_end(&self) -> Result<u64, StoreError> {
        events::end(&self.readers).await.doing(|| "read the position of the newest event".to_owned())
    }

    async fn appended(&self, after: u64) {
        // Listening before looking: what comes in between is not missed.
        let mut tail = self.tail.subscribe();
        loop {
            match self.feed_end().await {
                Ok(end) if end <= after => {}
                // A store that fails is told of to whoever reads.
                Ok(_) | Err(_) => return,
            }
            if tail.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
