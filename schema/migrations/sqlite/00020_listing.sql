-- +goose Up
-- The criteria of lists as data, a row a version. While a list has none here, those that come with the program hold.
CREATE TABLE listing_criteria (
    list       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    body       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    author     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (list, version)
);
-- +goose StatementBegin
CREATE TRIGGER listing_criteria_keeps_rows BEFORE DELETE ON listing_criteria
BEGIN SELECT RAISE(ABORT, 'listing_criteria: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER listing_criteria_keeps_values BEFORE UPDATE ON listing_criteria
BEGIN SELECT RAISE(ABORT, 'listing_criteria: rows are only ever added'); END;
-- +goose StatementEnd

-- How each enterprise stands with each list.
CREATE TABLE listing_entry (
    uscc             TEXT NOT NULL,
    list             TEXT NOT NULL,
    revision         BIGINT NOT NULL, -- rises with every change of this row: who decided about an older one is noticed
    steps            INTEGER NOT NULL, -- the number of its last step
    state            TEXT NOT NULL,
    since            INTEGER NOT NULL,
    by_hand          SMALLINT NOT NULL,
    met_since        INTEGER NOT NULL,
    until            INTEGER NOT NULL,
    answer_by        INTEGER NOT NULL,
    basis            TEXT NOT NULL,
    penalty_source   TEXT NOT NULL,
    penalty_ref      TEXT NOT NULL,
    commitment       TEXT NOT NULL, -- of its last application: published
    opener           TEXT NOT NULL, -- kind and number of who applied, nominated or gave notice: somebody else decides
    record_ref       TEXT NOT NULL, -- of the record that says that it is listed; '' : none
    missed           TEXT NOT NULL, -- criteria, separated by blanks, as last checked
    checked_on       INTEGER NOT NULL,
    checked_at       BIGINT NOT NULL, -- the moment of knowledge of the grade that was looked at
    checked_criteria INTEGER NOT NULL, -- version
    PRIMARY KEY (uscc, list)
);
CREATE INDEX listing_entry_state ON listing_entry (list, state, uscc);

-- Every step, with its reason.
CREATE TABLE listing_step (
    uscc   TEXT NOT NULL,
    list   TEXT NOT NULL,
    number INTEGER NOT NULL, -- 1, 2, …
    step   TEXT NOT NULL,
    state  TEXT NOT NULL, -- after it
    day    INTEGER NOT NULL,
    at     BIGINT NOT NULL,
    author TEXT NOT NULL, -- a login name, or system
    reason TEXT NOT NULL,
    missed TEXT NOT NULL, -- criteria, separated by blanks
    PRIMARY KEY (uscc, list, number)
);
-- +goose StatementBegin
CREATE TRIGGER listing_step_keeps_rows BEFORE DELETE ON listing_step
BEGIN SELECT RAISE(ABORT, 'listing_step: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER listing_step_keeps_values BEFORE UPDATE ON listing_step
BEGIN SELECT RAISE(ABORT, 'listing_step: rows are only ever added'); END;
-- +goose StatementEnd
