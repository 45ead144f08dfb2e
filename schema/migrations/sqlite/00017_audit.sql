-- +goose Up
-- Every change by anyone, in one chain: each hash is over the one before it and the line. Who changes, removes or reorders a line breaks every hash
-- after it, and signed checkpoints hold the ends of days.
CREATE TABLE audit (
    number     BIGINT PRIMARY KEY, -- 1, 2, … without gaps
    at         BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id   BIGINT NOT NULL,
    actor_name TEXT NOT NULL,
    action     TEXT NOT NULL,
    noun       TEXT NOT NULL,
    noun_id    TEXT NOT NULL,
    uscc       TEXT NOT NULL, -- empty: about no enterprise
    line       TEXT NOT NULL,  -- JSON, the bytes that are hashed
    hash       TEXT NOT NULL
);
CREATE INDEX audit_noun ON audit (noun, noun_id, number);
CREATE INDEX audit_uscc ON audit (uscc, number) WHERE uscc <> '';
CREATE INDEX audit_actor ON audit (actor_kind, actor_id, number);

-- Where the chain ends: one row.
CREATE TABLE audit_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    hash   TEXT NOT NULL
);
INSERT INTO audit_head (one, number, at, hash) VALUES (1, 0, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- The ends of the log, signed and published: nobody can rewrite what lies before one without being seen.
CREATE TABLE audit_checkpoint (
    number     BIGINT PRIMARY KEY, -- of the last line that it covers
    hash       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    kid        TEXT NOT NULL,
    token      TEXT NOT NULL -- a JWT
);

-- +goose StatementBegin
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoint_keeps_rows BEFORE DELETE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'audit_checkpoint: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoint_keeps_values BEFORE UPDATE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'audit_checkpoint: rows are only ever added'); END;
-- +goose StatementEnd
