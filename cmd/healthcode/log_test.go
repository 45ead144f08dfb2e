package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes is a writer that keeps each write apart.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

// Ordinary lines are written together a little later, a warning at once with what waits, and all at the end: none is lost, none changes its place.
func TestGatheredLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &writes{}
		log, end := gatheredLog(to)
		log = log.With("of", "here").WithGroup("g")
		wrote := func(want ...string) {
			t.Helper()
			synctest.Wait()
			to.mu.Lock()
			defer to.mu.Unlock()
			var got []string
			for _, text := range to.all {
				var messages []string
				for line := range strings.Lines(text) {
					_, message, _ := strings.Cut(line, " msg=")
					messages = append(messages, strings.TrimSpace(message))
				}
				got = append(got, strings.Join(messages, ", "))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
		log.Info("first")
		log.Info("second")
		wrote()
		time.Sleep(logDelay)
		wrote("first of=here, second of=here")
		log.Info("third")
		log.Warn("fourth")
		wrote("first of=here, second of=here", "third of=here, fourth of=here")
		log.Info("last", slog.Int("n", 1))
		end()
		wrote("first of=here, second of=here", "third of=here, fourth of=here", "last of=here g.n=1")
		time.Sleep(logDelay)
		wrote("first of=here, second of=here", "third of=here, fourth of=here", "last of=here g.n=1")
	})
}

// Many at once lose nothing, however much waits.
func TestGatheredLogAtOnce(t *testing.T) {
	t.Parallel()
	to := &writes{}
	log, end := gatheredLog(to)
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 200 {
				log.Info("line", "w", w, "i", i)
			}
		})
	}
	all.Wait()
	end()
	text := []byte(strings.Join(to.all, ""))
	for w := range 8 {
		for i := range 200 {
			if n := bytes.Count(text, fmt.Appendf(nil, " w=%d i=%d\n", w, i)); n != 1 {
				t.Fatalf("line %d of %d stands %d times", i, w, n)
			}
		}
	}
}
