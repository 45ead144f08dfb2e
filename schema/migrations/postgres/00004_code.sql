-- +goose Up
CREATE TABLE signing_key (
    number     INTEGER NOT NULL PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
    kid        TEXT COLLATE "C" NOT NULL UNIQUE,
    alg        TEXT COLLATE "C" NOT NULL,
    jwk        TEXT NOT NULL, -- the public part; the private key never enters the database
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'active', 'verify_only', 'removed')),
    created_at BIGINT NOT NULL,
    active_at  BIGINT NOT NULL,
    retired_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_key_one_active ON signing_key (alg) WHERE state = 'active';

-- A code's list index is taken once and never given again. The intent is stored before the signature is made, so that a crash in
-- between leaves a row to revoke and never a signed code that the register does not know.
CREATE TABLE code (
    idx        BIGINT GENERATED ALWAYS AS IDENTITY (MAXVALUE 4294967295) UNIQUE,
    uscc       TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('intended', 'issued')),
    kid        TEXT COLLATE "C" NOT NULL,
    form       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    tier       SMALLINT NOT NULL,
    colour     SMALLINT NOT NULL,
    model      INTEGER NOT NULL,
    jwt        TEXT NOT NULL,
    PRIMARY KEY (uscc, idx)
);
