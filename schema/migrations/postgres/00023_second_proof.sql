-- +goose Up
-- The certificates of which a partner's client must show one, beside its key; thumbprints separated by blanks, empty: none.
ALTER TABLE partner ADD COLUMN certificates TEXT COLLATE "C" NOT NULL DEFAULT '';

-- What takes the place of a code of the second factor, once each, when the device is lost. Only hashes are here.
CREATE TABLE account_recovery (
    account_id BIGINT NOT NULL REFERENCES account (id),
    hash       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, hash)
);
