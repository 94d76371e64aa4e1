-- What an administrator sets up. Columns named sealed_* are encrypted under the master key, bound to their table, column and row.

-- A known text, sealed: whoever cannot open it has another master key.
CREATE TABLE master_key (
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed_check BLOB    NOT NULL
);

CREATE TABLE access_keys (
    sequence      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    sealed_secret BLOB    NOT NULL,
    owner         TEXT    NOT NULL,
    enabled       BOOLEAN NOT NULL,
    description   TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL
);

CREATE TABLE clusters (
    sequence          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id                TEXT    NOT NULL UNIQUE,
    name              TEXT    NOT NULL,
    cs_cluster_id     TEXT    NOT NULL,
    region            TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    -- NULL: by the service account of the pod that Sternway runs in.
    sealed_kubeconfig BLOB,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL
);

-- AUTOINCREMENT: the id of a region that was deleted is not given to another one.
CREATE TABLE logical_regions (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    region_id       TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    debug_enable    BOOLEAN NOT NULL,
    registry_type   TEXT    NOT NULL,
    mse_instance_id TEXT    NOT NULL,
    owner           TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL
);
