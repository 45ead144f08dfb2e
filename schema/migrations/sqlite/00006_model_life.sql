-- +goose Up
-- Who did what to a model version. The shipped default needs nobody's approval; every other version needs a second person.
ALTER TABLE model ADD COLUMN author        TEXT NOT NULL DEFAULT 'shipped';
ALTER TABLE model ADD COLUMN proposer      TEXT NOT NULL DEFAULT '';
ALTER TABLE model ADD COLUMN approver      TEXT NOT NULL DEFAULT '' CHECK (approver = '' OR (lower(approver) <> lower(author) AND lower(approver) <> lower(proposer)));
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

-- +goose StatementBegin
CREATE TRIGGER model_keeps_rows BEFORE DELETE ON model
BEGIN SELECT RAISE(ABORT, 'model: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER model_keeps_values BEFORE UPDATE OF code, version, digest, created_at, body, author ON model
BEGIN SELECT RAISE(ABORT, 'model: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER model_steps BEFORE UPDATE OF state ON model
WHEN OLD.state || '>' || NEW.state NOT IN ('draft>proposed', 'proposed>draft', 'proposed>approved', 'approved>draft', 'approved>active',
    'active>retired', 'draft>retired', 'proposed>retired', 'approved>retired')
BEGIN SELECT RAISE(ABORT, 'model: no such step'); END;
-- +goose StatementEnd

-- Every step of every version.
CREATE TABLE model_event (
    code       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    action     TEXT NOT NULL,
    person     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (code, version, number)
);
-- +goose StatementBegin
CREATE TRIGGER model_event_keeps_rows BEFORE DELETE ON model_event
BEGIN SELECT RAISE(ABORT, 'model_event: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER model_event_keeps_values BEFORE UPDATE ON model_event
BEGIN SELECT RAISE(ABORT, 'model_event: rows are only ever added'); END;
-- +goose StatementEnd

-- What a version would change, computed beside the version that was active.
CREATE TABLE model_simulation (
    code         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    created_at   BIGINT NOT NULL,
    base_code    TEXT NOT NULL,
    base_version INTEGER NOT NULL,
    as_of        INTEGER NOT NULL,
    known_at     BIGINT NOT NULL,
    result       TEXT NOT NULL,
    PRIMARY KEY (code, version, number)
);
-- +goose StatementBegin
CREATE TRIGGER model_simulation_keeps_rows BEFORE DELETE ON model_simulation
BEGIN SELECT RAISE(ABORT, 'model_simulation: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER model_simulation_keeps_values BEFORE UPDATE ON model_simulation
BEGIN SELECT RAISE(ABORT, 'model_simulation: rows are only ever added'); END;
-- +goose StatementEnd

-- What enterprises say about a proposed version.
CREATE TABLE model_comment (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uscc       TEXT NOT NULL,
    code       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    text       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX model_comment_uscc ON model_comment (uscc, id);
CREATE INDEX model_comment_version ON model_comment (code, version, id);
-- +goose StatementBegin
CREATE TRIGGER model_comment_keeps_rows BEFORE DELETE ON model_comment
BEGIN SELECT RAISE(ABORT, 'model_comment: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER model_comment_keeps_values BEFORE UPDATE ON model_comment
BEGIN SELECT RAISE(ABORT, 'model_comment: rows are only ever added'); END;
-- +goose StatementEnd
