-- The audit log: a chain that only grows. `document` is hashed as it stands here; the columns beside it repeat what is searched.

CREATE TABLE audit (
    sequence  BIGINT NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    stage     TEXT   NOT NULL,
    who       TEXT   NOT NULL,
    operation TEXT   NOT NULL,
    app_id    TEXT   NOT NULL,
    trace_id  TEXT   NOT NULL,
    previous  TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    document  TEXT   NOT NULL
);
CREATE INDEX audit_of_trace ON audit (trace_id);
CREATE INDEX audit_of_user ON audit (who, sequence);
CREATE INDEX audit_of_app ON audit (app_id, sequence);
CREATE INDEX audit_of_operation ON audit (operation, sequence);

-- Where the chain ends: one row. The seal makes sure that only who has the master key can say so.
CREATE TABLE audit_head (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sequence    BIGINT  NOT NULL,
    hash        TEXT    NOT NULL,
    sealed_head BLOB    NOT NULL
);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never changed');
END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit entries are never deleted');
END;

CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.sequence < OLD.sequence
BEGIN
    SELECT RAISE(ABORT, 'the end of the audit log never goes back');
END;

CREATE TRIGGER audit_head_is_kept BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the end of the audit log is never forgotten');
END;
