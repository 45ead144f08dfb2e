-- +goose Up
CREATE TABLE signing_key (
    number     INTEGER NOT NULL PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
    kid        TEXT NOT NULL UNIQUE,
    alg        TEXT NOT NULL,
    jwk        TEXT NOT NULL, -- the public part; the private key never enters the database
    state      TEXT NOT NULL CHECK (state IN ('pending', 'active', 'verify_only', 'removed')),
    created_at BIGINT NOT NULL,
    active_at  BIGINT NOT NULL,
    retired_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_key_one_active ON signing_key (alg) WHERE state = 'active';

-- A code's list index is taken once and never given again. The intent is stored before the signature is made, so that a crash in
-- between leaves a row to revoke and never a signed code that the register does not know.
CREATE TABLE code (
    idx        INTEGER PRIMARY KEY AUTOINCREMENT CHECK (idx <= 4294967295),
    uscc       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('intended', 'issued')),
    kid        TEXT NOT NULL,
    form       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    tier       SMALLINT NOT NULL,
    colour     SMALLINT NOT NULL,
    model      INTEGER NOT NULL,
    jwt        TEXT NOT NULL
);
CREATE INDEX code_enterprise ON code (uscc, idx);
