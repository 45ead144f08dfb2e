package exchange

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/registry"

	"pgregory.net/rapid"
)

func listingRows() []ListingRow {
	return []ListingRow{
		{USCC: "91350100M000100Y43", Name: "嘉禾电器", RegionCode: "330402001", Region: "南湖区建设街道", State: "listed", Since: registry.MustDay("2026-08-01"), Commitment: "不合格产品不出厂"},
		{USCC: "91330100799655058B", Name: `=HYPERLINK("http://x"),"双引号"`, RegionCode: "330481", Region: "海宁市", State: "suspended", Since: registry.MustDay("2026-11-02")},
		{USCC: "9144030071526726XG", Name: "＋全角 <b>&", RegionCode: "330421", Region: "嘉善县", State: "listed", Since: registry.MustDay("2026-01-31"), Until: registry.MustDay("2029-01-31"), LegalBasis: "第44号令第五条,\"以假充真\""},
	}
}

func writeListing(t testing.TB, w *ListingWriter, err error, rows []ListingRow) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// The bytes of the open data are frozen.
func TestOpenListingIsWrittenAsSpecified(t *testing.T) {
	t.Parallel()
	head := ListingHead{List: "trusted_merchant", TitleZh: "放心消费单位", TitleEn: "Trusted merchants", Licence: "CC BY 4.0", LicenceURL: "https://creativecommons.org/licenses/by/4.0/",
		AsOf: registry.MustDay("2026-11-26"), Fields: ListingFields}
	for name, rows := range map[string][]ListingRow{"listing": listingRows(), "listing_empty": nil} {
		var csvOut, jsonOut bytes.Buffer
		w, err := NewListingCSV(&csvOut)
		writeListing(t, w, err, rows)
		w, err = NewListingJSON(&jsonOut, head)
		writeListing(t, w, err, rows)
		if !json.Valid(jsonOut.Bytes()) {
			t.Errorf("%s: not JSON: %s", name, jsonOut.String())
		}
		for ext, got := range map[string][]byte{".csv": csvOut.Bytes(), ".json": jsonOut.Bytes()} {
			path := filepath.Join("testdata", name+ext)
			want, err := os.ReadFile(path)
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s differs: %v\n%s", path, err, got)
			}
		}
	}
}

// Whatever a name is, a reader of CSV gets it back, and no cell begins as a formula does.
func TestOpenListingKeepsNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := []ListingRow{{USCC: "91350100M000100Y43", Name: rapid.String().Draw(t, "name"), LegalBasis: rapid.SampledFrom([]string{"=1+1", "@x", "-x", "+x", "\tx", "plain"}).Draw(t, "basis")}}
		var out bytes.Buffer
		w, err := NewListingCSV(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&rows[0]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
		if err != nil || len(lines) != 2 {
			t.Fatalf("%v: %q", err, out.String())
		}
		for _, cell := range lines[1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+@\t\r") {
				t.Fatalf("a formula: %q", cell)
			}
		}
		if got := Restore(lines[1][7]); got != rows[0].LegalBasis {
			t.Fatalf("%q, want %q", got, rows[0].LegalBasis)
		}
		if got, want := Restore(lines[1][1]), strings.ReplaceAll(rows[0].Name, "\r\n", "\n"); strings.ReplaceAll(got, "\r\n", "\n") != want && !strings.Contains(want, "\r") {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
