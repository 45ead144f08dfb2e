package schema

import (
	"context"
	"io"
	"strings"
	"time"

	"healthcode/registry"
)

// LiveChanges tells what may differ in what Live returns since an earlier version.
type LiveChanges struct {
	Version     uint64          // now
	All         bool            // anything may differ, also Keys and the names of regions
	Enterprises []registry.USCC // otherwise: only what Live returns of these; in any order, some perhaps twice
}

// liveClock tells a reader what was committed since it last looked, so that it may keep in memory what it read.
type liveClock interface {
	// version returns a number that differs when something was committed in between that a verifier sees; false when it is not known.
	version(ctx context.Context) (uint64, bool)
	// changes says what was committed since a version; false when it is not known.
	changes(ctx context.Context, since uint64) (LiveChanges, bool)
	// committed is called after each such commit of this process, with what it touched (see tx.moved), before the writer learns of it.
	committed(touched string)
	io.Closer
}

const (
	// liveKept is how many versions back it is known what each of them touched.
	liveKept = 1024
	// liveTold bounds how many enterprises are named: whoever is further behind reads everything anew.
	liveTold = 8192
)

// processStart is from where both clocks measure; that time never goes back.
var processStart = time.Now()

// LiveVersion returns a number that differs from an earlier one when anything that Live or Keys return may have changed in between, by whichever
// process; known is false when that cannot be told now. For writes of this process it is exact: it differs once the writer has returned. Another
// process's writes show five milliseconds later on SQLite; PostgreSQL tells them by NOTIFY, milliseconds after their commit, and when the connection that
// hears them is silent for three seconds nothing is known.
func (db *DB) LiveVersion(ctx context.Context) (version uint64, known bool) {
	return db.liveClock().version(ctx)
}

// LiveChanges returns what may differ since a version that LiveVersion or LiveChanges of this DB told: everything when that version is too long ago.
// known is false when it cannot be told now; then nothing that is kept in memory may be used. It is as exact as LiveVersion, and asks SQLite each
// time: ask LiveVersion first.
func (db *DB) LiveChanges(ctx context.Context, since uint64) (changes LiveChanges, known bool) {
	return db.liveClock().changes(ctx, since)
}

func (db *DB) liveClock() liveClock {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.live == nil {
		db.live = db.newLiveClock()
	}
	return db.live
}

func (db *DB) newLiveClock() liveClock {
	if db.Engine() == postgresDialect.name {
		return listen(db.url)
	}
	return &sqliteClock{pool: db.hot}
}

// add notes what one version touched.
func (l *LiveChanges) add(touched string) {
	if touched == everything || len(l.Enterprises) > liveTold {
		l.everything()
	}
	if l.All {
		return
	}
	for code := range strings.SplitSeq(touched, " ") {
		l.Enterprises = append(l.Enterprises, registry.USCC(code))
	}
}

func (l *LiveChanges) everything() { l.All, l.Enterprises = true, nil }
