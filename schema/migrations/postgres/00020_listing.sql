-- +goose Up
-- The criteria of lists as data, a row a version. While a list has none here, those that come with the program hold.
CREATE TABLE listing_criteria (
    list       TEXT COLLATE "C" NOT NULL,
    version    INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    body       TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    author     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (list, version)
);
CREATE TRIGGER listing_criteria_keeps_rows BEFORE UPDATE OR DELETE ON listing_criteria FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- How each enterprise stands with each list.
CREATE TABLE listing_entry (
    uscc             TEXT COLLATE "C" NOT NULL,
    list             TEXT COLLATE "C" NOT NULL,
    revision         BIGINT NOT NULL, -- rises with every change of this row: who decided about an older one is noticed
    steps            INTEGER NOT NULL, -- the number of its last step
    state            TEXT COLLATE "C" NOT NULL,
    since            INTEGER NOT NULL,
    by_hand          SMALLINT NOT NULL,
    met_since        INTEGER NOT NULL,
    until            INTEGER NOT NULL,
    answer_by        INTEGER NOT NULL,
    basis            TEXT COLLATE "C" NOT NULL,
    penalty_source   TEXT COLLATE "C" NOT NULL,
    penalty_ref      TEXT COLLATE "C" NOT NULL,
    commitment       TEXT COLLATE "C" NOT NULL, -- of its last application: published
    opener           TEXT COLLATE "C" NOT NULL, -- kind and number of who applied, nominated or gave notice: somebody else decides
    record_ref       TEXT COLLATE "C" NOT NULL, -- of the record that says that it is listed; '' : none
    missed           TEXT COLLATE "C" NOT NULL, -- criteria, separated by blanks, as last checked
    checked_on       INTEGER NOT NULL,
    checked_at       BIGINT NOT NULL, -- the moment of knowledge of the grade that was looked at
    checked_criteria INTEGER NOT NULL, -- version
    PRIMARY KEY (uscc, list)
);
CREATE INDEX listing_entry_state ON listing_entry (list, state, uscc);

-- Every step, with its reason.
CREATE TABLE listing_step (
    uscc   TEXT COLLATE "C" NOT NULL,
    list   TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL, -- 1, 2, …
    step   TEXT COLLATE "C" NOT NULL,
    state  TEXT COLLATE "C" NOT NULL, -- after it
    day    INTEGER NOT NULL,
    at     BIGINT NOT NULL,
    author TEXT COLLATE "C" NOT NULL, -- a login name, or system
    reason TEXT COLLATE "C" NOT NULL,
    missed TEXT COLLATE "C" NOT NULL, -- criteria, separated by blanks
    PRIMARY KEY (uscc, list, number)
);
CREATE TRIGGER listing_step_keeps_rows BEFORE UPDATE OR DELETE ON listing_step FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
