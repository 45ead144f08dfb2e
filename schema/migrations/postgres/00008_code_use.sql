-- +goose Up
-- Codes by their end: for reminders, and for lists in that order.
CREATE INDEX code_end ON code (expires_at, idx);

-- The one place in the lists that all screen codes of an enterprise share, for each key. Suspending or revoking it stops them all.
CREATE TABLE screen_place (
    uscc TEXT COLLATE "C" NOT NULL,
    kid  TEXT COLLATE "C" NOT NULL,
    idx  BIGINT NOT NULL,
    PRIMARY KEY (uscc, kid)
);

-- Which reminders of the end of a code were given.
CREATE TABLE code_reminder (
    uscc TEXT COLLATE "C" NOT NULL,
    idx  BIGINT NOT NULL,
    days INTEGER NOT NULL, -- before the end
    at   BIGINT NOT NULL,
    PRIMARY KEY (uscc, idx, days)
);

-- How often a printed code was scanned, by hour and coarse area. An area is a few bits of a keyed hash of the client's network, or the code of
-- a region; neither address nor device is kept.
CREATE TABLE code_scan (
    uscc  TEXT COLLATE "C" NOT NULL,
    idx   BIGINT NOT NULL,
    hour  INTEGER NOT NULL, -- since 1970-01-01 00:00 UTC
    area  TEXT COLLATE "C" NOT NULL,
    scans BIGINT NOT NULL,
    PRIMARY KEY (uscc, idx, hour, area)
);
CREATE INDEX code_scan_hour ON code_scan (hour);

-- The key of the areas of one day. Keys of days before are deleted, so that nobody can be followed from one day to the next.
CREATE TABLE scan_key (
    day INTEGER NOT NULL PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL -- hexadecimal
);

-- Printed codes that were scanned in many places: a copy may be about. At most one signal a code and day.
CREATE TABLE code_signal (
    uscc  TEXT COLLATE "C" NOT NULL,
    idx   BIGINT NOT NULL,
    day   INTEGER NOT NULL,
    areas INTEGER NOT NULL,
    scans BIGINT NOT NULL,
    most  INTEGER NOT NULL, -- how many areas were still ordinary
    at    BIGINT NOT NULL,
    PRIMARY KEY (uscc, idx, day)
);
CREATE INDEX code_signal_at ON code_signal (at);
