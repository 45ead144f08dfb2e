-- +goose Up
-- Where a key's private half is, what is planned for it, and what it is: the same key never comes back under another number or algorithm.
ALTER TABLE signing_key ADD COLUMN driver         TEXT COLLATE "C" NOT NULL DEFAULT 'file' CHECK (driver IN ('file', 'pkcs11', 'unix'));
ALTER TABLE signing_key ADD COLUMN thumbprint     TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE signing_key ADD COLUMN planned_from   BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN planned_until  BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN compromised_at BIGINT NOT NULL DEFAULT 0 CHECK (compromised_at = 0 OR state = 'removed');
UPDATE signing_key SET thumbprint = coalesce(jwk::json ->> 'thumbprint', 'key ' || kid);
UPDATE signing_key SET planned_until = active_at + 31536000000000 WHERE active_at > 0;
CREATE UNIQUE INDEX signing_key_material ON signing_key (thumbprint);

CREATE TRIGGER signing_key_keeps_rows BEFORE DELETE ON signing_key FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER signing_key_keeps_values BEFORE UPDATE OF number, kid, alg, jwk, driver, thumbprint, created_at ON signing_key FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
-- +goose StatementBegin
CREATE FUNCTION signing_key_takes_one_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state || '>' || NEW.state NOT IN ('pending>active', 'pending>removed', 'active>verify_only', 'active>removed', 'verify_only>removed') THEN
        RAISE EXCEPTION 'signing_key: no step leads from % to %', OLD.state, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER signing_key_steps BEFORE UPDATE OF state ON signing_key FOR EACH ROW EXECUTE FUNCTION signing_key_takes_one_step();

-- Every step of every key.
CREATE TABLE key_event (
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    step   TEXT COLLATE "C" NOT NULL CHECK (step IN ('add', 'activate', 'retire', 'remove', 'compromise', 'rotation_due')),
    author TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (key, number)
);
-- A rotation is asked for once a key.
CREATE UNIQUE INDEX key_event_once ON key_event (key) WHERE step = 'rotation_due';
CREATE TRIGGER key_event_keeps_rows BEFORE UPDATE OR DELETE ON key_event FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- When the last code of a key ends, and which codes fall with it.
CREATE INDEX code_key ON code (kid, expires_at);
