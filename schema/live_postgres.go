package schema

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// notifyChange tells the connections that listen, in one round trip. Safety: what was touched are letters, digits and spaces (isPlain).
func (t *tx) notifyChange(ctx context.Context, touched string) error {
	_, err := t.ExecContext(ctx, `NOTIFY `+liveChannel+`, '`+touched+`'`)
	return err
}

const (
	liveChannel = "healthcode_live"
	// liveBeat is how often the connection that listens is asked whether it is still there; after three times that long without an answer
	// nothing is known.
	liveBeat = time.Second
)

// listener hears what other processes announce. It counts for this process alone, and keeps what the newest versions touched. What this process
// commits is told at once and heard again.
type listener struct {
	pq      *pq.Listener
	number  atomic.Uint64
	heardAt atomic.Int64 // monotonic enough: nanoseconds of the process's clock; 0: not connected
	pinging atomic.Bool
	pings   sync.WaitGroup
	stop    chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	touched [liveKept]string // by the number's remainder
}

func listen(url string) *listener {
	l := &listener{stop: make(chan struct{}), done: make(chan struct{})}
	l.pq = pq.NewListener(url, 100*time.Millisecond, 10*time.Second, l.event)
	go l.run()
	return l
}

// event is called when the connection comes and goes. What was announced in between is lost, so everything may have changed.
func (l *listener) event(event pq.ListenerEventType, _ error) {
	l.committed(everything)
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
		case heard := <-l.pq.Notify: // nil after a new connection
			touched := everything
			if heard != nil {
				touched = heard.Extra
			}
			l.committed(touched)
			l.heard()
		case <-beat.C:
			l.ping()
		case <-l.stop:
			return
		}
	}
}

// ping asks beside the loop: the driver's answer would wait for ever behind notifications that nobody takes.
func (l *listener) ping() {
	if !l.pinging.CompareAndSwap(false, true) {
		return
	}
	l.pings.Go(func() {
		defer l.pinging.Store(false)
		if l.pq.Ping() == nil {
			l.heard()
		}
	})
}

func (l *listener) heard() { l.heardAt.Store(int64(time.Since(processStart)) + 1) }

func (l *listener) version(context.Context) (uint64, bool) { return l.number.Load(), l.hears() }

// hears reports whether the connection was heard of late.
func (l *listener) hears() bool {
	heard := l.heardAt.Load()
	return heard != 0 && time.Since(processStart)-time.Duration(heard) <= 3*liveBeat
}

func (l *listener) changes(_ context.Context, since uint64) (LiveChanges, bool) {
	if !l.hears() {
		return LiveChanges{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	changes := LiveChanges{Version: l.number.Load()}
	if since > changes.Version || changes.Version-since > liveKept {
		changes.everything()
	}
	for number := since + 1; number <= changes.Version && !changes.All; number++ {
		changes.add(l.touched[number%liveKept])
	}
	return changes, true
}

func (l *listener) committed(touched string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := l.number.Load() + 1
	l.touched[number%liveKept] = touched
	l.number.Store(number) // last: whoever reads it finds what it touched
}

// Close ends the connection and waits for who listens.
func (l *listener) Close() error {
	close(l.stop)
	err := l.pq.Close()
	<-l.done
	l.pings.Wait()
	return err
}
