-- +goose Up
-- What the status list says of a code: 0 valid, 1 revoked (or never handed out), 2 suspended, 3 superseded. 1 and 3 are final.
ALTER TABLE code ADD COLUMN status SMALLINT NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 3);
CREATE INDEX code_open_intent ON code (created_at) WHERE state = 'intended' AND status = 0;

-- +goose StatementBegin
CREATE FUNCTION code_keeps_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'code: revoked and superseded are final' USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER code_keeps_final BEFORE UPDATE OF status ON code FOR EACH ROW WHEN (OLD.status IN (1, 3) AND NEW.status <> OLD.status)
    EXECUTE FUNCTION code_keeps_final();

-- Every step of every code.
CREATE TABLE code_event (
    uscc   TEXT COLLATE "C" NOT NULL,
    idx    BIGINT NOT NULL,
    number INTEGER NOT NULL,
    step   TEXT COLLATE "C" NOT NULL CHECK (step IN ('issue', 'renew', 'supersede', 'suspend', 'resume', 'revoke', 'abandon')),
    author TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (uscc, idx, number)
);
-- What was issued before has the one step that is known of it.
INSERT INTO code_event (uscc, idx, number, step, author, reason, at)
    SELECT uscc, idx, 1, 'issue', 'system', '', issued_at FROM code WHERE state = 'issued' ORDER BY uscc, idx;
CREATE TRIGGER code_event_keeps_rows BEFORE UPDATE OR DELETE ON code_event FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- Enterprises whose places in the lists are to be looked at again. Rows are only added and deleted, as in due.
CREATE TABLE list_due (
    uscc TEXT COLLATE "C" NOT NULL,
    mark BIGINT NOT NULL,
    PRIMARY KEY (uscc, mark)
);

-- The published lists. Between two of one list iat rises: a list never goes back in time.
CREATE TABLE list_token (
    kind    TEXT COLLATE "C" NOT NULL CHECK (kind IN ('status', 'grade')),
    number  BIGINT NOT NULL,
    iat     BIGINT NOT NULL, -- Unix seconds, as in the token
    kid     TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL, -- SHA-256 of the entries, hexadecimal
    token   TEXT NOT NULL,
    PRIMARY KEY (kind, number, iat)
);
ALTER TABLE list_token ALTER COLUMN token SET STORAGE EXTERNAL; -- it is compressed already
-- +goose StatementBegin
CREATE FUNCTION list_token_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'list_token: a published list is never changed' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF EXISTS (SELECT 1 FROM list_token t WHERE t.kind = NEW.kind AND t.number = NEW.number AND t.iat >= NEW.iat) THEN
        RAISE EXCEPTION 'list_token: a list never goes back in time' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER list_token_goes_on BEFORE INSERT OR UPDATE ON list_token FOR EACH ROW EXECUTE FUNCTION list_token_goes_on();

-- Changes are graded every second or so: the one run of a day is found by its kind and day.
CREATE INDEX run_kind ON run (kind, as_of);

-- Which process does what only one may do at a time.
CREATE TABLE lease (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    worker      TEXT COLLATE "C" NOT NULL,
    lease_until BIGINT NOT NULL
);

-- The public part of the root key, which stays offline, and the key sets that it signed.
CREATE TABLE root_key (
    thumbprint TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    jwk        TEXT NOT NULL,
    added_at   BIGINT NOT NULL
);
CREATE TABLE signed_key_set (
    iat      BIGINT NOT NULL PRIMARY KEY, -- Unix seconds, as in the token
    exp      BIGINT NOT NULL,
    root     TEXT COLLATE "C" NOT NULL REFERENCES root_key (thumbprint),
    token    TEXT NOT NULL,
    added_at BIGINT NOT NULL
);
