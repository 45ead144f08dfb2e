-- +goose Up
-- People who sign in. No real names: the login name is what the audit log shows.
CREATE TABLE account (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login         TEXT COLLATE "C" NOT NULL UNIQUE, -- in small letters
    kind          TEXT COLLATE "C" NOT NULL CHECK (kind IN ('staff', 'enterprise', 'agency')),
    agency        TEXT COLLATE "C" NOT NULL,
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
    role       TEXT COLLATE "C" NOT NULL,
    region     TEXT COLLATE "C" NOT NULL, -- empty: the whole register
    PRIMARY KEY (account_id, role, region)
);
CREATE TABLE account_enterprise (
    account_id BIGINT NOT NULL REFERENCES account (id),
    uscc       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, uscc)
);
-- Who signs in elsewhere (OpenID Connect).
CREATE TABLE account_identity (
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    account_id BIGINT NOT NULL REFERENCES account (id),
    PRIMARY KEY (issuer, subject)
);
-- The browser holds a random text; only its hash is here.
CREATE TABLE session (
    hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES account (id),
    passed     INTEGER NOT NULL CHECK (passed IN (0, 1)), -- 1: the second factor too, where the account has one
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account_id);

-- Other departments and banks, by their systems.
CREATE TABLE partner (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
    purposes    TEXT COLLATE "C" NOT NULL, -- separated by blanks, as are the next two
    sources     TEXT COLLATE "C" NOT NULL, -- the record sources that it may send under
    addresses   TEXT COLLATE "C" NOT NULL, -- CIDRs that its requests come from; empty: any
    disabled_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE TABLE partner_key (
    prefix     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    hash       TEXT COLLATE "C" NOT NULL,
    scopes     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX partner_key_partner ON partner_key (partner_id);
