-- +goose Up
-- Instants are whole microseconds since 1970 in UTC, days are counted from 1900-01-01 = 1, 0 or '' is "nothing": the same on both engines.

-- What time the system has promised to be past. A run reads everything known at known_until; later facts are stamped after it.
CREATE TABLE clock (
    name  TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO clock (name, value) VALUES ('known_until', 0), ('first_loads', 0);

CREATE TABLE region (
    code TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE product (
    code     TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    known_at BIGINT NOT NULL,
    body     TEXT NOT NULL
);
CREATE TABLE product_revision (
    code     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    known_at BIGINT NOT NULL,
    risk     SMALLINT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (code, revision)
);

-- The newest description of each enterprise, for screens and lists.
CREATE TABLE enterprise (
    uscc          TEXT NOT NULL PRIMARY KEY,
    revision      INTEGER NOT NULL,
    known_at      BIGINT NOT NULL,
    region_code   TEXT NOT NULL,
    folded_name   TEXT NOT NULL, -- lower case, for a search that both engines answer alike
    product_codes TEXT NOT NULL, -- one a line
    body          TEXT NOT NULL
);
CREATE INDEX enterprise_region ON enterprise (region_code, uscc);

-- Every description that ever held, so that a past decision can be computed again.
CREATE TABLE enterprise_revision (
    uscc          TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    since         INTEGER NOT NULL,
    known_at      BIGINT NOT NULL,
    registered_on INTEGER NOT NULL,
    product_codes TEXT NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (uscc, revision)
) WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER product_revision_keeps_rows BEFORE DELETE ON product_revision
BEGIN SELECT RAISE(ABORT, 'product_revision: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER product_revision_keeps_values BEFORE UPDATE OF code, revision, since, known_at, risk, body ON product_revision
BEGIN SELECT RAISE(ABORT, 'product_revision: rows are only ever added'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER enterprise_revision_keeps_rows BEFORE DELETE ON enterprise_revision
BEGIN SELECT RAISE(ABORT, 'enterprise_revision: rows are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER enterprise_revision_keeps_values BEFORE UPDATE OF uscc, revision, since, known_at, registered_on, product_codes, body ON enterprise_revision
BEGIN SELECT RAISE(ABORT, 'enterprise_revision: rows are only ever added'); END;
-- +goose StatementEnd
