-- Applications, their versions and their change orders.
--
-- An aggregate is kept whole in `document` (JSON as text: a binary JSON type would reorder the keys of a pod template). The
-- columns beside it repeat what is searched, sorted or constrained, and are written in the same statement.
-- Ids are UUIDs as text. Times are nanoseconds since 1970 in UTC, so that they sort as numbers and lose nothing.
-- `sequence` is the sequence of insertion: it decides where times are equal.

CREATE TABLE apps (
    id             TEXT    NOT NULL PRIMARY KEY,
    cluster        TEXT    NOT NULL,
    namespace      TEXT    NOT NULL,
    -- What people call the application.
    name           TEXT    NOT NULL,
    -- The name of its Deployment.
    workload       TEXT    NOT NULL,
    logical_region TEXT    NOT NULL,
    revision       BIGINT  NOT NULL,
    document       TEXT    NOT NULL
);
CREATE UNIQUE INDEX apps_name ON apps (cluster, namespace, name);
-- Two applications never manage one Deployment, whatever they are called.
CREATE UNIQUE INDEX apps_workload ON apps (cluster, namespace, workload);

-- Versions outlive their application, as its orders do: they say what those orders brought. So there is no foreign key.
CREATE TABLE versions (
    app_id   TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (app_id, number)
);

CREATE TABLE orders (
    sequence   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    app_id     TEXT    NOT NULL,
    -- EDAS's CoTypeCode.
    kind       TEXT    NOT NULL,
    -- EDAS's number.
    status     INTEGER NOT NULL,
    -- The status is not terminal.
    active     BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    revision   BIGINT  NOT NULL,
    document   TEXT    NOT NULL
);
-- One change at a time: whatever a program believes, an application has at most one order that is not finished.
CREATE UNIQUE INDEX orders_one_active_per_app ON orders (app_id) WHERE active;
CREATE INDEX orders_of_app ON orders (app_id, created_at, sequence);

-- Clients name an order by the id of a pipeline or a task, too.
CREATE TABLE order_parts (
    part_id  TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id)
);
CREATE INDEX order_parts_of_order ON order_parts (order_id);

-- The record of an order: it only grows.
CREATE TABLE events (
    order_id TEXT   NOT NULL REFERENCES orders (id),
    seq      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    PRIMARY KEY (order_id, seq)
);

CREATE TRIGGER orders_are_kept BEFORE DELETE ON orders
BEGIN
    SELECT RAISE(ABORT, 'change orders are never deleted');
END;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;
