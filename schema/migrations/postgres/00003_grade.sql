-- +goose Up
CREATE TABLE model (
    code       TEXT COLLATE "C" NOT NULL,
    version    INTEGER NOT NULL,
    digest     TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('draft', 'proposed', 'approved', 'active', 'retired')),
    created_at BIGINT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (code, version)
);
CREATE UNIQUE INDEX model_one_active ON model (state) WHERE state = 'active';

CREATE TABLE run (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('running', 'finished', 'failed')),
    scope         TEXT COLLATE "C" NOT NULL CHECK (scope IN ('all', 'changed')),
    as_of         INTEGER NOT NULL,
    known_at      BIGINT NOT NULL,
    model_code    TEXT COLLATE "C" NOT NULL,
    model_version INTEGER NOT NULL,
    model_digest  TEXT COLLATE "C" NOT NULL,
    worker        TEXT COLLATE "C" NOT NULL,
    started_at    BIGINT NOT NULL,
    lease_until   BIGINT NOT NULL,
    finished_at   BIGINT NOT NULL,
    error         TEXT NOT NULL
);
-- One run of a kind at a time, whatever the number of processes.
CREATE UNIQUE INDEX run_one_running ON run (kind) WHERE state = 'running';

-- The key ranges of a run. A range is done in the same transaction that stores its assessments.
CREATE TABLE run_range (
    run_id      BIGINT NOT NULL REFERENCES run (id),
    number      INTEGER NOT NULL,
    from_uscc   TEXT COLLATE "C" NOT NULL,
    to_uscc     TEXT COLLATE "C" NOT NULL, -- the last one that belongs to the range
    enterprises INTEGER NOT NULL,
    done_at     BIGINT NOT NULL,
    assessed    INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    PRIMARY KEY (run_id, number)
);

-- The current assessment of each enterprise.
CREATE TABLE assessment (
    uscc           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    run_id         BIGINT NOT NULL,
    as_of          INTEGER NOT NULL,
    known_at       BIGINT NOT NULL,
    model_code     TEXT COLLATE "C" NOT NULL,
    model_version  INTEGER NOT NULL,
    index_value    INTEGER NOT NULL, -- hundredths
    tier           SMALLINT NOT NULL,
    colour         SMALLINT NOT NULL,
    evidence       SMALLINT NOT NULL,
    checks         BIGINT NOT NULL, -- millionths of a check
    losses         TEXT COLLATE "C" NOT NULL, -- parts per million by dimension, separated by spaces
    next_change_on INTEGER NOT NULL,
    changed_on     INTEGER NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    records_digest TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX assessment_next_change ON assessment (next_change_on, uscc) WHERE next_change_on > 0;

-- A row when the grade or the records changed, and at each month's end.
CREATE TABLE assessment_history (
    uscc           TEXT COLLATE "C" NOT NULL,
    run_id         BIGINT NOT NULL,
    as_of          INTEGER NOT NULL,
    known_at       BIGINT NOT NULL,
    model_code     TEXT COLLATE "C" NOT NULL,
    model_version  INTEGER NOT NULL,
    index_value    INTEGER NOT NULL, -- hundredths
    tier           SMALLINT NOT NULL,
    colour         SMALLINT NOT NULL,
    evidence       SMALLINT NOT NULL,
    checks         BIGINT NOT NULL, -- millionths of a check
    losses         TEXT COLLATE "C" NOT NULL, -- parts per million by dimension, separated by spaces
    next_change_on INTEGER NOT NULL,
    changed_on     INTEGER NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    records_digest TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (uscc, as_of, known_at, model_code, model_version)
);
