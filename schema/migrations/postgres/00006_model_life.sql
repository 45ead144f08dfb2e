-- +goose Up
-- Who did what to a model version. The shipped default needs nobody's approval; every other version needs a second person.
ALTER TABLE model ADD COLUMN author        TEXT COLLATE "C" NOT NULL DEFAULT 'shipped';
ALTER TABLE model ADD COLUMN proposer      TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE model ADD COLUMN approver      TEXT COLLATE "C" NOT NULL DEFAULT '' CHECK (approver = '' OR (lower(approver) <> lower(author) AND lower(approver) <> lower(proposer)));
ALTER TABLE model ADD COLUMN reason        TEXT NOT NULL DEFAULT 'shipped with the program';
ALTER TABLE model ADD COLUMN effective_on  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN preview_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN proposed_at   BIGINT NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN approved_at   BIGINT NOT NULL DEFAULT 0 CHECK (state NOT IN ('approved', 'active') OR approver <> '' OR author = 'shipped');
ALTER TABLE model ADD COLUMN activated_at  BIGINT NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN retired_at    BIGINT NOT NULL DEFAULT 0;
UPDATE model SET activated_at = created_at WHERE state IN ('active', 'retired');
UPDATE model SET retired_at = created_at WHERE state = 'retired';
-- Nobody has looked at what was only stored.
UPDATE model SET state = 'draft' WHERE state IN ('proposed', 'approved');

CREATE TRIGGER model_keeps_rows BEFORE DELETE ON model FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER model_keeps_values BEFORE UPDATE OF code, version, digest, created_at, body, author ON model FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
-- +goose StatementBegin
CREATE FUNCTION model_takes_one_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state || '>' || NEW.state NOT IN ('draft>proposed', 'proposed>draft', 'proposed>approved', 'approved>draft', 'approved>active',
        'active>retired', 'draft>retired', 'proposed>retired', 'approved>retired') THEN
        RAISE EXCEPTION 'model: no step leads from % to %', OLD.state, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER model_steps BEFORE UPDATE OF state ON model FOR EACH ROW EXECUTE FUNCTION model_takes_one_step();

-- Every step of every version.
CREATE TABLE model_event (
    code       TEXT COLLATE "C" NOT NULL,
    version    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    person     TEXT COLLATE "C" NOT NULL,
    reason     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (code, version, number)
);
CREATE TRIGGER model_event_keeps_rows BEFORE UPDATE OR DELETE ON model_event FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- What a version would change, computed beside the version that was active.
CREATE TABLE model_simulation (
    code         TEXT COLLATE "C" NOT NULL,
    version      INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    created_at   BIGINT NOT NULL,
    base_code    TEXT COLLATE "C" NOT NULL,
    base_version INTEGER NOT NULL,
    as_of        INTEGER NOT NULL,
    known_at     BIGINT NOT NULL,
    result       TEXT NOT NULL,
    PRIMARY KEY (code, version, number)
);
CREATE TRIGGER model_simulation_keeps_rows BEFORE UPDATE OR DELETE ON model_simulation FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- What enterprises say about a proposed version.
CREATE TABLE model_comment (
    id         BIGINT GENERATED ALWAYS AS IDENTITY,
    uscc       TEXT COLLATE "C" NOT NULL,
    code       TEXT COLLATE "C" NOT NULL,
    version    INTEGER NOT NULL,
    text       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (uscc, id)
);
CREATE INDEX model_comment_version ON model_comment (code, version, id);
CREATE TRIGGER model_comment_keeps_rows BEFORE UPDATE OR DELETE ON model_comment FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
