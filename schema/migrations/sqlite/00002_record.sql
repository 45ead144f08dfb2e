-- +goose Up
-- Records are only ever added. superseded_at is the one column that moves, once: from "never" (the largest bigint) to the moment at
-- which the next revision became known. known_at <= K < superseded_at is then what was believed at K, without looking at other rows.
CREATE TABLE record (
    uscc              TEXT NOT NULL,
    source            TEXT NOT NULL,
    source_ref        TEXT NOT NULL,
    revision          INTEGER NOT NULL CHECK (revision > 0),
    kind              TEXT NOT NULL,
    outcome           TEXT NOT NULL,
    severity          SMALLINT NOT NULL,
    occurred_on       INTEGER NOT NULL,
    known_at          BIGINT NOT NULL,
    superseded_at     BIGINT NOT NULL DEFAULT 9223372036854775807,
    product_code      TEXT NOT NULL,
    stage             TEXT NOT NULL,
    purpose           TEXT NOT NULL,
    case_id           TEXT NOT NULL,
    state             TEXT NOT NULL,
    provisional_until INTEGER NOT NULL,
    rectify_by        INTEGER NOT NULL,
    rectified_on      INTEGER NOT NULL,
    detail            TEXT NOT NULL, -- JSON: findings, people, and what only this kind has
    fact              TEXT NOT NULL, -- what scoring reads, packed once when the revision was written
    PRIMARY KEY (uscc, source, source_ref, revision)
) WITHOUT ROWID;
-- Every chain of revisions starts at 1, so this keeps a source's number with one enterprise.
CREATE UNIQUE INDEX record_one_owner ON record (source, source_ref) WHERE revision = 1;

-- +goose StatementBegin
CREATE TRIGGER record_keeps_rows BEFORE DELETE ON record
BEGIN SELECT RAISE(ABORT, 'record: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER record_keeps_values BEFORE UPDATE OF uscc, source, source_ref, revision, kind, outcome, severity, occurred_on, known_at, product_code, stage, purpose, case_id, state, provisional_until, rectify_by, rectified_on, detail, fact ON record
BEGIN SELECT RAISE(ABORT, 'record: rows are only ever added'); END;
-- +goose StatementEnd

-- Records of enterprises that are not registered yet. They are taken up in the transaction that registers the enterprise.
CREATE TABLE waiting_record (
    uscc        TEXT NOT NULL,
    source      TEXT NOT NULL,
    source_ref  TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    known_at    BIGINT NOT NULL, -- what a first load said; 0 = to be stamped when taken up
    received_at BIGINT NOT NULL,
    problem     TEXT NOT NULL,   -- why it could not be taken up
    body        TEXT NOT NULL,
    PRIMARY KEY (uscc, source, source_ref, revision)
);

-- Enterprises with new facts that wait for the next grading. Rows are only added and deleted, never changed, so that a writer and a
-- run never wait for each other.
CREATE TABLE due (
    uscc     TEXT NOT NULL,
    token    BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    PRIMARY KEY (uscc, token)
) WITHOUT ROWID;

-- What other systems are to be told, written in the transaction that makes it true.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uscc         TEXT NOT NULL,
    topic        TEXT NOT NULL,
    payload      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    published_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at = 0;
