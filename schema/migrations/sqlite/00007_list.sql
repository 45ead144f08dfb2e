-- +goose Up
-- What the status list says of a code: 0 valid, 1 revoked (or never handed out), 2 suspended, 3 superseded. 1 and 3 are final.
ALTER TABLE code ADD COLUMN status SMALLINT NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 3);
CREATE INDEX code_open_intent ON code (created_at) WHERE state = 'intended' AND status = 0;

-- +goose StatementBegin
CREATE TRIGGER code_keeps_final BEFORE UPDATE OF status ON code WHEN OLD.status IN (1, 3) AND NEW.status <> OLD.status
BEGIN SELECT RAISE(ABORT, 'code: revoked and superseded are final'); END;
-- +goose StatementEnd

-- Every step of every code.
CREATE TABLE code_event (
    uscc   TEXT NOT NULL,
    idx    BIGINT NOT NULL,
    number INTEGER NOT NULL,
    step   TEXT NOT NULL CHECK (step IN ('issue', 'renew', 'supersede', 'suspend', 'resume', 'revoke', 'abandon')),
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (uscc, idx, number)
) WITHOUT ROWID;
-- What was issued before has the one step that is known of it.
INSERT INTO code_event (uscc, idx, number, step, author, reason, at)
    SELECT uscc, idx, 1, 'issue', 'system', '', issued_at FROM code WHERE state = 'issued' ORDER BY uscc, idx;

-- +goose StatementBegin
CREATE TRIGGER code_event_keeps_rows BEFORE DELETE ON code_event
BEGIN SELECT RAISE(ABORT, 'code_event: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER code_event_keeps_values BEFORE UPDATE ON code_event
BEGIN SELECT RAISE(ABORT, 'code_event: rows are only ever added'); END;
-- +goose StatementEnd

-- Enterprises whose places in the lists are to be looked at again. Rows are only added and deleted, as in due.
CREATE TABLE list_due (
    uscc TEXT NOT NULL,
    mark BIGINT NOT NULL,
    PRIMARY KEY (uscc, mark)
) WITHOUT ROWID;

-- The published lists. Between two of one list iat rises: a list never goes back in time.
CREATE TABLE list_token (
    kind    TEXT NOT NULL CHECK (kind IN ('status', 'grade')),
    number  BIGINT NOT NULL,
    iat     BIGINT NOT NULL, -- Unix seconds, as in the token
    kid     TEXT NOT NULL,
    content TEXT NOT NULL,   -- SHA-256 of the entries, hexadecimal
    token   TEXT NOT NULL,
    PRIMARY KEY (kind, number, iat)
);
-- +goose StatementBegin
CREATE TRIGGER list_token_keeps_values BEFORE UPDATE ON list_token
BEGIN SELECT RAISE(ABORT, 'list_token: a published list is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER list_token_goes_on BEFORE INSERT ON list_token
WHEN EXISTS (SELECT 1 FROM list_token t WHERE t.kind = NEW.kind AND t.number = NEW.number AND t.iat >= NEW.iat)
BEGIN SELECT RAISE(ABORT, 'list_token: a list never goes back in time'); END;
-- +goose StatementEnd

-- Changes are graded every second or so: the one run of a day is found by its kind and day.
CREATE INDEX run_kind ON run (kind, as_of);

-- Which process does what only one may do at a time.
CREATE TABLE lease (
    name        TEXT NOT NULL PRIMARY KEY,
    worker      TEXT NOT NULL,
    lease_until BIGINT NOT NULL
) WITHOUT ROWID;

-- The public part of the root key, which stays offline, and the key sets that it signed.
CREATE TABLE root_key (
    thumbprint TEXT NOT NULL PRIMARY KEY,
    jwk        TEXT NOT NULL,
    added_at   BIGINT NOT NULL
);
CREATE TABLE signed_key_set (
    iat      BIGINT NOT NULL PRIMARY KEY, -- Unix seconds, as in the token
    exp      BIGINT NOT NULL,
    root     TEXT NOT NULL REFERENCES root_key (thumbprint),
    token    TEXT NOT NULL,
    added_at BIGINT NOT NULL
);
