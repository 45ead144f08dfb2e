package schema

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"healthcode/registry"
)

// Of what Live and Keys return a transaction changes, as far as readers are told,
//   - everything, unless it says otherwise: so a writer that was forgotten costs time, never truth;
//   - only the enterprises that it touches, when it says t.touches() at its start;
//   - nothing, when it touches none. t.quiet() is the same for those that never touch any.
//
// What writes a row that Live reads says t.touch beside the statement, so whoever calls it need not know. A test holds both to the source: statements
// that change such rows touch, and what changes keys or regions is never called by who says touches or quiet.

// everything stands for every enterprise, and for keys and regions, in place of the codes of those that were touched.
const everything = ""

// maxTouched is how many enterprises a transaction names. Beyond, everything may differ; a payload of NOTIFY has at most 8,000 bytes.
const maxTouched = 400

// touches says of a transaction that of what Live or Keys return it changes only what it touches.
func (t *tx) touches() { t.named = true }

// quiet says of a transaction that it changes nothing which Live or Keys return.
func (t *tx) quiet() { t.touches() }

// touch says that what Live returns of enterprises changes with this transaction.
func (t *tx) touch(codes ...registry.USCC) {
	if t.touched == nil {
		t.touched = make(map[registry.USCC]bool, min(len(codes), maxTouched+1))
	}
	for _, code := range codes {
		if len(t.touched) > maxTouched {
			return
		}
		t.touched[code] = true
	}
}

// moved returns what the commit tells readers: the codes of the enterprises that were touched, separated by spaces, or everything; false for nothing.
func (t *tx) moved() (touched string, moved bool) {
	if t.named && len(t.touched) == 0 {
		return "", false
	}
	if !t.named || len(t.touched) > maxTouched {
		return everything, true
	}
	codes := make([]string, 0, len(t.touched))
	for _, code := range slices.Sorted(maps.Keys(t.touched)) {
		if !isPlain(string(code)) {
			return everything, true
		}
		codes = append(codes, string(code))
	}
	return strings.Join(codes, " "), true
}

// isPlain reports whether a code has the length and letters of one, so that it can stand between spaces and quotes.
func isPlain(code string) bool {
	for i := range len(code) {
		if c := code[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(code) == registry.USCCLength
}

// announceLive tells other processes, with the commit, what may have changed.
func (t *tx) announceLive(ctx context.Context, touched string) error {
	announce := t.noteChange
	if t.db.Engine() == postgresDialect.name {
		announce = t.notifyChange
	}
	if err := announce(ctx, touched); err != nil {
		return fmt.Errorf("announce a change: %w", err)
	}
	return nil
}

func (db *DB) committedLive(touched string) {
	db.mu.Lock()
	clock := db.live
	db.mu.Unlock()
	if clock != nil {
		clock.committed(touched)
	}
}
