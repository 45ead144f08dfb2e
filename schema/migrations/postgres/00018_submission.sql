-- +goose Up
-- For the list of records that came in last. Only the newest revision of each is in it.
CREATE INDEX record_known ON record (known_at) WHERE superseded_at = 9223372036854775807;

-- Why a person made a revision. The record itself stays what its source says.
CREATE TABLE record_note (
    uscc       TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    source_ref TEXT COLLATE "C" NOT NULL,
    revision   INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (uscc, source, source_ref, revision)
);

-- A delivery of many records. It is received whole, in chunks, and then stored by a job, chunk by chunk.
CREATE TABLE submission (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    caller_kind TEXT COLLATE "C" NOT NULL,
    caller_id   BIGINT NOT NULL,
    bounds      TEXT NOT NULL, -- JSON: whose records the caller might deliver when it sent them
    source      TEXT COLLATE "C" NOT NULL, -- of rows that name none
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('receiving', 'queued', 'running', 'finished', 'cancelled', 'cut', 'failed')),
    created_at  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    lines       BIGINT NOT NULL,
    chunks      INTEGER NOT NULL,
    chunks_done INTEGER NOT NULL,
    row_count   BIGINT NOT NULL, -- of the chunks that are done, as the numbers that follow
    added       BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    unchanged   BIGINT NOT NULL,
    waiting     BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    error       TEXT NOT NULL,
    worker      TEXT COLLATE "C" NOT NULL, -- who receives or stores it
    lease_until BIGINT NOT NULL
);
CREATE INDEX submission_open ON submission (created_at, id) WHERE state IN ('receiving', 'queued', 'running');
CREATE INDEX submission_caller ON submission (caller_kind, caller_id, created_at, id);

-- The lines of a chunk until they are stored, then what became of each. Both are sealed: lines may name persons.
CREATE TABLE submission_chunk (
    submission_id TEXT COLLATE "C" NOT NULL,
    number        INTEGER NOT NULL,
    first_line    BIGINT NOT NULL,
    body          TEXT NOT NULL,
    results       TEXT NOT NULL,
    row_count     INTEGER NOT NULL,
    added         INTEGER NOT NULL,
    changed       INTEGER NOT NULL,
    unchanged     INTEGER NOT NULL,
    waiting       INTEGER NOT NULL,
    refused       INTEGER NOT NULL,
    PRIMARY KEY (submission_id, number)
);
-- What is sealed does not get shorter by compression.
ALTER TABLE submission_chunk ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN results SET STORAGE EXTERNAL;

-- Answers to requests with an Idempotency-Key, sealed. Status 0: the request has not ended.
CREATE TABLE idempotency (
    caller_kind TEXT COLLATE "C" NOT NULL,
    caller_id   BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL, -- the key that the caller chose
    fingerprint TEXT COLLATE "C" NOT NULL, -- SHA-256 of method, address and body
    token       BIGINT NOT NULL, -- of the request that has it
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (caller_kind, caller_id, name)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
