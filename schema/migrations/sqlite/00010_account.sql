-- +goose Up
-- People who sign in. No real names: the login name is what the audit log shows.
CREATE TABLE account (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    login         TEXT NOT NULL UNIQUE, -- in small letters
    kind          TEXT NOT NULL CHECK (kind IN ('staff', 'enterprise', 'agency')),
    agency        TEXT NOT NULL,
    password_hash TEXT NOT NULL, -- argon2id; empty for an account that signs in elsewhere
    totp          TEXT NOT NULL, -- the sealed secret of the second factor, empty when there is none
    totp_step     BIGINT NOT NULL, -- the step of the code that was used last: none counts twice
    failures      INTEGER NOT NULL,
    failed_at     BIGINT NOT NULL,
    disabled_at   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    password_at   BIGINT NOT NULL
);
CREATE TABLE account_grant (
    account_id BIGINT NOT NULL REFERENCES account (id),
    role       TEXT NOT NULL,
    region     TEXT NOT NULL, -- empty: the whole register
    PRIMARY KEY (account_id, role, region)
);
CREATE TABLE account_enterprise (
    account_id BIGINT NOT NULL REFERENCES account (id),
    uscc       TEXT NOT NULL,
    PRIMARY KEY (account_id, uscc)
);
-- Who signs in elsewhere (OpenID Connect).
CREATE TABLE account_identity (
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES account (id),
    PRIMARY KEY (issuer, subject)
);
-- The browser holds a random text; only its hash is here.
CREATE TABLE session (
    hash       TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES account (id),
    passed     INTEGER NOT NULL CHECK (passed IN (0, 1)), -- 1: the second factor too, where the account has one
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account_id);

-- Other departments and banks, by their systems.
CREATE TABLE partner (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    purposes    TEXT NOT NULL, -- separated by blanks, as are the next two
    sources     TEXT NOT NULL, -- the record sources that it may send under
    addresses   TEXT NOT NULL, -- CIDRs that its requests come from; empty: any
    disabled_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE TABLE partner_key (
    prefix     TEXT NOT NULL PRIMARY KEY,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    hash       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX partner_key_partner ON partner_key (partner_id);
