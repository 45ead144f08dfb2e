package schema_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/schema/schematest"
)

// FuzzCursor sends any text as a cursor: it is followed or refused, and never a fault of the database.
func FuzzCursor(f *testing.F) {
	db := schematest.Reopen(f, freshSQLite(f))
	if _, err := db.PutEnterprises(f.Context(), schematest.Enterprises(0, 3), schema.PutOptions{}); err != nil {
		f.Fatal(err)
	}
	for _, order := range []string{"uscc", "name", "index", "-index", "-changed_on", ""} {
		f.Add(order, `{"s":"`+order+`","k":"a","u":"b"}`)
		f.Add(order, `{"s":"`+order+`","k":5,"u":"b"}`)
	}
	f.Fuzz(func(t *testing.T, order, text string) {
		for _, cursor := range []string{text, base64.RawURLEncoding.EncodeToString([]byte(text))} {
			page, err := db.EnterprisePage(t.Context(), access.Everything(), schema.EnterpriseFilter{Sort: schema.EnterpriseSort(order), Cursor: cursor})
			if err != nil && !errors.Is(err, schema.ErrCursor) {
				t.Errorf("cursor %q: %v", cursor, err)
			}
			if err == nil && len(page.Items) > 3 {
				t.Errorf("cursor %q: %d items of 3", cursor, len(page.Items))
			}
		}
	})
}
