-- +goose Up
-- What the outbox holds is found by topic while nobody was told it yet.
CREATE INDEX outbox_untold ON outbox (topic, id) WHERE published_at = 0;
DROP INDEX outbox_waiting;

-- What partners are told, in the order in which they are told it. The order is the whole point, so its number is the key: numbers are given by one
-- writer at a time, without gaps, and whoever has read up to one has missed nothing before it.
CREATE TABLE change (
    position  INTEGER PRIMARY KEY,
    uscc      TEXT NOT NULL,
    outbox_id BIGINT NOT NULL,
    topic     TEXT NOT NULL,
    data      TEXT NOT NULL, -- JSON: what partners may know, and nothing else
    at        BIGINT NOT NULL, -- when it happened
    UNIQUE (uscc, outbox_id) -- told once
);
CREATE INDEX change_topic ON change (topic, position);
-- +goose StatementBegin
CREATE TRIGGER change_keeps_rows BEFORE DELETE ON change
BEGIN SELECT RAISE(ABORT, 'change: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER change_keeps_values BEFORE UPDATE ON change
BEGIN SELECT RAISE(ABORT, 'change: rows are only ever added'); END;
-- +goose StatementEnd

-- Where partners want to be told. What is before its position was delivered.
CREATE TABLE webhook (
    id            TEXT NOT NULL PRIMARY KEY,
    partner_id    BIGINT NOT NULL REFERENCES partner (id),
    url           TEXT NOT NULL,
    topics        TEXT NOT NULL, -- separated by blanks; empty: every topic
    position      BIGINT NOT NULL,
    turn          BIGINT NOT NULL, -- rises with every change of this row: who noted something else meanwhile is noticed
    attempts      INTEGER NOT NULL, -- that failed, of the change after position
    next_at       BIGINT NOT NULL, -- not tried again before
    claimed_until BIGINT NOT NULL, -- a process is at it
    failing_since BIGINT NOT NULL, -- 0: the last attempt was answered well
    disabled_at   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX webhook_partner ON webhook (partner_id);
-- Two secrets are valid while they are exchanged. They are sealed: who copies the database cannot sign.
CREATE TABLE webhook_secret (
    webhook_id TEXT NOT NULL REFERENCES webhook (id),
    number     INTEGER NOT NULL,
    sealed     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, -- 0: not yet exchanged
    PRIMARY KEY (webhook_id, number)
);
-- What became of each attempt.
CREATE TABLE webhook_delivery (
    webhook_id TEXT NOT NULL REFERENCES webhook (id),
    number     BIGINT NOT NULL,
    position   BIGINT NOT NULL, -- the change
    attempt    INTEGER NOT NULL, -- 1 is the first
    outcome    TEXT NOT NULL,
    status     INTEGER NOT NULL, -- of the answer; 0: there was none
    took       BIGINT NOT NULL, -- microseconds
    at         BIGINT NOT NULL,
    PRIMARY KEY (webhook_id, number)
);
CREATE INDEX webhook_delivery_at ON webhook_delivery (at);
