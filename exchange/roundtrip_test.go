package exchange

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/registry"
	"pgregory.net/rapid"
)

// lineText draws one line of text with the letters that make trouble in files.
var lineText = rapid.Custom(func(t *rapid.T) string {
	letters := []rune(`ab ,;|"'=+-@[]{}<>&.0123虚构公司、；＝` + "\u2028")
	return strings.TrimSpace(string(rapid.SliceOfN(rapid.SampledFrom(letters), 0, 12).Draw(t, "text")))
})

// someText is lineText with something in it.
var someText = rapid.Map(lineText, func(s string) string { return "x" + s })

var someDay = rapid.Map(rapid.Int32Range(int32(registry.MustDay("2010-01-01")), int32(testToday)), func(n int32) registry.Day { return registry.Day(n) })

var someCode = rapid.Map(rapid.StringMatching(`[0-9]{1,9}`), func(id string) registry.USCC {
	code, err := InventedUSCC("330402", id)
	if err != nil {
		panic(err)
	}
	return code
})

func someList(t *rapid.T, name string) []string {
	list := rapid.SliceOfNDistinct(someText, 0, 3, rapid.ID).Draw(t, name)
	if len(list) == 0 {
		return nil
	}
	return list
}

func somePermits(t *rapid.T, name string) []registry.Permit {
	var permits []registry.Permit
	for range rapid.IntRange(0, 2).Draw(t, name) {
		from := someDay.Draw(t, "from")
		permits = append(permits, registry.Permit{Number: someText.Draw(t, "number"), Scheme: lineText.Draw(t, "scheme"), ProductCode: lineText.Draw(t, "product"), ValidFrom: from, ValidUntil: from + 365})
	}
	return permits
}

