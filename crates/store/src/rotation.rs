//! Another master key: everything that is sealed is sealed anew in one transaction, so that at every moment one of the two keys opens
//! all of it, and neither only a part.
//!
//! ```text
//!  write master.key.next ──► re-seal and commit ──► rename it to master.key
//!        (old opens)      │      (one or the other)      │  (new opens)
//!                         crash                          crash
//!                     next start: the old one fits,   next start: the new one fits,
//!                     the draft is removed             and is renamed now
//! ```
//!
//! A key in the environment has no file: who rotates it names both, and gives the server the new one from then on.

use std::sync::Arc;

use sqlx::SqliteConnection;
use sternway_core::ports::StoreError;

use crate::error::{Cause, Doing as _};
use crate::seal::{MasterKey, Place};
use crate::statements;
use crate::writer::Command;

/// A column of sealed values: how to read them with their rows' names, and how to replace one.
pub(crate) struct SealedColumn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) read: &'static str,
    pub(crate) write: &'static str,
}

/// Every column whose name begins with `sealed_`; a test compares it with the tables.
pub(crate) const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "access_keys",
        column: "sealed_secret",
        read: statements::SEALED_KEYS,
        write: statements::RESEAL_KEY,
    },
    SealedColumn {
        table: "audit_head",
        column: "sealed_head",
        read: statements::SEALED_HEADS,
        write: statements::RESEAL_HEAD,
    },
    SealedColumn {
        table: "clusters",
        column: "sealed_kubeconfig",
        read: statements::SEALED_CLUSTERS,
        write: statements::RESEAL_CLUSTER,
    },
    SealedColumn {
        table: "master_key",
        column: "sealed_check",
        read: statements::SEALED_CHECKS,
        write: statements::RESEAL_CHECK,
    },
    SealedColumn {
        table: "records",
        column: "sealed_secret",
        read: statements::SEALED_RECORDS,
        write: statements::RESEAL_RECORD,
    },
];

/// Seals everything by another key. Answers with how many values that were.
#[derive(Debug)]
pub(crate) struct Reseal {
    pub(crate) old: Arc<MasterKey>,
    pub(crate) new: MasterKey,
}

impl Command for Reseal {
    type Output = u64;
    type Error = StoreError;

    fn doing(&self) -> String {
        "seal everything by another master key".to_owned()
    }

    async fn perform(self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let mut count = 0;
        for column in SEALED {
            count += reseal(connection, column, &self).await.doing(|| self.doing())?;
        }
        Ok(count)
    }
}

async fn reseal(connection: &mut SqliteConnection, column: &SealedColumn, keys: &Reseal) -> Result<u64, Cause> {
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(column.read).fetch_all(&mut *connection).await?;
    let mut count = 0;
    for (row, sealed) in rows {
        let place = Place { table: column.table, column: column.column, row: &row };
        let opened = keys.old.unseal(place, &sealed)?;
        let done =
            sqlx::query(column.write).bind(&row).bind(keys.new.seal(place, &opened)?).execute(&mut *connection).await?;
        count += done.rows_affected();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[tokio::test]
    async fn no_sealed_column_is_forgotten() {
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        crate::sqlite::MIGRATIONS.run(&mut connection).await.unwrap();
        let there: Vec<(String, String)> = sqlx::query_as(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables \
             JOIN pragma_table_info(tables.name) AS columns \
             WHERE tables.type = 'table' AND columns.name LIKE 'sealed%' ORDER BY 1, 2",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let known: Vec<_> = SEALED.iter().map(|column| (column.table.to_owned(), column.column.to_owned())).collect();
        assert_eq!(there, known);
    }
}
