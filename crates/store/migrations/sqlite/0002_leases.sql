-- Who drives which order, and the tokens by which a late writer is recognised.

CREATE TABLE leases (
    order_id TEXT   NOT NULL PRIMARY KEY REFERENCES orders (id),
    holder   TEXT   NOT NULL,
    fence    BIGINT NOT NULL UNIQUE,
    until    BIGINT NOT NULL
);

-- The last token given: one row, and it only grows. It is no maximum over `leases`, because leases given back are deleted.
CREATE TABLE fences (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last BIGINT  NOT NULL
);
INSERT INTO fences (id, last) VALUES (1, 0);

CREATE TRIGGER fences_grow BEFORE UPDATE ON fences WHEN NEW.last <= OLD.last
BEGIN
    SELECT RAISE(ABORT, 'a fence is never given twice');
END;

CREATE TRIGGER fences_are_kept BEFORE DELETE ON fences
BEGIN
    SELECT RAISE(ABORT, 'the last fence is never forgotten');
END;
