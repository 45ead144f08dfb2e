package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"time"

	"healthcode/registry"
)

// batchAudited is what the audit log says of many rows that were written at once: one line, not one a row.
type batchAudited struct {
	Rows    int    `json:"rows"`              // that were written
	First   string `json:"first"`             // in the order of the digest
	Last    string `json:"last"`              //
	Digest  string `json:"digest"`            // see digestOf
	Added   int    `json:"added,omitempty"`   // of a put: outcomes
	Changed int    `json:"changed,omitempty"` // of a put
	Waiting int    `json:"waiting,omitempty"` // of a put: kept aside
	Refused int    `json:"refused,omitempty"` // of a put: not written
}

// digestOf is the SHA-256 of rows as they were written: each value in its decimal or text form behind its length and a colon, each row ended by a
// line feed. docs/formats.md names the columns.
func digestOf(rows [][]any) string { return digestRows(valueRows(rows)) }

func digestRows(rows writtenRows) string {
	sum := sha256.New()
	buffer := make([]byte, 0, digestBuffer)
	for at := range rows.count() {
		buffer = rows.appendValues(buffer, at)
		if buffer = append(buffer, '\n'); len(buffer) > digestBuffer/2 {
			sum.Write(buffer)
			buffer = buffer[:0]
		}
	}
	sum.Write(buffer)
	return hexSum(sum)
}

// writtenRows are rows that were written, for the audit log.
type writtenRows interface {
	count() int
	value(at, column int) any               // of a column of the key
	appendValues(dst []byte, at int) []byte // of a row, as digestOf says
}

// valueRows are rows of values.
type valueRows [][]any

func (r valueRows) count() int               { return len(r) }
func (r valueRows) value(at, column int) any { return r[at][column] }

func (r valueRows) appendValues(dst []byte, at int) []byte {
	for _, value := range r[at] {
		dst = appendValue(dst, value)
	}
	return dst
}

// digestBuffer is how many bytes are gathered before they are hashed.
const digestBuffer = 16 << 10

func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendTextValue(dst, v)
	case int:
		return appendNumberValue(dst, int64(v))
	case int64:
		return appendNumberValue(dst, v)
	default:
		return appendTextValue(dst, fmt.Sprint(v))
	}
}

func appendTextValue(dst []byte, text string) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(text)), 10), ':')
	return append(dst, text...)
}

func appendNumberValue(dst []byte, n int64) []byte {
	if n >= 0 && n <= 9 { // most are
		return append(dst, '1', ':', byte('0'+n))
	}
	var digits [20]byte // the longest number
	number := strconv.AppendInt(digits[:0], n, 10)
	dst = append(strconv.AppendInt(dst, int64(len(number)), 10), ':')
	return append(dst, number...)
}

func hexSum(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }

// textDigest is the SHA-256 of a text.
func textDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// putNoun says how the rows of a put are named.
type putNoun struct {
	noun string
	keys int   // how many columns are the key
	id   []int // the columns that name one of them
}

var (
	putRegions     = putNoun{"region", 1, []int{0}}
	putProducts    = putNoun{"product", 1, []int{0}}
	putEnterprises = putNoun{"enterprise", 2, []int{0}}
	putRecords     = putNoun{"record", 3, []int{1, 2}} // source/source_ref
)

// auditPut adds the line of a batch that was put. rows are what was written. Nothing written is no change.
func (t *tx) auditPut(ctx context.Context, of putNoun, rows writtenRows, results []PutResult) error {
	n := rows.count()
	b := batchAudited{Rows: n}
	for i := range results {
		switch results[i].Outcome {
		case Added:
			b.Added++
		case Changed:
			b.Changed++
		case Waiting:
			b.Waiting++
		case Refused:
			b.Refused++
		}
	}
	if n == 0 && b.Waiting == 0 {
		return nil
	}
	columns := []int{0, 1, 2}[:of.keys]
	if n > 0 {
		b.First, b.Last, b.Digest = rowKey(keyOf(rows, 0, columns), " "), rowKey(keyOf(rows, n-1, columns), " "), digestRows(rows)
	}
	entry := auditEntry{Action: of.noun + ".put", Noun: of.noun, USCC: oneOwner(rows), After: b}
	if n == 1 {
		entry.ID = rowKey(keyOf(rows, 0, of.id), "/")
	}
	return t.audit(ctx, entry)
}

func keyOf(rows writtenRows, at int, columns []int) []any {
	key := make([]any, len(columns))
	for i, column := range columns {
		key[i] = rows.value(at, column)
	}
	return key
}

func rowKey(key []any, between string) string {
	text := fmt.Sprint(key[0])
	for _, part := range key[1:] {
		text += between + fmt.Sprint(part)
	}
	return text
}

// oneOwner returns the enterprise that every row is about, if it is one: so a single record is found by its enterprise.
func oneOwner(rows writtenRows) registry.USCC {
	if rows.count() == 0 {
		return ""
	}
	first, ok := rows.value(0, 0).(string)
	if !ok || len(first) != usccLength {
		return ""
	}
	for at := range rows.count() {
		if rows.value(at, 0) != first {
			return ""
		}
	}
	return registry.USCC(first)
}

// usccLength is how many characters the code of an enterprise has (GB 32100).
const usccLength = 18

// auditPruned adds the line of rows that were deleted because of their age.
func (t *tx) auditPruned(ctx context.Context, noun string, before time.Time, rows int64) error {
	after := struct {
		Rows   int64     `json:"rows"`
		Before time.Time `json:"older_than"`
	}{rows, before.UTC()}
	return t.audit(ctx, auditEntry{Action: noun + ".pruned", Noun: noun, After: after})
}
