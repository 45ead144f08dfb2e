-- +goose Up
-- Who looked at an enterprise, for which purpose (requirement J15). Looks of one partner at the same instant are one row that counts them.
CREATE TABLE partner_look (
    uscc       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    purpose    TEXT NOT NULL,
    means      TEXT NOT NULL CHECK (means IN ('code', 'ticket')),
    looks      BIGINT NOT NULL,
    PRIMARY KEY (uscc, at, partner_id, purpose, means)
);
CREATE INDEX partner_look_at ON partner_look (at); -- for the end of their keeping

-- What an enterprise lets a partner see once. The partner holds a random text; only its hash is here.
CREATE TABLE verify_ticket (
    uscc       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    partner_id BIGINT NOT NULL, -- who may use it; 0: any partner
    account_id BIGINT NOT NULL, -- who made it; 0: the operator
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL, -- 0: not yet
    used_by    BIGINT NOT NULL, -- the partner that used it
    PRIMARY KEY (uscc, hash)
);
