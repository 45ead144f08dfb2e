package api

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"healthcode/registry"
	"healthcode/schema"

	"pgregory.net/rapid"
)

// liveModel is a register of a few enterprises with a code each, whose name counts how often it was changed.
type liveModel struct {
	t       *rapid.T
	between func() // runs between two rows of a stream

	mu      sync.Mutex
	names   map[registry.USCC]int
	version uint64
	touched []registry.USCC // by each version; empty: everything
	deaf    bool            // nothing is known now
	broken  error           // what ends a stream
}

func (m *liveModel) LiveVersion(context.Context) (uint64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version, !m.deaf
}

func (m *liveModel) LiveChanges(_ context.Context, since uint64) (schema.LiveChanges, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changes := schema.LiveChanges{Version: m.version}
	for _, code := range m.touched[min(since, m.version):] {
		changes.All = changes.All || code == ""
		changes.Enterprises = append(changes.Enterprises, code)
	}
	return changes, !m.deaf
}

func (m *liveModel) LiveRows(_ context.Context, _ time.Time, most int) iter.Seq2[schema.LiveRow, error] {
	return func(yield func(schema.LiveRow, error) bool) {
		m.mu.Lock()
		names, broken := maps.Clone(m.names), m.broken // one state
		m.mu.Unlock()
		if broken != nil {
			yield(schema.LiveRow{}, broken)
			return
		}
		for i, code := range slices.Sorted(maps.Keys(names)) {
			m.between()
			if i >= most || !yield(schema.LiveRow{USCC: code, Live: liveNamed(names[code])}, nil) {
				return
			}
		}
		m.between()
	}
}

// write changes an enterprise, or all of them.
func (m *liveModel) write(code registry.USCC) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for each := range m.names {
		if code == "" || code == each {
			m.names[each]++
		}
	}
	m.version++
	m.touched = append(m.touched, code)
}

// breaks ends each stream with an error from now on; nil mends it.
func (m *liveModel) breaks(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = why
}

func liveNamed(n int) *schema.Live { return &schema.Live{Name: strconv.Itoa(n), RegionCode: "33"} }

// look asks as a verifier does, with whatever happens between its steps, and checks that the answer is not older than the question.
func (m *liveModel) look(l *LiveRegister, code registry.USCC, between func()) {
	version, known := l.advance(m.t.Context(), m)
	asked := m.names[code]
	between()
	place := codePlace{code, 0}
	var row *schema.Live
	if known {
		row = l.find(place)
	}
	if row == nil {
		row = liveNamed(m.names[code])
		between()
		if known {
			l.keep(version, place, row)
		}
	}
	if answered, err := strconv.Atoi(row.Name); err != nil || answered < asked {
		m.t.Fatalf("%s is answered as it was %d changes before", code, asked-answered)
	}
}

// Whatever is written, read in and asked between each other's steps: nobody gets an answer older than the question, and never are more codes held than
// may be.
func TestLiveRegisterIsTrue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &liveModel{t: t, names: map[registry.USCC]int{}}
		codes := []registry.USCC{"A", "B", "C", "D", "E"}
		for _, code := range codes {
			m.names[code] = 0
		}
		l := NewLiveRegister(rapid.IntRange(0, 6).Draw(t, "most"))
		var step func(depth int)
		step = func(depth int) {
			within := func() {
				for meanwhile := rapid.IntRange(0, 3).Draw(t, "meanwhile"); depth < 2 && meanwhile > 0; meanwhile-- {
					step(depth + 1)
				}
			}
			m.between = within
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				m.write(rapid.SampledFrom(codes).Draw(t, "written"))
			case 1:
				m.write("")
			case 2:
				m.deaf = !m.deaf
			case 3:
				if depth == 0 { // one at a time, as Run does
					err := l.fill(t.Context(), m, time.Time{})
					if err != nil && !errors.Is(err, errLiveUnknown) {
						t.Fatal(err)
					}
				}
			default:
				m.look(l, rapid.SampledFrom(codes).Draw(t, "asked"), within)
			}
			held := 0
			for _, firm := range l.firms {
				held += len(firm)
			}
			if held != l.held || held > l.most {
				t.Fatalf("%d codes are held, counted as %d, at most %d", held, l.held, l.most)
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			step(0)
		}
		m.deaf, m.between = false, func() {}
		for _, code := range codes {
			m.look(l, code, func() {})
		}
	})
}