var someEnterprise = rapid.Custom(func(t *rapid.T) registry.Enterprise {
	e := registry.Enterprise{
		USCC: someCode.Draw(t, "uscc"), USCCOverride: lineText.Draw(t, "override"), Name: someText.Draw(t, "name"),
		Size:       registry.Size(rapid.SampledFrom(append(registry.Sizes(), "")).Draw(t, "size")),
		Status:     rapid.SampledFrom([]string{"", "operating", "suspended", "closed"}).Draw(t, "status"),
		RegionCode: rapid.SampledFrom([]string{"330402", "330402001"}).Draw(t, "region"), IndustryCode: "C3831", Address: lineText.Draw(t, "address"),
		RegisteredOn: someDay.Draw(t, "registered"), Since: someDay.Draw(t, "since"), ProductCodes: someList(t, "products"),
		Licences: somePermits(t, "licences"), Certificates: somePermits(t, "certificates"),
	}
	if rapid.Bool().Draw(t, "placed") {
		e.Point = &registry.Point{Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude"), Latitude: rapid.Float64Range(-90, 90).Draw(t, "latitude")}
	}
	for range rapid.IntRange(0, 2).Draw(t, "items") {
		e.CapabilityItems = append(e.CapabilityItems, registry.CapabilityItem{Item: someText.Draw(t, "item"), Held: rapid.Bool().Draw(t, "held"), Since: someDay.Draw(t, "item since")})
	}
	return e
})

var someProduct = rapid.Custom(func(t *rapid.T) registry.Product {
	return registry.Product{Code: someText.Draw(t, "code"), Group: someText.Draw(t, "group"), Name: someText.Draw(t, "name"), Risk: registry.RiskLevel(rapid.IntRange(0, 2).Draw(t, "risk")),
		LicenceNeeded: rapid.Bool().Draw(t, "licence"), Standards: someList(t, "standards"), Since: someDay.Draw(t, "since"),
		Users: rapid.SampledFrom([]string{"", "children"}).Draw(t, "users"), Attention: rapid.SampledFrom([]string{"", "high"}).Draw(t, "attention"), RiskReason: lineText.Draw(t, "reason")}
})

var someRegion = rapid.Custom(func(t *rapid.T) registry.Region {
	return registry.Region{Code: rapid.SampledFrom([]string{"330000", "330400", "330402", "330402001"}).Draw(t, "code"), Name: someText.Draw(t, "name")}
})

var someRecord = rapid.Custom(func(t *rapid.T) registry.Record {
	kind := registry.Kind(rapid.SampledFrom(registry.KindNames()).Draw(t, "kind"))
	rule := registry.Kinds[kind]
	day := someDay.Draw(t, "day")
	r := registry.Record{
		USCC: someCode.Draw(t, "uscc"), Source: someText.Draw(t, "source"), SourceRef: someText.Draw(t, "ref"), Revision: rapid.IntRange(0, 9).Draw(t, "revision"), Kind: kind,
		Outcome: rapid.SampledFrom(rule.Outcomes).Draw(t, "outcome"), OccurredOn: day, ProductCode: lineText.Draw(t, "product"), CaseID: lineText.Draw(t, "case"),
		Stage: rapid.SampledFrom([]string{"", "production", "shop", "online"}).Draw(t, "stage"), Purpose: rapid.SampledFrom([]string{"", "random", "targeted"}).Draw(t, "purpose"),
		State:  rapid.SampledFrom([]registry.State{registry.StateProvisional, registry.StateFinal, registry.StateVoided, registry.StateRepaired}).Draw(t, "state"),
		Detail: rule.New(),
	}
	if rapid.Bool().Draw(t, "dated") {
		r.KnownAt = time.UnixMicro(rapid.Int64Range(1e15, 1.7e15).Draw(t, "known at")).UTC()
		r.ProvisionalUntil, r.RectifyBy, r.RectifiedOn = day+15, day+30, min(day+20, testToday)
	}
	fillRecord(t, &r, rule)
	return r
})

// fillRecord draws severity, findings, people and detail as far as they go with the kind.
func fillRecord(t *rapid.T, r *registry.Record, rule registry.KindRule) {
	if !rule.Event {
		r.Stage, r.RectifyBy, r.RectifiedOn = "", 0, 0
	}
	if r.Kind != registry.KindSpotCheck && r.Kind != registry.KindInspection {
		r.Purpose = ""
	}
	if rule.SeverityNeeded(r.Outcome) {
		r.Severity = registry.SeverityMajor
	}
	if r.Outcome == registry.OutcomeFail || r.Outcome == registry.OutcomeDone {
		for range rapid.IntRange(0, 3).Draw(t, "findings") {
			r.Findings = append(r.Findings, registry.Finding{Item: lineText.Draw(t, "item"), Severity: registry.SeverityMinor, Standard: lineText.Draw(t, "standard"), Value: lineText.Draw(t, "value")})
		}
	}
	if rapid.Bool().Draw(t, "people") {
		r.People = &registry.People{Sampler: "A" + lineText.Draw(t, "sampler"), Tester: "B" + lineText.Draw(t, "tester"), Inspectors: []string{newPersonHider(testKey).person("inspector", "a"), newPersonHider(testKey).person("inspector", "b")}}
	}
	detail := reflect.ValueOf(r.Detail).Elem()
	for i := range detail.NumField() {
		switch field := detail.Field(i); field.Interface().(type) {
		case string:
			field.SetString(someText.Draw(t, "detail"))
		case registry.Day:
			field.SetInt(int64(r.OccurredOn) + 400)
		case int, int64:
			field.SetInt(int64(r.OccurredOn.Time().Year()))
		}
	}
	if check, ok := r.Detail.(*registry.SpotCheck); ok {
		check.Cause = ""
	}
	if penalty, ok := r.Detail.(*registry.Penalty); ok {
		penalty.Sanction = rapid.SampledFrom(append(registry.Sanctions(), "")).Draw(t, "sanction")
	}
	if complaint, ok := r.Detail.(*registry.Complaint); ok {
		complaint.Complainant = newPersonHider(testKey).person("complainant", complaint.Complainant)
	}
}

// readBack opens a file and decodes every row.
func readBack[T any](t testing.TB, path string, open func([]string, DecodeOptions) (*Decoder[T], error)) []T {
	t.Helper()
	r, err := Open(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(r.Columns(), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	var values []T
	for {
		row, err := r.Next()
		if err != nil {
			break
		}
		value, problems := d.Decode(row)
		if value == nil {
			t.Fatalf("row %d: %s", row.Number, problemText(problems))
		}
		values = append(values, *value)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return values
}

// checkRoundTrip writes values as NDJSON and as CSV, and reads both back.
func checkRoundTrip[T any](t *testing.T, some *rapid.Generator[T], open func([]string, DecodeOptions) (*Decoder[T], error), writer func(*bytes.Buffer) (*CSVWriter[T], error)) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(some, 1, 4).Draw(rt, "values")
		var asJSON, asCSV bytes.Buffer
		j := NewNDJSONWriter(&asJSON)
		c, err := writer(&asCSV)
		if err != nil {
			t.Fatal(err)
		}
		for i := range values {
			if err := j.Write(values[i]); err != nil {
				t.Fatal(err)
			}
			if err := c.Write(&values[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"a.ndjson": asJSON.Bytes(), "a.csv": asCSV.Bytes()} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := readBack(t, path, open); !reflect.DeepEqual(got, values) {
				rt.Fatalf("%s\n%s\ngot  %s\nwant %s", name, data, compactJSON(got), compactJSON(values))
			}
		}
	})
}

func TestRoundTripEnterprises(t *testing.T) {
	checkRoundTrip(t, someEnterprise, NewEnterpriseDecoder, func(b *bytes.Buffer) (*CSVWriter[registry.Enterprise], error) { return NewEnterpriseCSV(b) })
}

func TestRoundTripProducts(t *testing.T) {
	checkRoundTrip(t, someProduct, NewProductDecoder, func(b *bytes.Buffer) (*CSVWriter[registry.Product], error) { return NewProductCSV(b) })
}

func TestRoundTripRegions(t *testing.T) {
	checkRoundTrip(t, someRegion, NewRegionDecoder, func(b *bytes.Buffer) (*CSVWriter[registry.Region], error) { return NewRegionCSV(b) })
}

func TestRoundTripRecords(t *testing.T) {
	checkRoundTrip(t, someRecord, NewRecordDecoder, func(b *bytes.Buffer) (*CSVWriter[registry.Record], error) { return NewRecordCSV(b) })
}

func TestNeutraliseIsUndone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.String(), rapid.StringMatching(`'{0,3}[-=+@0-9.\t\r\n]{0,5}.?`)).Draw(t, "cell")
		safe := Neutralise(cell)
		if Restore(safe) != cell {
			t.Fatalf("%q becomes %q and again %q", cell, safe, Restore(safe))
		}
		if startsFormula(safe) && !plainNumber(safe) {
			t.Fatalf("%q is still a formula", safe)
		}
	})
}

func TestRejectedCellsComeBackAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		cell := rapid.StringMatching(`['=+@,;"a\n\t -]{0,6}`)
		cells := rapid.SliceOfN(cell, 3, 3).Draw(rt, "cells")
		cells[0] = "x" + cells[0]
		w := NewRejectedWriter(filepath.Join(dir, "a.csv"), []string{"=a", "b", "c"})
		if err := w.Add(&Row{Number: 7, Origin: 7, Cells: slices.Clone(cells)}, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := Open(w.Path(), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		row, err := r.Next()
		if err != nil || !slices.Equal(row.Cells, cells) || row.Origin != 7 || len(row.Problems) > 0 || r.Columns()[0] != "=a" {
			rt.Fatalf("read %+v, %v; want %q under %q", row, err, cells, r.Columns())
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
