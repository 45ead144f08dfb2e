package schema_test

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/schema/schematest"
	"healthcode/supervision"
)

// cursorLists ask every list that goes on from a cursor of text for the page after one.
var cursorLists = map[string]func(ctx context.Context, db *schema.DB, order, cursor string) (int, error){
	"enterprises": func(ctx context.Context, db *schema.DB, order, cursor string) (int, error) {
		page, err := db.EnterprisePage(ctx, access.Everything(), schema.EnterpriseFilter{Sort: schema.EnterpriseSort(order), Cursor: cursor})
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
	"codes": func(ctx context.Context, db *schema.DB, order, cursor string) (int, error) {
		page, err := db.CodePage(ctx, access.Everything(), schema.CodeFilter{Sort: schema.CodeSort(order), Cursor: cursor})
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
	"records": func(ctx context.Context, db *schema.DB, order, cursor string) (int, error) {
		page, err := db.RecordPage(ctx, schema.Bounds{Sight: access.Everything()}, schema.RecordFilter{Sort: schema.RecordSort(order), Cursor: cursor})
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
	"recourses": func(ctx context.Context, db *schema.DB, order, cursor string) (int, error) {
		page, err := db.RecoursePage(ctx, access.Everything(), schema.RecourseFilter{Sort: schema.RecourseSort(order), Cursor: cursor})
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
	"a list": func(ctx context.Context, db *schema.DB, order, cursor string) (int, error) {
		f := schema.ListingFilter{List: supervision.ListTrusted, Sight: access.Everything(), Sort: schema.ListingSort(order), Cursor: cursor}
		page, err := db.ListingPage(ctx, f)
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
	"looks": func(ctx context.Context, db *schema.DB, _, cursor string) (int, error) {
		page, err := db.LooksAt(ctx, access.Everything(), schematest.Code(0), cursor, 5)
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
	"submissions": func(ctx context.Context, db *schema.DB, _, cursor string) (int, error) {
		page, err := db.Submissions(ctx, nil, "", cursor, 5)
		return sizeOf(err, func() int { return len(page.Items) }), err
	},
}

func sizeOf(err error, size func() int) int {
	if err != nil {
		return 0
	}
	return size()
}

// cursorSeeds are orders of one list or another with cursors that fit them but for what they hold.
func cursorSeeds() (seeds [][2]string) {
	for _, order := range []string{"uscc", "name", "index", "-index", "-changed_on", "region", "idx", "-idx", "-expires_at", "known_at", "-occurred_on", "-id", "id", "due_on", "-since", ""} {
		for _, text := range []string{`"k":"a","u":"b"`, `"k":5,"u":"b","i":1`, `"k":"\u0000","u":"b"`, `"k":"a","u":"\u0000"`, `"k":1,"u":"b","o":"\u0000"`, `"k":9223372036854775807,"u":"b","i":9223372036854775807`,
			`"k":-9223372036854775808,"u":"b","i":-9223372036854775808`, `"n":"\u0000","d":2147483647,"u":"a"`, `"n":"a","d":-2147483648,"u":"a"`, `"k":1e400`, `"k":null`, `"k":"\ud800","u":"b"`, "\"k\":\"\xff\",\"u\":\"b\""} {
			seeds = append(seeds, [2]string{order, `{"s":"` + order + `",` + text + `}`})
		}
	}
	for _, text := range []string{"", "{", "null", "[]", "\x00", `{"a":9223372036854775807,"p":-1,"u":"\u0000","m":"a"}`, `{"a":1,"p":9223372036854775807,"u":"a","m":"a"}`, `{"c":9223372036854775807,"i":"\u0000"}`, `{"c":-1,"i":"a"}`} {
		seeds = append(seeds, [2]string{"", text})
	}
	return seeds
}

func cursorDatabase(tb testing.TB, config schema.Config) *schema.DB {
	tb.Helper()
	db := schematest.Reopen(tb, config)
	if _, err := db.PutEnterprises(tb.Context(), schematest.Enterprises(0, 3), schema.PutOptions{}); err != nil {
		tb.Fatal(err)
	}
	return db
}

func checkCursor(t *testing.T, db *schema.DB, order, text string) {
	t.Helper()
	for name, list := range cursorLists {
		for _, cursor := range []string{text, base64.RawURLEncoding.EncodeToString([]byte(text))} {
			n, err := list(t.Context(), db, order, cursor)
			if err != nil && !errors.Is(err, schema.ErrCursor) {
				t.Errorf("%s by %q, cursor %q: %v", name, order, text, err)
			}
			if n > 3 {
				t.Errorf("%s by %q, cursor %q: %d items of 3", name, order, text, n)
			}
		}
	}
}

// What fits the form of a cursor and holds what no database keeps is refused or followed on both engines, and never a fault of the database.
func TestCursors(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(testing.TB) schema.Config{"sqlite": freshSQLite, "postgres": freshPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := cursorDatabase(t, fresh(t))
			for _, seed := range cursorSeeds() {
				checkCursor(t, db, seed[0], seed[1])
			}
		})
	}
}

// FuzzCursor sends any text as a cursor to every list.
func FuzzCursor(f *testing.F) {
	db := cursorDatabase(f, freshSQLite(f))
	for _, seed := range cursorSeeds() {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, order, text string) {
		if len(text) < 4096 {
			checkCursor(t, db, order, text)
		}
	})
}
