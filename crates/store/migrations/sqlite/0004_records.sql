-- What people set up beside applications and their changes: one aggregate per row, kept whole in `document` (JSON as text).
-- `sealed_secret` is encrypted under the master key, bound to its table, column, kind and id.

CREATE TABLE records (
    sequence      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    -- What it belongs to, such as an application; empty if to nothing.
    owner         TEXT    NOT NULL,
    revision      BIGINT  NOT NULL,
    document      TEXT    NOT NULL,
    sealed_secret BLOB,
    UNIQUE (kind, id)
);
CREATE INDEX records_of_owner ON records (kind, owner, sequence);
