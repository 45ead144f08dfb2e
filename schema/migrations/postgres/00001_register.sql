-- +goose Up
-- Instants are whole microseconds since 1970 in UTC, days are counted from 1900-01-01 = 1, 0 or '' is "nothing": the same on both engines.

-- What time the system has promised to be past. A run reads everything known at known_until; later facts are stamped after it.
CREATE TABLE clock (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO clock (name, value) VALUES ('known_until', 0), ('first_loads', 0);

CREATE TABLE region (
    code TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE product (
    code     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    known_at BIGINT NOT NULL,
    body     TEXT NOT NULL
);
CREATE TABLE product_revision (
    code     TEXT COLLATE "C" NOT NULL,
    revision INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    known_at BIGINT NOT NULL,
    risk     SMALLINT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (code, revision)
);

-- The newest description of each enterprise, for screens and lists.
CREATE TABLE enterprise (
    uscc          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    revision      INTEGER NOT NULL,
    known_at      BIGINT NOT NULL,
    region_code   TEXT COLLATE "C" NOT NULL,
    folded_name   TEXT COLLATE "C" NOT NULL, -- lower case, for a search that both engines answer alike
    product_codes TEXT COLLATE "C" NOT NULL, -- one a line
    body          TEXT NOT NULL
);
CREATE INDEX enterprise_region ON enterprise (region_code, uscc);

-- Every description that ever held, so that a past decision can be computed again.
CREATE TABLE enterprise_revision (
    uscc          TEXT COLLATE "C" NOT NULL,
    revision      INTEGER NOT NULL,
    since         INTEGER NOT NULL,
    known_at      BIGINT NOT NULL,
    registered_on INTEGER NOT NULL,
    product_codes TEXT COLLATE "C" NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (uscc, revision)
);

-- +goose StatementBegin
CREATE FUNCTION rows_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: rows are only ever added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER product_revision_keeps_rows BEFORE DELETE ON product_revision FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER product_revision_keeps_values BEFORE UPDATE OF code, revision, since, known_at, risk, body ON product_revision FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

CREATE TRIGGER enterprise_revision_keeps_rows BEFORE DELETE ON enterprise_revision FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER enterprise_revision_keeps_values BEFORE UPDATE OF uscc, revision, since, known_at, registered_on, product_codes, body ON enterprise_revision FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
