-- +goose Up
-- What each of the newest values of the clock 'live' touched, so that readers drop from memory only what changed.
CREATE TABLE live_change (
    version INTEGER NOT NULL PRIMARY KEY, -- the value of the clock
    touched TEXT NOT NULL -- the codes of the enterprises, separated by spaces; empty: everything may differ
);
