-- +goose Up
-- What a finished range stored, so that the end of a run can stand in the audit log with a digest of its results. Empty: nothing, or another kind of run.
ALTER TABLE run_range ADD COLUMN digest TEXT NOT NULL DEFAULT '';

-- The lines of a day: their times rise with their numbers.
CREATE INDEX audit_at ON audit (at, number);

-- The lines of one person, partner or job, by name.
CREATE INDEX audit_name ON audit (actor_name, number);
