package schema

// dialect holds the fragments of SQL in which the engines differ. A fragment with a parameter takes one bound text: the JSON that
// list and pairs make, so that one statement serves any number of keys.
type dialect struct {
	name string
	// keys is a table k(key) of the texts in a JSON array; pairs is a table k(a, b), triples k(a, b, c, n) with a whole number n.
	keys, pairs, triples string
	// indexOf finds a text in another: 0 when it is not there.
	indexOf string
	// enterpriseName is the name in the description of an enterprise e.
	enterpriseName string
	// packed joins facts with commas, in the order in which they come.
	packed string
	// newestRevision selects the newest description of each enterprise among those that meet the conditions (%s).
	newestRevision string
	// shareLock lets many transactions read a row that must not change until they end.
	shareLock string
	// updateLock keeps a row for the transaction that is about to change it.
	updateLock string
}

var sqliteDialect = dialect{
	name:           "sqlite",
	keys:           `(SELECT value AS key FROM json_each(?))`,
	pairs:          `(SELECT value ->> 0 AS a, value ->> 1 AS b FROM json_each(?))`,
	triples:        `(SELECT value ->> 0 AS a, value ->> 1 AS b, value ->> 2 AS c, value ->> 3 AS n FROM json_each(?))`,
	indexOf:        `instr`,
	packed:         `group_concat(fact, ',')`,
	enterpriseName: `coalesce(e.body ->> 'name', '')`,
	// SQLite takes bare columns from the row that has the maximum: https://sqlite.org/lang_select.html#bareagg
	newestRevision: `SELECT uscc, max(revision), registered_on, product_codes FROM enterprise_revision WHERE %s GROUP BY uscc`,
}

var postgresDialect = dialect{
	name:           "postgres",
	keys:           `(SELECT value AS key FROM json_array_elements_text(?::json))`,
	pairs:          `(SELECT value ->> 0 AS a, value ->> 1 AS b FROM json_array_elements(?::json))`,
	triples:        `(SELECT value ->> 0 AS a, value ->> 1 AS b, value ->> 2 AS c, (value ->> 3)::bigint AS n FROM json_array_elements(?::json))`,
	indexOf:        `strpos`,
	packed:         `string_agg(fact, ',')`,
	enterpriseName: `coalesce(e.body::json ->> 'name', '')`,
	newestRevision: `SELECT DISTINCT ON (uscc) uscc, registered_on, product_codes FROM enterprise_revision WHERE %s ORDER BY uscc, revision DESC`,
	shareLock:      ` FOR SHARE`,
	updateLock:     ` FOR UPDATE`,
}
