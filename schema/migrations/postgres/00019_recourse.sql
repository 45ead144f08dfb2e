-- +goose Up
-- What enterprises ask for: objections, repairs, appeals, replies. The row is where it stands, recourse_step how it came there.
CREATE TABLE recourse (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uscc        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('objection', 'repair', 'appeal', 'reply')),
    state       TEXT COLLATE "C" NOT NULL,
    outcome     TEXT COLLATE "C" NOT NULL, -- empty: not decided
    source      TEXT COLLATE "C" NOT NULL, -- the record that it is about, empty for none
    source_ref  TEXT COLLATE "C" NOT NULL,
    against     BIGINT NOT NULL, -- the recourse that an appeal is about; 0: the grade
    body        TEXT NOT NULL, -- what the enterprise says
    duties      INTEGER NOT NULL CHECK (duties IN (0, 1)), -- a repair: duties done and harm removed are declared
    filer       TEXT COLLATE "C" NOT NULL, -- login
    on_behalf   INTEGER NOT NULL CHECK (on_behalf IN (0, 1)),
    filed_on    INTEGER NOT NULL,
    due_on      INTEGER NOT NULL, -- by when the next step is to be taken; 0: none
    revoked_on  INTEGER NOT NULL, -- a repair got by fraud: its record's clock starts here again
    result_revision INTEGER NOT NULL, -- the newest revision of the record once it was decided; 0: not decided
    steps       INTEGER NOT NULL, -- how many: two people who act at once do not overwrite each other
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL
);
CREATE INDEX recourse_enterprise ON recourse (uscc, id);
CREATE INDEX recourse_record ON recourse (source, source_ref) WHERE source <> '';
CREATE INDEX recourse_due ON recourse (due_on, id) WHERE state IN ('filed', 'accepted', 'returned');
-- One open recourse about a record and about a grade, one appeal against a decision, one reply that is published.
CREATE UNIQUE INDEX recourse_one_open ON recourse (source, source_ref) WHERE source <> '' AND state IN ('filed', 'accepted', 'returned');
CREATE UNIQUE INDEX recourse_one_appeal ON recourse (against) WHERE against > 0;
CREATE UNIQUE INDEX recourse_one_grade ON recourse (uscc) WHERE kind = 'appeal' AND against = 0 AND state IN ('filed', 'accepted', 'returned');
CREATE UNIQUE INDEX recourse_one_reply ON recourse (uscc) WHERE state = 'published';

CREATE TABLE recourse_step (
    uscc        TEXT COLLATE "C" NOT NULL,
    recourse_id BIGINT NOT NULL REFERENCES recourse (id),
    number      INTEGER NOT NULL, -- 1, 2, …
    step        TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL, -- after it
    outcome     TEXT COLLATE "C" NOT NULL, -- of a decision
    actor       TEXT COLLATE "C" NOT NULL, -- login, or system
    side        TEXT COLLATE "C" NOT NULL CHECK (side IN ('author', 'officer', 'system')),
    higher      INTEGER NOT NULL CHECK (higher IN (0, 1)), -- an officer of a region above the enterprise's county
    reason      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (recourse_id, number)
);
CREATE TRIGGER recourse_step_keeps_rows BEFORE UPDATE OR DELETE ON recourse_step FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER recourse_keeps_rows BEFORE DELETE ON recourse FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- Revisions of records that a recourse or the end of publication made, with the revision that the source itself sent last: sending that again must not
-- undo a decision.
CREATE TABLE record_decision (
    uscc        TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    source_ref  TEXT COLLATE "C" NOT NULL,
    revision    INTEGER NOT NULL,
    said        INTEGER NOT NULL,
    PRIMARY KEY (uscc, source, source_ref, revision)
);

-- Penalties and broken commitments that are still published, for the end of their longest term.
CREATE INDEX record_published ON record (uscc, source, source_ref) WHERE superseded_at = 9223372036854775807 AND kind IN ('penalty', 'commitment');