// The register is read in at the start, again a second after everything changed, and a minute after it could not be read.
func TestLiveRegisterRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &liveModel{names: map[registry.USCC]int{"A": 0, "B": 0, "C": 0}, between: func() {}}
		l, log := NewLiveRegister(2), &lines{}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.Run(ctx, m, time.Now, slog.New(slog.NewTextHandler(log, nil)))
		}()
		holds := func(want int) {
			t.Helper()
			synctest.Wait()
			_, known := l.advance(ctx, m)
			l.mu.Lock()
			defer l.mu.Unlock()
			if !known || l.held != want {
				t.Errorf("%d codes are held, want %d", l.held, want)
			}
		}
		holds(2)
		m.write("")
		holds(0)
		time.Sleep(fillRest)
		holds(2)
		m.breaks(errors.New("the disk is full"))
		m.write("")
		holds(0)
		time.Sleep(fillRest)
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "the disk is full") {
			t.Errorf("logged %q", text)
		}
		m.breaks(nil)
		m.write("")
		holds(0)
		time.Sleep(time.Minute)
		holds(2)
		stop()
		<-ended
	})
}

// counted counts how often the register is asked for a code.
type counted struct {
	Store
	reads atomic.Int32
}

func (c *counted) Live(ctx context.Context, code registry.USCC, idx uint32) (*schema.Live, error) {
	c.reads.Add(1)
	return c.Store.Live(ctx, code, idx)
}

// What was read in is answered from memory; a code revoked a moment ago is revoked, and no other enterprise is read for it.
func TestLiveRegisterHolds(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	store, live := &counted{Store: w.store}, NewLiveRegister(DefaultLiveCodes)
	h := w.handler(t, func(c *Config) { c.Store, c.Live = store, live })
	if err := live.fill(t.Context(), w.db, w.now); err != nil {
		t.Fatal(err)
	}
	ask := func(wantReads int32, revoked registry.USCC) {
		t.Helper()
		store.reads.Store(0)
		for code, issued := range w.codes {
			answer := call(h, http.MethodPost, verifyPath, strings.NewReader(`{"code":"`+issued.JWT+`"}`), jsonBody...)
			if got := strings.Contains(answer.Body.String(), `"reason":"revoked"`); answer.Code != http.StatusOK || got != (code == revoked) {
				t.Errorf("%s: %d %s", code, answer.Code, answer.Body)
			}
		}
		if got := store.reads.Load(); got != wantReads {
			t.Errorf("the register was read %d times, want %d", got, wantReads)
		}
	}
	ask(0, "")
	if _, err := w.db.ChangeCode(t.Context(), w.codes[w.first].Code.Index, schema.StepRevoke, "Li Hua", "lost"); err != nil {
		t.Fatal(err)
	}
	ask(1, w.first)
	ask(0, w.first)
	if _, err := w.db.PutRegions(t.Context(), []registry.Region{{Code: "33", Name: "浙江"}}); err != nil {
		t.Fatal(err)
	}
	ask(int32(len(w.codes)), w.first)
	if err := live.fill(t.Context(), w.db, w.now); err != nil {
		t.Fatal(err)
	}
	ask(0, w.first)
}

// While the register is read in again and again and many ask, whoever has changed a code sees it changed at once.
func TestLiveRegisterAtOnce(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	live := NewLiveRegister(DefaultLiveCodes)
	h := w.handler(t, func(c *Config) { c.Live = live })
	ask := func(code registry.USCC) string {
		return call(h, http.MethodPost, verifyPath, strings.NewReader(`{"code":"`+w.codes[code].JWT+`"}`), jsonBody...).Body.String()
	}
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for ctx.Err() == nil {
				for code := range w.codes {
					if got := ask(code); !strings.Contains(got, `"signature_valid":true`) {
						t.Error(got)
					}
				}
			}
		})
	}
	others.Go(func() {
		for ctx.Err() == nil {
			if err := live.fill(ctx, w.db, w.now); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for i := range 12 {
		step, reason := schema.StepSuspend, `"reason":"suspended"`
		if i%2 == 1 {
			step, reason = schema.StepResume, `"reason":"ok"`
		}
		if _, err := w.db.ChangeCode(ctx, w.codes[w.first].Code.Index, step, "Li Hua", "lost"); err != nil {
			t.Fatal(err)
		}
		if got := ask(w.first); !strings.Contains(got, reason) {
			t.Errorf("%s, want %s", got, reason)
		}
		if i%4 == 3 { // everything may have changed
			if _, err := w.db.PutRegions(ctx, []registry.Region{{Code: "33", Name: "浙江" + strconv.Itoa(i)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	others.Wait()
}
