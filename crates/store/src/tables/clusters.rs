//! Imported clusters; kubeconfigs are sealed before they reach the writer.

use sqlx::{FromRow, SqliteConnection, SqlitePool};
use sternway_core::ids::ClusterId;
use sternway_core::ports::{ClusterAccess, ClusterRecord, StoreError};

use crate::error::{Cause, Doing as _};
use crate::seal::{MasterKey, Place};
use crate::statements;
use crate::time::{nanoseconds, timestamp};
use crate::writer::Command;

fn place(id: &str) -> Place<'_> {
    Place { table: "clusters", column: "sealed_kubeconfig", row: id }
}

#[derive(Debug, FromRow)]
pub(crate) struct Row {
    id: String,
    name: String,
    cs_cluster_id: String,
    region: String,
    description: String,
    sealed_kubeconfig: Option<Vec<u8>>,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn seal(cluster: ClusterRecord, master: &MasterKey) -> Result<Self, Cause> {
        let id = cluster.id.to_string();
        let sealed_kubeconfig = match &cluster.access {
            ClusterAccess::Kubeconfig(secret) => Some(master.seal(place(&id), secret)?),
            ClusterAccess::InCluster => None,
        };
        Ok(Self {
            id,
            name: cluster.name,
            cs_cluster_id: cluster.cs_cluster_id,
            region: cluster.region,
            description: cluster.description,
            sealed_kubeconfig,
            created_at: nanoseconds(cluster.created_at)?,
            updated_at: nanoseconds(cluster.updated_at)?,
        })
    }

    fn unseal(self, master: &MasterKey) -> Result<ClusterRecord, Cause> {
        let access = match &self.sealed_kubeconfig {
            Some(sealed) => ClusterAccess::Kubeconfig(master.unseal(place(&self.id), sealed)?),
            None => ClusterAccess::InCluster,
        };
        Ok(ClusterRecord {
            id: self.id.parse()?,
            name: self.name,
            cs_cluster_id: self.cs_cluster_id,
            region: self.region,
            description: self.description,
            access,
            created_at: timestamp(self.created_at)?,
            updated_at: timestamp(self.updated_at)?,
        })
    }
}

/// Adds or replaces a cluster.
#[derive(Debug)]
pub(crate) struct Put(Row);

impl Put {
    pub(crate) fn new(cluster: ClusterRecord, master: &MasterKey) -> Result<Self, Cause> {
        Ok(Self(Row::seal(cluster, master)?))
    }
}

impl Command for Put {
    type Output = ();
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("write cluster {}", self.0.id)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let row = &self.0;
        sqlx::query(statements::PUT_CLUSTER)
            .bind(&row.id)
            .bind(&row.name)
            .bind(&row.cs_cluster_id)
            .bind(&row.region)
            .bind(&row.description)
            .bind(&row.sealed_kubeconfig)
            .bind(row.created_at)
            .bind(row.updated_at)
            .execute(connection)
            .await
            .doing(|| self.doing())?;
        Ok(())
    }
}

/// Removes a cluster.
#[derive(Debug)]
pub(crate) struct Delete(pub(crate) ClusterId);

impl Command for Delete {
    type Output = bool;
    type Error = StoreError;

    fn doing(&self) -> String {
        format!("delete cluster {}", self.0)
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let done = sqlx::query(statements::DELETE_CLUSTER)
            .bind(self.0.to_string())
            .execute(connection)
            .await
            .doing(|| self.doing())?;
        Ok(done.rows_affected() == 1)
    }
}

pub(crate) async fn get(pool: &SqlitePool, master: &MasterKey, id: ClusterId) -> Result<Option<ClusterRecord>, Cause> {
    let row: Option<Row> = sqlx::query_as(statements::CLUSTER).bind(id.to_string()).fetch_optional(pool).await?;
    row.map(|row| row.unseal(master)).transpose()
}

pub(crate) async fn list(pool: &SqlitePool, master: &MasterKey) -> Result<Vec<ClusterRecord>, Cause> {
    let rows: Vec<Row> = sqlx::query_as(statements::CLUSTERS).fetch_all(pool).await?;
    rows.into_iter().map(|row| row.unseal(master)).collect()
}
