package exchange

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"healthcode/registry"
	"healthcode/samplecity"
)

// What the quick way reads, the slow way reads the same, and it stays so when the row's place in memory is used again.
func checkQuick(t *testing.T, data []byte) bool {
	t.Helper()
	lent := bytes.Clone(data)
	quick, ok := quickRecord(lent)
	if !ok {
		return false
	}
	clear(lent) // a record holds no part of the row
	var slow registry.Record
	if err := strictJSON(data, &slow); err != nil {
		t.Errorf("the quick way reads %q, the slow one says %v", data, err)
	} else if !reflect.DeepEqual(*quick, slow) {
		t.Errorf("%q: the quick way reads %+v, the slow one %+v", data, *quick, slow)
	}
	return true
}

func TestQuickRecords(t *testing.T) {
	t.Parallel()
	read, all := 0, 0
	for r := range samplecity.Generate(3, 60, registry.MustDay("2026-06-01")).Records() {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		all++
		if _, ok := scanRecord(data); ok && checkQuick(t, data) {
			read++
		}
	}
	if read != all || all == 0 {
		t.Errorf("%d of %d ordinary records are read quickly", read, all)
	}
	for name, text := range map[string]string{
		"null members":     `{"kind":"award","uscc":null,"occurred_on":null,"findings":null,"people":null,"detail":null,"revision":null,"severity":null,"known_at":null}`,
		"empty members":    `{"kind":"award","findings":[],"people":{},"detail":{}}`,
		"nulls within":     `{"kind":"spot_check","findings":[null,{"severity":null}],"people":{"inspectors":[null]},"detail":{"batch":null}}`,
		"escapes":          `{"kind":"award","case_id":"\u00e9\ud83d\ude00\/\"","detail":{"name":"\n"}}`,
		"a moment":         `{"kind":"award","known_at":"2026-01-02T03:04:05.123456+08:00"}`,
		"a detail of text": `{"kind":"award","detail":"x"}`,
	} {
		t.Run(name, func(t *testing.T) { checkQuick(t, []byte(text)) })
	}
	for name, text := range map[string]string{"capitals": `{"kind":"award","USCC":"x"}`, "twice": `{"kind":"award","kind":"award"}`, "no kind": `{}`, "unknown": `{"kind":"award","x":1}`,
		"unknown within": `{"kind":"award","detail":{"x":1}}`, "more behind": `{"kind":"award"} {}`} {
		if _, ok := quickRecord([]byte(text)); ok {
			t.Errorf("%s: left to the slow way no more", name)
		}
	}
}

func FuzzQuickRecord(f *testing.F) {
	f.Add([]byte(`{"uscc":"91350100M000100Y43","kind":"spot_check","outcome":"fail","severity":"major","occurred_on":"2026-01-02","findings":[{"severity":"minor"}],"detail":{"batch":"x"}}`))
	f.Add([]byte(`{"kind":"penalty","known_at":"2026-01-02T03:04:05Z","detail":{"amount_cents":1e2}}`))
	f.Add([]byte("{\"kind\":\"award\",\"case_id\":\"\xff\\ud800\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= 4096 {
			checkQuick(t, data)
		}
	})
}

func BenchmarkDecodeRecord(b *testing.B) {
	var lines [][]byte
	for r := range samplecity.Generate(3, 60, registry.MustDay("2026-06-01")).Records() {
		data, err := json.Marshal(r)
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, data)
	}
	for name, read := range map[string]func([]byte) error{
		"quick": func(data []byte) error { _, _ = quickRecord(data); return nil },
		"slow":  func(data []byte) error { return strictJSON(data, new(registry.Record)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if err := read(lines[i%len(lines)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
