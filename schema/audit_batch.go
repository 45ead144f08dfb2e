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
func digestOf(rows [][]any) string {
	sum := sha256.New()
	buffer := make([]byte, 0, digestBuffer)
	for _, row := range rows {
		for _, value := range row {
			buffer = appendValue(buffer, value)
		}
		if buffer = append(buffer, '\n'); len(buffer) > digestBuffer/2 {
			sum.Write(buffer)
			buffer = buffer[:0]
		}
	}
	sum.Write(buffer)
	return hexSum(sum)
}

// digestBuffer is how many bytes are gathered before they are hashed.
const digestBuffer = 16 << 10

func appendValue(dst []byte, value any) []byte {
	var digits [20]byte // the longest number
	var number []byte
	switch v := value.(type) {
	case string:
		dst = append(strconv.AppendInt(dst, int64(len(v)), 10), ':')
		return append(dst, v...)
	case int:
		number = strconv.AppendInt(digits[:0], int64(v), 10)
	case int64:
		number = strconv.AppendInt(digits[:0], v, 10)
	default:
		number = fmt.Append(nil, v)
	}
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
func (t *tx) auditPut(ctx context.Context, of putNoun, rows [][]any, results []PutResult) error {
	b := batchAudited{Rows: len(rows)}
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
	if len(rows) == 0 && b.Waiting == 0 {
		return nil
	}
	if len(rows) > 0 {
		b.First, b.Last, b.Digest = rowKey(rows[0][:of.keys], " "), rowKey(rows[len(rows)-1][:of.keys], " "), digestOf(rows)
	}
	entry := auditEntry{Action: of.noun + ".put", Noun: of.noun, USCC: oneOwner(rows), After: b}
	if len(rows) == 1 {
		var id []any
		for _, column := range of.id {
			id = append(id, rows[0][column])
		}
		entry.ID = rowKey(id, "/")
	}
	return t.audit(ctx, entry)
}

func rowKey(key []any, between string) string {
	text := fmt.Sprint(key[0])
	for _, part := range key[1:] {
		text += between + fmt.Sprint(part)
	}
	return text
}

// oneOwner returns the enterprise that every row is about, if it is one: so a single record is found by its enterprise.
func oneOwner(rows [][]any) registry.USCC {
	if len(rows) == 0 {
		return ""
	}
	first, ok := rows[0][0].(string)
	if !ok || len(first) != usccLength {
		return ""
	}
	for _, row := range rows {
		if row[0] != first {
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
