-- The events of all orders get one sequence, so that they can be followed, and each notes the state of its order after it.
--
-- SQLite adds no such column to a table that is there, so the table is made anew. Dropping the old one fires no trigger.

CREATE TABLE event_feed (
    -- AUTOINCREMENT: what was read up to a position stays behind it.
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    order_id TEXT    NOT NULL REFERENCES orders (id),
    seq      BIGINT  NOT NULL,
    at       BIGINT  NOT NULL,
    kind     TEXT    NOT NULL,
    text     TEXT    NOT NULL,
    -- EDAS's number of the order's state after the commit of the event.
    status   INTEGER NOT NULL,
    UNIQUE (order_id, seq)
);

INSERT INTO event_feed (order_id, seq, at, kind, text, status)
SELECT events.order_id, events.seq, events.at, events.kind, events.text, orders.status
FROM events JOIN orders ON orders.id = events.order_id
ORDER BY events.at, orders.sequence, events.seq;

DROP TABLE events;
ALTER TABLE event_feed RENAME TO events;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;
