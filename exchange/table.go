package exchange

import (
	"fmt"
	"strconv"
	"strings"
)

// rejectedColumns stand before the original ones in a file of refused rows. Reading ignores them.
var rejectedColumns = []string{"row", "field", "problem", "want"}

// jsonColumn is the only original column of the refused rows of an NDJSON file.
const jsonColumn = "json"

// table lays the values of a row under the columns of its header.
type table struct {
	columns  []string // trimmed, without the columns of a file of refused rows
	rejected bool     // the header is that of a file of refused rows
	skip     int      // columns before the original ones
}

// newTable checks a header: no name twice. A column without a name may stand there as long as it has no values.
func newTable(header []string) (table, error) {
	if len(header) > maxColumn {
		return table{}, fmt.Errorf("%w: it has %d columns; at most %d", ErrHeader, len(header), maxColumn)
	}
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.TrimSpace(name)
	}
	t := table{columns: names}
	if isRejectedHeader(names) {
		t.rejected, t.skip, t.columns = true, len(rejectedColumns), names[len(rejectedColumns):]
	}
	at := map[string]int{}
	for i, name := range t.columns {
		if first, twice := at[name]; twice && name != "" {
			return table{}, fmt.Errorf("%w: column %q stands there twice, as column %d and %d", ErrHeader, name, first+t.skip+1, i+t.skip+1)
		}
		at[name] = i
	}
	if len(at) == 0 || len(at) == 1 && t.columns[0] == "" {
		return table{}, fmt.Errorf("%w: no column has a name", ErrHeader)
	}
	return t, nil
}

func isRejectedHeader(names []string) bool {
	if len(names) <= len(rejectedColumns) {
		return false
	}
	for i, name := range rejectedColumns {
		if names[i] != name {
			return false
		}
	}
	return true
}

// fill lays values under the columns; it reports false for a row without any value. exact refuses a row that is too short.
func (t *table) fill(row *Row, values []string, exact bool) bool {
	row.Origin = row.Number
	if !t.rejected && blank(values) {
		return false
	}
	if t.skip > 0 {
		values = t.fillOrigin(row, values)
	}
	if exact && len(values) < len(t.columns) || tooLong(values, len(t.columns)) {
		row.refuse("", fmt.Sprintf("has %d columns", len(values)+t.skip), fmt.Sprintf("%d columns, as the header has", len(t.columns)+t.skip))
	}
	row.Cells = append(row.Cells, values...)
	for len(row.Cells) < len(t.columns) && len(row.Problems) == 0 { // a row refused for its length keeps it
		row.Cells = append(row.Cells, "")
	}
	t.checkCells(row)
	if blank(row.Cells) {
		row.refuse("", "is empty", "the values of row "+strconv.Itoa(row.Origin)+" of the first file")
	}
	if t.isJSON() && len(row.Problems) == 0 {
		row.JSON = []byte(row.Cells[0])
	}
	return true
}

// fillOrigin takes the row number of the first file from the columns before the original ones.
func (t *table) fillOrigin(row *Row, values []string) []string {
	if len(values) < t.skip {
		return nil
	}
	if n, err := strconv.Atoi(values[0]); err == nil && n > 0 {
		row.Origin = n
	}
	return values[t.skip:]
}

func (t *table) isJSON() bool { return len(t.columns) == 1 && t.columns[0] == jsonColumn }

func (t *table) checkCells(row *Row) {
	limit := MaxCell
	if t.isJSON() {
		limit = MaxRow
	}
	for i, cell := range row.Cells {
		if len(cell) > limit {
			row.refuse(t.columnName(i), fmt.Sprintf("has %d bytes", len(cell)), fmt.Sprintf("at most %d", limit))
		}
		if cell != "" && i < len(t.columns) && t.columns[i] == "" {
			row.refuse(t.columnName(i), "has a value but the column has no name", "a name in the header, or no value")
		}
	}
}

func (t *table) columnName(i int) string {
	if i < len(t.columns) && t.columns[i] != "" {
		return t.columns[i]
	}
	return "column " + strconv.Itoa(i+t.skip+1)
}

// unreadable fills a row that could not be split into values. Its text stands in the first column, to be seen where it is mended.
func (t *table) unreadable(row *Row, text, problem, want string) {
	row.Origin = row.Number
	row.Cells = append(row.Cells, make([]string, len(t.columns))...)
	if len(text) <= MaxCell && len(t.columns) > 0 {
		row.Cells[0] = strings.ToValidUTF8(strings.TrimRight(text, "\r\n"), "\uFFFD")
	}
	row.refuse("", problem, want)
}

func blank(values []string) bool {
	for _, v := range values {
		if strings.TrimSpace(v) != "" {
			return false
		}
	}
	return true
}

// tooLong reports whether a value stands behind the last column.
func tooLong(values []string, columns int) bool {
	return len(values) > columns && !blank(values[columns:])
}
