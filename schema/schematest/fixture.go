// Package schematest is the conformance suite of package schema: what must be the same on every engine. Only tests import it.
package schematest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
)

// Opener returns the address of a fresh, migrated database.
type Opener func(testing.TB) schema.Config

// Open opens a fresh database and closes it at the end of the test.
func Open(tb testing.TB, fresh Opener) *schema.DB {
	tb.Helper()
	return Reopen(tb, fresh(tb))
}

// Reopen opens a database by its address and closes it at the end of the test.
func Reopen(tb testing.TB, config schema.Config) *schema.DB {
	tb.Helper()
	db, err := schema.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// Code returns the nth invented unified social credit code, with its check character.
func Code(n int) registry.USCC {
	first := fmt.Sprintf("91330402MA%07d", n)
	return registry.USCC(first + string(registry.USCCCheckCharacter(first)))
}

// Enterprise returns the nth invented enterprise.
func Enterprise(n int) registry.Enterprise {
	return registry.Enterprise{USCC: Code(n), Name: fmt.Sprintf("嘉兴样例%d有限公司", n), Size: registry.SizeSmall, RegionCode: "330402001",
		IndustryCode: "C3831", RegisteredOn: registry.MustDay("2015-03-01"), ProductCodes: []string{"wire"}}
}

// Record returns the ith invented record of the nth enterprise: a passed spot check.
func Record(n, i int) registry.Record {
	return registry.Record{USCC: Code(n), Source: "sample", SourceRef: fmt.Sprintf("%d-%d", n, i), Kind: registry.KindSpotCheck,
		Outcome: registry.OutcomePass, OccurredOn: registry.MustDay("2025-01-01") + registry.Day(i), State: registry.StateFinal,
		Stage: registry.StageProduction, Purpose: registry.PurposeRandom, ProductCode: "wire", Detail: &registry.SpotCheck{Batch: "B1"}}
}

// Enterprises returns the invented enterprises from one number up to another, excluded.
func Enterprises(from, to int) []registry.Enterprise {
	var all []registry.Enterprise
	for n := from; n < to; n++ {
		all = append(all, Enterprise(n))
	}
	return all
}

// Records returns each records of the invented enterprises from one number up to another, excluded.
func Records(from, to, each int) []registry.Record {
	var all []registry.Record
	for n := from; n < to; n++ {
		for i := range each {
			all = append(all, Record(n, i))
		}
	}
	return all
}

// Today is the day that the suite grades on.
func Today() registry.Day { return registry.DayOf(time.Now()) }

func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}

func outcomes(results []schema.PutResult) map[schema.PutOutcome]int {
	counts := make(map[schema.PutOutcome]int)
	for _, r := range results {
		counts[r.Outcome]++
	}
	return counts
}

// seed stores enterprises and records and returns the moment at which all of it is known.
func seed(tb testing.TB, db *schema.DB, enterprises, each int) time.Time {
	tb.Helper()
	ctx := context.Background()
	must(db.PutEnterprises(ctx, Enterprises(0, enterprises), schema.PutOptions{}))(tb)
	must(db.PutRecords(ctx, Records(0, enterprises, each), schema.PutOptions{}))(tb)
	return must(db.Know(ctx))(tb)
}
