package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// modelText returns the default model as JSON with a piece of text replaced.
func modelText(t testing.TB, old, replacement string) string {
	t.Helper()
	text := string(scoring.DefaultModel().JSON())
	if !strings.Contains(text, old) {
		t.Fatalf("the model has no %s", old)
	}
	return strings.Replace(text, old, replacement, 1)
}

// heavierComplaints moves a tenth of the weight from spot checks to complaints.
func heavierComplaints(t testing.TB) string {
	t.Helper()
	text := modelText(t, `"weight_milli":400`, `"weight_milli":100`)
	return strings.Replace(text, `"complaint","weight_milli":100`, `"complaint","weight_milli":400`, 1)
}

func postSimulation(h http.Handler, body string) *httptest.ResponseRecorder {
	return call(h, http.MethodPost, "/api/v1/simulations", strings.NewReader(body), jsonBody...)
}

func TestASimulationComparesWhatEvidenceEarns(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	answer := postSimulation(h, `{"model":`+heavierComplaints(t)+`,"movers":{"limit":500,"sort":"-change"}}`)
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	s := decoded[scoring.Simulation](t, answer)
	counted, active := map[registry.Colour]int{}, scoring.NewAssessor(scoring.DefaultModel())
	err := w.db.Evidence(t.Context(), schema.KeyRange{}, s.AsOf, s.KnownAt, func(e *scoring.Evidence) error {
		counted[active.Assess(e, s.AsOf).Colour]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, colour := range registry.Colours() {
		if s.Colours.Before[i] != counted[colour] {
			t.Errorf("%d %s before, %d are earned", s.Colours.Before[i], colour, counted[colour])
		}
	}
	for _, county := range s.Groups[0].Values {
		if county.Name == "" || s.Groups[0].Attribute != "county" {
			t.Errorf("%s %+v has no name", s.Groups[0].Attribute, county)
		}
	}
	model, err := scoring.ParseModel([]byte(heavierComplaints(t)))
	if err != nil {
		t.Fatal(err)
	}
	if s.Moves.Total == 0 || len(s.Moves.Items) != s.Moves.Total || s.After.Digest != model.Digest() || len(s.Groups) != 4 || s.KnownAt.IsZero() {
		t.Fatalf("%d of %d moves, %d groups, model %s", len(s.Moves.Items), s.Moves.Total, len(s.Groups), s.After.Digest)
	}
	for _, m := range s.Moves.Items {
		e, err := w.db.EvidenceOf(t.Context(), m.USCC, s.AsOf, s.KnownAt)
		if err != nil {
			t.Fatal(err)
		}
		if x := scoring.NewAssessor(model).Assess(e, s.AsOf); x.Index != m.IndexAfter || x.Tier != m.TierAfter || x.Colour != m.ColourAfter || m.Name == "" {
			t.Errorf("%+v, want %+v", m, x)
		}
	}
}

func TestASimulationTellsWhatWouldBePublishedWhenAsked(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	s := decoded[scoring.Simulation](t, postSimulation(h, `{"model":`+heavierComplaints(t)+`,"published":true,"movers":{"limit":1}}`))
	if s.Published == nil || len(s.Published.Groups) != 4 || s.Published.Moved == 0 || s.Moves.Items[0].PublishedTierAfter == "" {
		t.Fatalf("%+v", s.Published)
	}
	stored, err := w.db.CountAssessments(t.Context(), access.Everything())
	if err != nil {
		t.Fatal(err)
	}
	for i, colour := range registry.Colours() {
		if s.Published.Colours.Before[i] != stored.Colours[colour] {
			t.Errorf("%d %s before, %d are published", s.Published.Colours.Before[i], colour, stored.Colours[colour])
		}
	}
}

func TestBadSimulations(t *testing.T) {
	h := theWorld(t).handler(t, nil)
	good := string(scoring.DefaultModel().JSON())
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		field  string
	}{
		"no model":              {`{}`, 400, "invalid_field", "model"},
		"no object":             {`[]`, 400, "invalid_field", "body"},
		"model is a number":     {`{"model":1}`, 400, "invalid_field", "model"},
		"unknown member":        {`{"model":` + good + `,"colour":1}`, 400, "invalid_field", "colour"},
		"unknown in the model":  {`{"model":` + modelText(t, `"code":`, `"cod":`) + `}`, 400, "invalid_field", "model"},
		"wrong type":            {`{"model":` + modelText(t, `"window_days":1095`, `"window_days":"x"`) + `}`, 400, "invalid_field", "model.window_days"},
		"weights do not add up": {`{"model":` + modelText(t, `"weight_milli":400`, `"weight_milli":401`) + `}`, 422, "invalid_model", "model.dimensions"},
		"window too long":       {`{"model":` + modelText(t, `"window_days":1095`, `"window_days":9999`) + `}`, 422, "invalid_model", "model.window_days"},
		"bad day":               {`{"model":` + good + `,"as_of":"tomorrow"}`, 400, "invalid_field", "as_of"},
		"movers is a list":      {`{"model":` + good + `,"movers":[]}`, 400, "invalid_field", "movers"},
		"unknown of movers":     {`{"model":` + good + `,"movers":{"page":1}}`, 400, "invalid_field", "movers.page"},
		"limit too high":        {`{"model":` + good + `,"movers":{"limit":501}}`, 400, "invalid_field", "movers.limit"},
		"limit is text":         {`{"model":` + good + `,"movers":{"limit":"1"}}`, 400, "invalid_field", "movers.limit"},
		"offset below zero":     {`{"model":` + good + `,"movers":{"offset":-1}}`, 400, "invalid_field", "movers.offset"},
		"unknown order":         {`{"model":` + good + `,"movers":{"sort":"name"}}`, 400, "invalid_field", "movers.sort"},
		"published is a word":   {`{"model":` + good + `,"published":"yes"}`, 400, "invalid_field", "published"},
		"unknown direction":     {`{"model":` + good + `,"movers":{"direction":"left"}}`, 400, "invalid_field", "movers.direction"},
		"too large":             {`{"model":"` + strings.Repeat("x", MaxBody) + `"}`, 413, "body_too_large", "body"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem(t, postSimulation(h, c.body), c.status, c.code)
			if len(p.Errors) == 0 || p.Errors[0].Field != c.field || p.Errors[0].Problem == "" || p.Errors[0].Want == "" {
				t.Errorf("fields %+v, want %s", p.Errors, c.field)
			}
		})
	}
}

