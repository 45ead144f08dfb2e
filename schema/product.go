package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// PutProducts stores a batch in one transaction. A product that differs from its newest description becomes its next revision, and every
// enterprise that makes a product whose risk is new waits for a new grade. The caller has validated the rows.
func (db *DB) PutProducts(ctx context.Context, products []registry.Product, options PutOptions) ([]PutResult, error) {
	var results []PutResult
	err := db.inPut(ctx, "store products", options, func(t *tx) error {
		stored, err := t.newestProducts(ctx)
		if err != nil {
			return err
		}
		results = make([]PutResult, len(products))
		var rows [][]any
		for i := range products {
			if results[i], err = t.putProduct(ctx, &products[i], stored, options); err != nil {
				return err
			}
			if row := stored[products[i].Code]; results[i].Outcome == Added || results[i].Outcome == Changed {
				rows = append(rows, []any{products[i].Code, row.revision, row.knownAt, row.body})
			}
		}
		return t.auditPut(ctx, putProducts, valueRows(rows), results)
	})
	return results, err
}

type productRow struct {
	revision int
	knownAt  int64
	body     string
}

func (t *tx) newestProducts(ctx context.Context) (map[string]productRow, error) {
	found := make(map[string]productRow)
	err := t.each(ctx, `SELECT code, revision, known_at, body FROM product`, nil, func(scan func(...any) error) error {
		var code string
		var row productRow
		if err := scan(&code, &row.revision, &row.knownAt, &row.body); err != nil {
			return err
		}
		found[code] = row
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for products: %w", err)
	}
	return found, nil
}

// putProduct stores one product: a catalogue has hundreds, so a row at a time is quick enough.
func (t *tx) putProduct(ctx context.Context, p *registry.Product, stored map[string]productRow, options PutOptions) (PutResult, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return PutResult{}, fmt.Errorf("pack product: %w", err)
	}
	if !storable(p.Code, string(text)) {
		return refused("", "has a zero byte or is not valid UTF-8", "plain text"), nil
	}
	current, exists := stored[p.Code]
	if exists && current.body == string(text) {
		return PutResult{Outcome: Unchanged, Revision: current.revision}, nil
	}
	knownAt, problem := t.moment(options, time.Time{}, current.knownAt, 0)
	if problem != nil {
		return *problem, nil
	}
	row := productRow{revision: current.revision + 1, knownAt: knownAt, body: string(text)}
	if err := t.writeProduct(ctx, p, row); err != nil {
		return PutResult{}, err
	}
	stored[p.Code] = row
	if exists {
		return PutResult{Outcome: Changed, Revision: row.revision}, nil
	}
	return PutResult{Outcome: Added, Revision: row.revision}, nil
}

func (t *tx) writeProduct(ctx context.Context, p *registry.Product, row productRow) error {
	const revision = `INSERT INTO product_revision (code, revision, since, known_at, risk, body) VALUES (?, ?, ?, ?, ?, ?)`
	if _, err := t.ExecContext(ctx, t.Rebind(revision), p.Code, row.revision, int64(p.Since), row.knownAt, int(p.Risk), row.body); err != nil {
		return fmt.Errorf("add product: %w", err)
	}
	const current = `INSERT INTO product (code, revision, known_at, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (code) DO UPDATE SET revision = excluded.revision, known_at = excluded.known_at, body = excluded.body`
	if _, err := t.ExecContext(ctx, t.Rebind(current), p.Code, row.revision, row.knownAt, row.body); err != nil {
		return fmt.Errorf("add product: %w", err)
	}
	due := `INSERT INTO due (uscc, token, known_at) SELECT uscc, CAST(? AS bigint), CAST(? AS bigint) FROM enterprise
		WHERE ` + t.db.engine.dialect().indexOf + `(? || product_codes || ?, ?) > 0 ORDER BY uscc`
	if _, err := t.ExecContext(ctx, t.Rebind(due), newToken(), t.stamp, "\n", "\n", "\n"+p.Code+"\n"); err != nil {
		return fmt.Errorf("ask for new grades: %w", err)
	}
	return nil
}

// Product returns the newest description of a product, or ErrNotFound.
func (db *DB) Product(ctx context.Context, code string) (*registry.Product, error) {
	var body string
	if err := db.read.GetContext(ctx, &body, db.read.Rebind(`SELECT body FROM product WHERE code = ?`), code); err != nil {
		return nil, db.fail(ctx, "read product", err)
	}
	p := new(registry.Product)
	if err := json.Unmarshal([]byte(body), p); err != nil {
		return nil, fmt.Errorf("read product: %w", err)
	}
	return p, nil
}

