//! All SQL, in the subset that SQLite and PostgreSQL share: `$n` placeholders, `ON CONFLICT`, `RETURNING`, `TRUE`.
//!
//! Statements live in one place so that a second database runs the same ones, and a test can prepare each of them.

/// Declares the statements as constants, and `ALL` of them with their names.
macro_rules! statements {
    ($($name:ident = $sql:expr;)*) => {
        $(pub(crate) const $name: &str = $sql;)*

        /// Every statement with its name.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

statements! {
    // An order is written as not active first, and made active at the end of its commit, so that the sequence of writes within a
    // commit does not matter to the unique index.
    INSERT_ORDER = "INSERT INTO orders (id, app_id, kind, status, active, created_at, revision, document) \
        VALUES ($1, $2, $3, $4, FALSE, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    UPDATE_ORDER = "UPDATE orders SET status = $3, active = (active AND $4), revision = $2, document = $5 \
        WHERE id = $1 AND revision = $2 - 1";
    ACTIVATE_ORDER = "UPDATE orders SET active = TRUE WHERE id = $1 AND NOT active";
    OTHER_ACTIVE_ORDER = "SELECT id FROM orders WHERE app_id = $1 AND active AND id <> $2";
    ORDER = "SELECT document FROM orders WHERE id = $1";
    ORDERS_OF_APP = "SELECT document FROM orders WHERE app_id = $1 ORDER BY created_at DESC, sequence DESC LIMIT $2";
    ACTIVE_ORDERS = "SELECT id FROM orders WHERE active \
        ORDER BY CASE WHEN kind = $1 THEN 0 ELSE 1 END, created_at, sequence";
    ACTIVE_ORDER_OF_APP = "SELECT document FROM orders WHERE app_id = $1 AND active";

    INSERT_PART = "INSERT INTO order_parts (part_id, order_id) VALUES ($1, $2)";
    COUNT_PARTS = "SELECT COUNT(*) FROM order_parts WHERE order_id = $1";
    DELETE_PARTS = "DELETE FROM order_parts WHERE order_id = $1";
    ORDER_OF_PART = "SELECT document FROM orders \
        WHERE id = (SELECT order_id FROM order_parts WHERE part_id = $1)";

    LAST_EVENT = "SELECT COALESCE(MAX(seq), 0) FROM events WHERE order_id = $1";
    // Of an order that is not there the foreign key says so, not the missing status.
    INSERT_EVENT = "INSERT INTO events (order_id, seq, at, kind, text, status) \
        VALUES ($1, $2, $3, $4, $5, COALESCE((SELECT status FROM orders WHERE id = $1), 0))";
    EVENTS = "SELECT seq, at, kind, text FROM events WHERE order_id = $1 AND seq > $2 ORDER BY seq";

    FEED = "SELECT position, order_id, seq, at, kind, text, status FROM events \
        WHERE position > $1 ORDER BY position LIMIT $2";
    FEED_END = "SELECT COALESCE(MAX(position), 0) FROM events";

    INSERT_APP = "INSERT INTO apps (id, cluster, namespace, name, workload, logical_region, revision, document) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
    UPDATE_APP = "UPDATE apps SET cluster = $2, namespace = $3, name = $4, workload = $5, logical_region = $6, \
        revision = $7, document = $8 WHERE id = $1 AND revision = $7 - 1";
    DELETE_APP = "DELETE FROM apps WHERE id = $1";
    APP = "SELECT document FROM apps WHERE id = $1";
    APPS = "SELECT document FROM apps \
        WHERE (CAST($1 AS TEXT) IS NULL OR cluster = $1) AND (CAST($2 AS TEXT) IS NULL OR namespace = $2) \
        AND (CAST($3 AS TEXT) IS NULL OR logical_region = $3) AND (CAST($4 AS TEXT) IS NULL OR name = $4) \
        ORDER BY name, id";

    PUT_VERSION = "INSERT INTO versions (app_id, number, document) VALUES ($1, $2, $3) \
        ON CONFLICT (app_id, number) DO UPDATE SET document = excluded.document";
    VERSION = "SELECT document FROM versions WHERE app_id = $1 AND number = $2";
    VERSIONS_OF_APP = "SELECT document FROM versions WHERE app_id = $1 ORDER BY number DESC LIMIT $2";

    LEASE = "SELECT holder, fence, until FROM leases WHERE order_id = $1";
    PUT_LEASE = "INSERT INTO leases (order_id, holder, fence, until) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (order_id) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until";
    DELETE_LEASE = "DELETE FROM leases WHERE order_id = $1 AND fence = $2";
    DELETE_LEASES = "DELETE FROM leases";
    NEXT_FENCE = "UPDATE fences SET last = CASE WHEN last < $1 THEN $1 ELSE last + 1 END WHERE id = 1 RETURNING last";

    INSERT_KEY = "INSERT INTO access_keys (id, sealed_secret, owner, enabled, description, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    KEY = "SELECT id, sealed_secret, owner, enabled, description, created_at FROM access_keys WHERE id = $1";
    KEYS = "SELECT id, sealed_secret, owner, enabled, description, created_at FROM access_keys \
        ORDER BY created_at, sequence";
    DELETE_KEY = "DELETE FROM access_keys WHERE id = $1";
    SET_KEY_ENABLED = "UPDATE access_keys SET enabled = $2 WHERE id = $1";

    INSERT_RECORD = "INSERT INTO records (kind, id, owner, revision, document, sealed_secret) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id) DO NOTHING";
    UPDATE_RECORD = "UPDATE records SET owner = $3, revision = $4, document = $5, sealed_secret = $6 \
        WHERE kind = $1 AND id = $2 AND revision = $4 - 1";
    RECORD = "SELECT kind, id, owner, revision, document, sealed_secret FROM records WHERE kind = $1 AND id = $2";
    RECORDS = "SELECT kind, id, owner, revision, document, sealed_secret FROM records \
        WHERE kind = $1 AND (CAST($2 AS TEXT) IS NULL OR owner = $2) ORDER BY sequence";
    DELETE_RECORD = "DELETE FROM records WHERE kind = $1 AND id = $2";
    DELETE_RECORDS_OF_OWNER = "DELETE FROM records WHERE owner = $1";

    PUT_CLUSTER = "INSERT INTO clusters \
        (id, name, cs_cluster_id, region, description, sealed_kubeconfig, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET \
        name = excluded.name, cs_cluster_id = excluded.cs_cluster_id, region = excluded.region, \
        description = excluded.description, sealed_kubeconfig = excluded.sealed_kubeconfig, \
        created_at = excluded.created_at, updated_at = excluded.updated_at";
    CLUSTER = "SELECT id, name, cs_cluster_id, region, description, sealed_kubeconfig, created_at, updated_at \
        FROM clusters WHERE id = $1";
    CLUSTERS = "SELECT id, name, cs_cluster_id, region, description, sealed_kubeconfig, created_at, updated_at \
        FROM clusters ORDER BY created_at, sequence";
    DELETE_CLUSTER = "DELETE FROM clusters WHERE id = $1";

    INSERT_REGION = "INSERT INTO logical_regions \
        (region_id, name, description, debug_enable, registry_type, mse_instance_id, owner, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (region_id) DO NOTHING RETURNING id";
    UPDATE_REGION = "UPDATE logical_regions SET region_id = $1, name = $2, description = $3, debug_enable = $4, \
        registry_type = $5, mse_instance_id = $6, owner = $7, created_at = $8 WHERE id = $9 \
        AND NOT EXISTS (SELECT 1 FROM logical_regions AS other WHERE other.region_id = $1 AND other.id <> $9) \
        RETURNING id";
    REGIONS = "SELECT id, region_id, name, description, debug_enable, registry_type, mse_instance_id, owner, created_at \
        FROM logical_regions ORDER BY id";
    DELETE_REGION = "DELETE FROM logical_regions WHERE id = $1";

    INSERT_AUDIT = "INSERT INTO audit (sequence, at, stage, who, operation, app_id, trace_id, previous, hash, document) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    AUDIT_AFTER = "SELECT sequence, previous, hash, document FROM audit WHERE sequence > $1 \
        AND (CAST($2 AS TEXT) IS NULL OR who = $2) AND (CAST($3 AS TEXT) IS NULL OR operation = $3) \
        AND (CAST($4 AS TEXT) IS NULL OR app_id = $4) AND (CAST($5 AS BIGINT) IS NULL OR at >= $5) \
        AND (CAST($6 AS BIGINT) IS NULL OR at < $6) \
        AND (NOT $7 OR stage <> 'asked' OR NOT EXISTS (SELECT 1 FROM audit AS later \
        WHERE later.trace_id = audit.trace_id AND later.stage = 'answered')) ORDER BY sequence LIMIT $8";
    AUDIT_BEFORE = "SELECT sequence, previous, hash, document FROM audit WHERE sequence < $1 \
        AND (CAST($2 AS TEXT) IS NULL OR who = $2) AND (CAST($3 AS TEXT) IS NULL OR operation = $3) \
        AND (CAST($4 AS TEXT) IS NULL OR app_id = $4) AND (CAST($5 AS BIGINT) IS NULL OR at >= $5) \
        AND (CAST($6 AS BIGINT) IS NULL OR at < $6) \
        AND (NOT $7 OR stage <> 'asked' OR NOT EXISTS (SELECT 1 FROM audit AS later \
        WHERE later.trace_id = audit.trace_id AND later.stage = 'answered')) ORDER BY sequence DESC LIMIT $8";
    AUDIT_IS_EMPTY = "SELECT NOT EXISTS (SELECT 1 FROM audit)";
    AUDIT_HEAD = "SELECT sequence, hash, sealed_head FROM audit_head WHERE id = 1";
    PUT_AUDIT_HEAD = "INSERT INTO audit_head (id, sequence, hash, sealed_head) VALUES (1, $1, $2, $3) ON CONFLICT (id) \
        DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, sealed_head = excluded.sealed_head";

    // Sealed values by the names of their rows, and how each is replaced.
    SEALED_KEYS = "SELECT id, sealed_secret FROM access_keys";
    RESEAL_KEY = "UPDATE access_keys SET sealed_secret = $2 WHERE id = $1";
    SEALED_HEADS = "SELECT CAST(id AS TEXT), sealed_head FROM audit_head";
    RESEAL_HEAD = "UPDATE audit_head SET sealed_head = $2 WHERE CAST(id AS TEXT) = $1";
    SEALED_CLUSTERS = "SELECT id, sealed_kubeconfig FROM clusters WHERE sealed_kubeconfig IS NOT NULL";
    RESEAL_CLUSTER = "UPDATE clusters SET sealed_kubeconfig = $2 WHERE id = $1";
    SEALED_CHECKS = "SELECT CAST(id AS TEXT), sealed_check FROM master_key";
    RESEAL_CHECK = "UPDATE master_key SET sealed_check = $2 WHERE CAST(id AS TEXT) = $1";
    SEALED_RECORDS = "SELECT kind || '/' || id, sealed_secret FROM records WHERE sealed_secret IS NOT NULL";
    RESEAL_RECORD = "UPDATE records SET sealed_secret = $2 WHERE kind || '/' || id = $1";

    KEY_CHECK = "SELECT sealed_check FROM master_key WHERE id = 1";
    INSERT_KEY_CHECK = "INSERT INTO master_key (id, sealed_check) VALUES (1, $1)";
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, SqlSafeStr as _};

    use super::*;

    #[tokio::test]
    async fn every_statement_fits_the_tables() {
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        crate::sqlite::MIGRATIONS.run(&mut connection).await.unwrap();
        for (name, sql) in ALL {
            let prepared = connection.prepare(AssertSqlSafe(*sql).into_sql_str()).await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
    }
}