func TestASimulationSeesWhatArrived(t *testing.T) {
	w, err := newWorld(t.Context(), t.TempDir(), 30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	h := w.handler(t, nil)
	body := `{"model":` + string(scoring.DefaultModel().JSON()) + `}`
	first := decoded[scoring.Simulation](t, postSimulation(h, body))
	var green registry.USCC
	for a, err := range w.db.Assessments(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Colour == registry.ColourGreen {
			green = a.USCC
		}
	}
	record := registry.Record{USCC: green, Source: "test", SourceRef: "licence gone", Kind: registry.KindLicence, Outcome: registry.OutcomeRevoked,
		OccurredOn: registry.DayOf(w.now), State: registry.StateFinal, Detail: &registry.Licence{Number: "X-1"}}
	if _, err := w.db.PutRecords(t.Context(), []registry.Record{record}, schema.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	second := decoded[scoring.Simulation](t, postSimulation(h, body))
	if red := len(second.Colours.Before) - 1; second.Colours.Before[red] != first.Colours.Before[red]+1 {
		t.Errorf("%v red before the licence was revoked, %v after", first.Colours.Before, second.Colours.Before)
	}
	if third := decoded[scoring.Simulation](t, postSimulation(h, body)); !third.KnownAt.Equal(second.KnownAt) {
		t.Error("nothing arrived, yet everybody was read again")
	}
}

// counting counts readings, and holds them until told to go on.
type counting struct {
	Store
	begun, goOn chan struct{}
	mu          sync.Mutex
	readings    int
}

func (c *counting) ReadPopulation(ctx context.Context, asOf registry.Day, progress func(done, total int64)) (*schema.Population, error) {
	c.mu.Lock()
	c.readings++
	c.mu.Unlock()
	c.begun <- struct{}{}
	select {
	case <-c.goOn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c.Store.ReadPopulation(ctx, asOf, progress)
}

func unheard(int64, int64) {}

// A client that asks for lines hears how far reading and grading are, and gets the same answer as one that does not.
func TestASimulationInLines(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	body := `{"model":` + heavierComplaints(t) + `}`
	asked := append([]string{"Accept", "application/x-ndjson"}, jsonBody...)
	answer := call(h, http.MethodPost, "/api/v1/simulations", strings.NewReader(body), asked...)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/x-ndjson" || !answer.Flushed {
		t.Fatalf("%d %s", answer.Code, answer.Header())
	}
	var last simulationLine
	heard := map[string]int{}
	for text := range strings.Lines(answer.Body.String()) {
		if last.Simulation != nil {
			t.Fatalf("a line follows the simulation: %s", text)
		}
		last = simulationLine{}
		if err := json.Unmarshal([]byte(text), &last); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if last.Progress != nil {
			heard[last.Progress.Stage]++
		}
	}
	whole := decoded[scoring.Simulation](t, postSimulation(h, body))
	if last.Simulation == nil || last.Simulation.MeanAfter != whole.MeanAfter || last.Simulation.Moves.Total != whole.Moves.Total || heard["grading"] == 0 {
		t.Errorf("heard %v, at last %+v", heard, last)
	}
	problem(t, call(h, http.MethodPost, "/api/v1/simulations", strings.NewReader(`{}`), asked...), http.StatusBadRequest, "invalid_field")
}

// slow says how far it is and then fails.
type slow struct {
	Store
	told chan struct{}
}

func (s *slow) ReadPopulation(ctx context.Context, _ registry.Day, progress func(done, total int64)) (*schema.Population, error) {
	progress(3, 30)
	<-s.told
	return nil, schema.ErrBusy
}

func TestReadingTellsHowFarItIs(t *testing.T) {
	store := &slow{Store: theWorld(t).store, told: make(chan struct{})}
	cache := newPopulationCache(store)
	tell := sync.OnceFunc(func() { close(store.told) })
	heard := [2]int64{}
	_, err := cache.get(t.Context(), registry.DayOf(theWorld(t).now), func(read, total int64) {
		if heard = [2]int64{read, total}; read > 0 {
			tell()
		}
	})
	if !errors.Is(err, schema.ErrBusy) || heard != [2]int64{3, 30} {
		t.Errorf("%v, heard %v", err, heard)
	}
}

func TestAProblemAfterTheFirstLineIsTheLast(t *testing.T) {
	w := theWorld(t)
	store := &slow{Store: w.store, told: make(chan struct{})}
	h := w.handler(t, func(c *Config) { c.Store = store })
	answer := &telling{ResponseRecorder: httptest.NewRecorder(), told: store.told}
	r := httptest.NewRequest(http.MethodPost, "/api/v1/simulations", strings.NewReader(`{"model":`+string(scoring.DefaultModel().JSON())+`}`))
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/x-ndjson")
	h.ServeHTTP(answer, r)
	lines := strings.Split(strings.TrimSpace(answer.Body.String()), "\n")
	var last simulationLine
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 2 || last.Problem == nil || last.Problem.Status != http.StatusServiceUnavailable {
		t.Errorf("%v: %s", err, answer.Body)
	}
}

// telling lets a slow store go on once a line has come.
type telling struct {
	*httptest.ResponseRecorder
	told chan struct{}
	once sync.Once
}

func (t *telling) Flush() {
	t.ResponseRecorder.Flush()
	t.once.Do(func() { close(t.told) })
}

func TestAClientThatGoesAwayDoesNotStopTheReading(t *testing.T) {
	w := theWorld(t)
	store := &counting{Store: w.store, begun: make(chan struct{}, 10), goOn: make(chan struct{})}
	cache := newPopulationCache(store)
	today := registry.DayOf(w.now)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := cache.get(ctx, today, unheard)
		gone <- err
	}()
	<-store.begun
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("gone: %v", err)
	}
	close(store.goOn)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if p, err := cache.get(t.Context(), today, unheard); err != nil || p.Columns.Len() == 0 {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if store.readings != 1 {
		t.Errorf("%d readings, want one for all", store.readings)
	}
	if _, err := cache.get(t.Context(), today+1, unheard); err != nil || store.readings != 2 {
		t.Errorf("%d readings after midnight, %v", store.readings, err)
	}
}

func TestSimulationsWaitForTheirTurn(t *testing.T) {
	cache := newPopulationCache(theWorld(t).store)
	for range maxSimulations {
		back, err := cache.turn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer back()
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := cache.turn(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("one too many: %v", err)
	}
}

func TestACancelledSimulationAnswersSo(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/simulations", bytes.NewReader(fmt.Appendf(nil, `{"model":%s}`, scoring.DefaultModel().JSON()))).WithContext(ctx)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost"
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	problem(t, answer, statusClientGone, "client_gone")
}

// FuzzSimulation: no body makes the server fail.
func FuzzSimulation(f *testing.F) {
	w := theWorld(f)
	h := w.handler(f, quietly)
	f.Add(`{"model":` + string(scoring.DefaultModel().JSON()) + `,"movers":{"limit":3,"offset":2,"sort":"size","direction":"up"},"as_of":"2024-02-29"}`)
	f.Add(`{"model":{"dimensions":[]},"movers":{"limit":1e9}}`)
	f.Fuzz(func(t *testing.T, body string) {
		answer := postSimulation(h, body)
		if answer.Code >= 500 && answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%d: %s", answer.Code, answer.Body)
		}
		if !json.Valid(answer.Body.Bytes()) {
			t.Errorf("not JSON: %s", answer.Body)
		}
	})
}
