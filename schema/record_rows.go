package schema

import (
	"context"
	"strconv"
)

// recordRows are rows of the table record. What is done with each of many is written out, without a slice of values: a row has twenty.
type recordRows []*recordRow

func (r recordRows) count() int { return len(r) }

func (r recordRows) value(at, column int) any {
	return [...]string{r[at].uscc, r[at].source, r[at].sourceRef}[column]
}

func (r recordRows) appendValues(dst []byte, at int) []byte {
	return r[at].each(dst, appendTextValue, appendNumberValue)
}

// copyLine is a copyLine.
func (r recordRows) copyLine(dst []byte, at int) ([]byte, error) {
	dst = r[at].each(dst,
		func(dst []byte, text string) []byte { return append(appendCopyText(dst, text), '\t') },
		func(dst []byte, n int64) []byte { return append(strconv.AppendInt(dst, n, 10), '\t') })
	return dst[:len(dst)-1], nil
}

// each appends every column, in the order of recordColumns.
func (r *recordRow) each(dst []byte, text func([]byte, string) []byte, number func([]byte, int64) []byte) []byte {
	dst = number(text(text(text(dst, r.uscc), r.source), r.sourceRef), int64(r.revision))
	dst = number(number(number(number(text(text(dst, r.kind), r.outcome), int64(r.severity)), r.occurredOn), r.knownAt), r.supersededAt)
	dst = text(text(text(text(text(dst, r.productCode), r.stage), r.purpose), r.caseID), r.state)
	dst = number(number(number(dst, r.provisionalUntil), r.rectifyBy), r.rectifiedOn)
	return text(text(dst, r.detail), r.fact)
}

// insertRecords adds revisions.
func (t *tx) insertRecords(ctx context.Context, rows recordRows) error {
	if t.copies(len(rows), "") {
		return t.copyIn(ctx, "record", recordColumns, len(rows), rows.copyLine)
	}
	values := make([][]any, len(rows))
	for i, row := range rows {
		values[i] = row.values()
	}
	return t.insert(ctx, "record", recordColumns, "", values)
}
