package schema

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// liveClock tells a reader whether anything was committed since it last looked, so that it may keep in memory what it read. Transactions that only
// count or lease say so (tx.quiet) and do not move it.
type liveClock interface {
	// version returns a number that differs when something was committed in between; false when it is not known.
	version(ctx context.Context) (uint64, bool)
	// committed is called after each commit of this process that was not quiet, before the writer learns of it.
	committed()
	close() error
}

// LiveVersion returns a number that differs from an earlier one when anything that Live or Keys return may have changed in between, by whichever
// process; known is false when that cannot be told now. For writes of this process it is exact: it differs once the writer has returned. Another
// process's writes show a millisecond later on SQLite; PostgreSQL tells them by NOTIFY, milliseconds after their commit, and when the connection that
// hears them is silent for three seconds nothing is known.
func (db *DB) LiveVersion(ctx context.Context) (version uint64, known bool) {
	db.mu.Lock()
	if db.live == nil {
		db.live = db.newLiveClock()
	}
	clock := db.live
	db.mu.Unlock()
	return clock.version(ctx)
}

func (db *DB) newLiveClock() liveClock {
	if db.Engine() == postgresDialect.name {
		return listen(db.url)
	}
	return &sqliteClock{pool: db.hot}
}

// quiet says of a transaction that it changes nothing which Live or Keys return.
func (t *tx) quiet() { t.isQuiet = true }

// announceLive tells other processes, with the commit, that something may have changed.
func (t *tx) announceLive(ctx context.Context) error {
	if t.isQuiet {
		return nil
	}
	query := `UPDATE clock SET value = value + 1 WHERE name = 'live'`
	if t.db.Engine() == postgresDialect.name {
		query = `NOTIFY healthcode_live`
	}
	if _, err := t.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("announce a change: %w", err)
	}
	return nil
}

func (db *DB) committedLive() {
	db.mu.Lock()
	clock := db.live
	db.mu.Unlock()
	if clock != nil {
		clock.committed()
	}
}

// liveLook is how long what SQLite said of other processes' commits holds.
const liveLook = time.Millisecond

// sqliteClock asks SQLite whether another connection has committed (https://sqlite.org/pragma.html#pragma_data_version), at most once a millisecond
// and after each commit of this process, and only then reads the number that writers raise. Both need one connection of their own.
type sqliteClock struct {
	pool    *sqlx.DB
	commits atomic.Int64 // of this process
	looked  atomic.Pointer[sqliteLook]

	mu     sync.Mutex
	conn   *sqlx.Conn
	look   *sql.Stmt
	data   int64
	number uint64
}

// sqliteLook is what was seen after so many commits of this process.
type sqliteLook struct {
	commits int64
	at      time.Duration // since processStart
	number  uint64
}

func (c *sqliteClock) version(context.Context) (uint64, bool) {
	commits, now := c.commits.Load(), time.Since(processStart)
	if l := c.looked.Load(); l != nil && l.commits == commits && now-l.at < liveLook {
		return l.number, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx := context.Background() // microseconds; the driver watches over one that may end, which takes longer
	data, err := c.dataVersion(ctx)
	if err == nil && data != c.data {
		err = c.conn.GetContext(ctx, &c.number, `SELECT value FROM clock WHERE name = 'live'`)
		c.data = data
	}
	if err != nil {
		c.forget()
		return 0, false
	}
	c.looked.Store(&sqliteLook{commits, now, c.number})
	return c.number, true
}

func (c *sqliteClock) dataVersion(ctx context.Context) (data int64, err error) {
	if c.conn == nil {
		if c.conn, err = c.pool.Connx(ctx); err != nil {
			return 0, err
		}
		if c.look, err = c.conn.PrepareContext(ctx, `PRAGMA data_version`); err != nil {
			return 0, err
		}
		c.data = -1
	}
	return data, c.look.QueryRowContext(ctx).Scan(&data)
}

func (c *sqliteClock) forget() {
	if c.look != nil {
		_ = c.look.Close()
	}
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.conn, c.look = nil, nil
	c.looked.Store(nil)
}

func (c *sqliteClock) committed() { c.commits.Add(1) }

func (c *sqliteClock) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	return nil
}

const (
	liveChannel = "healthcode_live"
	// liveBeat is how often the connection that listens is asked whether it is still there; after three times that long without an answer
	// nothing is known.
	liveBeat = time.Second
)

// listener hears what other processes announce.
type listener struct {
	pq      *pq.Listener
	number  atomic.Uint64
	heardAt atomic.Int64 // monotonic enough: nanoseconds of the process's clock; 0: not connected
	stop    chan struct{}
	done    chan struct{}
}

func listen(url string) *listener {
	l := &listener{stop: make(chan struct{}), done: make(chan struct{})}
	l.pq = pq.NewListener(url, 100*time.Millisecond, 10*time.Second, l.event)
	go l.run()
	return l
}

// event is called when the connection comes and goes. What was announced in between is lost, so everything may have changed.
func (l *listener) event(event pq.ListenerEventType, _ error) {
	l.number.Add(1)
	if event == pq.ListenerEventDisconnected || event == pq.ListenerEventConnectionAttemptFailed {
		l.heardAt.Store(0)
	}
}

func (l *listener) run() {
	defer close(l.done)
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	if err := l.pq.Listen(liveChannel); err != nil {
		return // the listener was closed
	}
	l.heard()
	for {
		select {
		case <-l.pq.Notify: // nil after a new connection: everything may have changed
			l.number.Add(1)
			l.heard()
		case <-beat.C:
			if l.pq.Ping() == nil {
				l.heard()
			}
		case <-l.stop:
			return
		}
	}
}

func (l *listener) heard() { l.heardAt.Store(int64(time.Since(processStart)) + 1) }

// processStart is where the clock of this file begins; it never goes back.
var processStart = time.Now()

func (l *listener) version(context.Context) (uint64, bool) {
	heard := l.heardAt.Load()
	if heard == 0 || time.Since(processStart)-time.Duration(heard) > 3*liveBeat {
		return 0, false
	}
	return l.number.Load(), true
}

func (l *listener) committed() { l.number.Add(1) }

func (l *listener) close() error {
	close(l.stop)
	err := l.pq.Close()
	<-l.done
	return err
}