// Products iterates over the newest description of every product in the order of their codes (by bytes).
func (db *DB) Products(ctx context.Context) iter.Seq2[registry.Product, error] {
	return stream(ctx, db, "read products", `SELECT body FROM product ORDER BY code`, nil,
		func(scan func(...any) error) (registry.Product, error) {
			var body string
			var p registry.Product
			if err := scan(&body); err != nil {
				return p, err
			}
			return p, json.Unmarshal([]byte(body), &p)
		})
}

// ProductsAt returns the catalogue as of a day, knowing what was known at a moment, in the order of the codes (by bytes).
func (db *DB) ProductsAt(ctx context.Context, asOf registry.Day, knownAt time.Time) ([]registry.Product, error) {
	const query = `SELECT body FROM product_revision WHERE known_at <= ? AND since <= ? ORDER BY code, revision`
	var catalogue []registry.Product
	for p, err := range stream(ctx, db, "read catalogue", query, []any{micros(knownAt), int64(asOf)}, readProductRevision) {
		if err != nil {
			return nil, err
		}
		if n := len(catalogue); n > 0 && catalogue[n-1].Code == p.Code {
			catalogue[n-1] = p
			continue
		}
		catalogue = append(catalogue, p)
	}
	return catalogue, nil
}

func readProductRevision(scan func(...any) error) (p registry.Product, err error) {
	var body string
	if err = scan(&body); err == nil {
		err = json.Unmarshal([]byte(body), &p)
	}
	return p, err
}

// ProductFacts calls yield for each enterprise with records about products, in the order of the enterprises' codes, with what scoring
// reads of those records as of a day, knowing what was known at a moment. It is one pass over the records in the order in which they
// lie: products are gathered as it goes, so that nothing is sorted and only one enterprise is in memory. The facts are filled again for
// the next enterprise: yield must not keep them. An error of yield ends the reading and is returned as it is.
func (db *DB) ProductFacts(ctx context.Context, asOf registry.Day, knownAt time.Time, yield func(registry.USCC, []scoring.Fact) error) error {
	const query = `SELECT uscc, fact FROM record WHERE product_code <> '' AND known_at <= ? AND superseded_at > ? AND occurred_on <= ?
		ORDER BY uscc, source, source_ref, revision`
	at := micros(knownAt)
	return db.inRead(ctx, "read facts of products", func(t *tx) error {
		r := productFactReader{yield: yield}
		if err := t.each(ctx, query, []any{at, at, int64(asOf)}, r.read); err != nil {
			return err
		}
		return r.flush()
	})
}

// productFactReader gathers the facts of one enterprise at a time.
type productFactReader struct {
	code  registry.USCC
	facts []scoring.Fact
	yield func(registry.USCC, []scoring.Fact) error
}

func (r *productFactReader) read(scan func(...any) error) error {
	var code, packed string
	if err := scan(&code, &packed); err != nil {
		return err
	}
	if registry.USCC(code) != r.code {
		if err := r.flush(); err != nil {
			return err
		}
		r.code = registry.USCC(code)
	}
	var err error
	if r.facts, err = scoring.ParseFacts(r.facts, packed); err != nil {
		return fmt.Errorf("facts of %s: %w", code, err)
	}
	return nil
}

func (r *productFactReader) flush() error {
	if len(r.facts) == 0 {
		return nil
	}
	err := r.yield(r.code, r.facts)
	r.facts = r.facts[:0]
	return err
}

// risks holds the risk level of each product on a day, knowing what was known at a moment.
type risks map[string]registry.RiskLevel

// risksAt reads the whole catalogue: it is small. The newest revision that holds on the day rules.
func (t *tx) risksAt(ctx context.Context, asOf registry.Day, knownAt int64) (risks, error) {
	found := make(risks)
	const query = `SELECT code, risk FROM product_revision WHERE known_at <= ? AND since <= ? ORDER BY code, revision`
	err := t.each(ctx, query, []any{knownAt, int64(asOf)}, func(scan func(...any) error) error {
		var code string
		var risk int
		if err := scan(&code, &risk); err != nil {
			return err
		}
		found[code] = registry.RiskLevel(risk)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read product risks: %w", err)
	}
	return found, nil
}

// highest returns the highest risk among products, one code a line. A product that the catalogue does not hold counts as general.
func (r risks) highest(codes string) registry.RiskLevel {
	worst := registry.RiskGeneral
	for codes != "" {
		var code string
		code, codes, _ = strings.Cut(codes, "\n")
		worst = max(worst, r[code])
	}
	return worst
}
