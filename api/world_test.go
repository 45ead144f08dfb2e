package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// world is a small graded city with codes in a real SQLite file. Tests only read it.
type world struct {
	db        *schema.DB
	store     Store
	key, root *credential.Key
	now       time.Time
	showcases []Showcase
	codes     map[registry.USCC]credential.Issued
	first     registry.USCC // a graded enterprise with a code
	log       *lines
}

const testIssuer = "https://q.example.org"

var worldDir string

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	dir, err := os.MkdirTemp("", "healthcode-api-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	worldDir = dir
	code := m.Run()
	if *update {
		if err := theContract().recordExamples(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if theContract().failed() { // every answer that the tests got was compared with the OpenAPI document
		code = 1
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

var buildWorld = sync.OnceValues(func() (*world, error) { return newWorld(context.Background(), worldDir, 120) })

func theWorld(t testing.TB) *world {
	t.Helper()
	w, err := buildWorld()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newWorld(ctx context.Context, dir string, enterprises int) (*world, error) {
	return newWorldIn(ctx, schema.Config{Dir: dir}, enterprises)
}

// newWorldIn builds a world in an empty database of either engine.
func newWorldIn(ctx context.Context, database schema.Config, enterprises int) (*world, error) {
	w := &world{now: time.Now().UTC().Truncate(time.Second), codes: map[registry.USCC]credential.Issued{}, log: &lines{}}
	db, err := schema.Open(ctx, database)
	if err != nil {
		return nil, err
	}
	w.db, w.store = db, db
	if _, _, err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := w.fill(ctx, samplecity.Generate(7, enterprises, registry.DayOf(w.now))); err != nil {
		return nil, err
	}
	if err := w.grade(ctx); err != nil {
		return nil, err
	}
	if err := w.issue(ctx); err != nil {
		return nil, err
	}
	return w, w.publish(ctx)
}

func (w *world) fill(ctx context.Context, city *samplecity.City) error {
	if _, err := w.db.PutRegions(ctx, city.Regions()); err != nil {
		return err
	}
	load := schema.PutOptions{FirstLoad: true, KnownAt: w.now.AddDate(-3, -1, 0)}
	if _, err := w.db.PutProducts(ctx, city.Products(), load); err != nil {
		return err
	}
	for e, records := range city.All() {
		if _, err := w.db.PutEnterprises(ctx, []registry.Enterprise{*e}, load); err != nil {
			return err
		}
		results, err := w.db.PutRecords(ctx, records, schema.PutOptions{FirstLoad: true})
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Outcome == schema.Refused {
				return fmt.Errorf("%s: %+v", e.USCC, r.Problem)
			}
		}
	}
	for _, s := range city.Showcases() {
		w.showcases = append(w.showcases, Showcase{USCC: s.USCC, Title: web.Phrase{ZhCN: s.TitleZH, En: s.TitleEN}, Text: web.Phrase{ZhCN: s.TextZH, En: s.TextEN}})
	}
	return nil
}

func (w *world) grade(ctx context.Context) error {
	m := scoring.DefaultModel()
	ref := schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}
	if err := w.db.AddModel(ctx, schema.StoredModel{ModelRef: ref, Body: string(m.JSON())}); err != nil {
		return err
	}
	if err := w.db.ActivateModel(ctx, m.Code, m.Version); err != nil {
		return err
	}
	_, err := (&jobs.Recompute{DB: w.db, Clock: func() time.Time { return w.now }}).RunOnce(ctx)
	return err
}

func (w *world) issue(ctx context.Context) (err error) {
	if w.key, err = credential.NewKey(1, testIssuer, w.now); err != nil {
		return err
	}
	jwk, err := json.Marshal(w.key.PublicKey())
	if err != nil {
		return err
	}
	if err := w.db.AddKey(ctx, schema.SigningKey{Number: 1, KID: "1", Alg: string(credential.ES256), JWK: string(jwk)}); err != nil {
		return err
	}
	if err := w.db.MoveKey(ctx, 1, schema.KeyActive); err != nil {
		return err
	}
	for a, err := range w.db.Assessments(ctx) {
		if err != nil {
			return err
		}
		w.first = a.USCC
		if len(w.codes) < 30 {
			w.codes[a.USCC] = credential.Issued{}
		}
	}
	for code := range w.codes {
		a, err := w.db.Assessment(ctx, code)
		if err != nil {
			return err
		}
		if w.codes[code], err = w.issueOne(ctx, a); err != nil {
			return err
		}
		w.first = code
	}
	return nil
}

// publish lets a root sign the key set, and publishes the lists an hour ago and now.
func (w *world) publish(ctx context.Context) (err error) {
	if w.root, err = credential.NewKey(255, testIssuer, w.now); err != nil {
		return err
	}
	root, err := credential.RootOf(w.root.PublicKey())
	if err != nil {
		return err
	}
	jwk, err := json.Marshal(root)
	if err != nil {
		return err
	}
	keys, err := credential.NewKeySet(*w.key.PublicKey())
	if err != nil {
		return err
	}
	token, err := credential.SignKeySet(w.root, keys, w.now, credential.KeySetLifetime)
	if err != nil {
		return err
	}
	err = w.db.AddSignedKeySet(ctx, schema.RootKey{Thumbprint: root.Thumbprint(), JWK: string(jwk)},
		schema.SignedKeySet{IssuedAt: w.now, ExpiresAt: w.now.Add(credential.KeySetLifetime), Token: token})
	if err != nil {
		return err
	}
	at := w.now.Add(-time.Hour)
	publisher := &jobs.Publish{DB: w.db, Signer: w.key, Clock: func() time.Time { return at }}
	if _, err := publisher.RunOnce(ctx); err != nil {
		return err
	}
	at = w.now
	_, err = publisher.RunOnce(ctx)
	return err
}

func (w *world) issueOne(ctx context.Context, a *schema.Assessment) (credential.Issued, error) {
	idx, err := w.db.ReserveIndex(ctx, a.USCC, "1", string(credential.FormPrinted))
	if err != nil {
		return credential.Issued{}, err
	}
	seconds, err := credential.UnixSeconds(w.now.Add(-time.Hour))
	if err != nil {
		return credential.Issued{}, err
	}
	issued, err := credential.Issue(w.key, credential.Code{USCC: a.USCC, IssuedAt: seconds, Lifetime: credential.PrintedLifetime, Tier: a.Tier,
		Colour: a.Colour, Model: uint16(a.Model.Version), Index: idx})
	if err != nil {
		return issued, err
	}
	return issued, w.db.SaveCode(ctx, schema.Code{Index: idx, USCC: a.USCC, KID: "1", Form: string(credential.FormPrinted), IssuedAt: issued.Code.Issued(),
		ExpiresAt: issued.Code.Expires(), Tier: a.Tier, Colour: a.Colour, Model: a.Model.Version, JWT: issued.JWT})
}

// sign makes a code that the store does not know of.
func (w *world) sign(t testing.TB, c credential.Code) credential.Issued {
	t.Helper()
	issued, err := credential.Issue(w.key, c)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// stored signs a code of an enterprise and stores it, as one that was issued; its index is the next one.
func (w *world) stored(t testing.TB, c credential.Code) credential.Issued {
	t.Helper()
	form := credential.FormPrinted
	if c.Lifetime == credential.ScreenLifetime {
		form = credential.FormScreen
	}
	var err error
	if c.Index, err = w.db.ReserveIndex(t.Context(), c.USCC, "1", string(form)); err != nil {
		t.Fatal(err)
	}
	issued := w.sign(t, c)
	row := schema.Code{Index: c.Index, USCC: c.USCC, KID: "1", Form: string(form), IssuedAt: issued.Code.Issued(), ExpiresAt: issued.Code.Expires(), Tier: c.Tier,
		Colour: c.Colour, Model: int(c.Model), JWT: issued.JWT}
	if err := w.db.SaveCode(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	return issued
}

// smallWorld is made once; tests that change something get copies of its file, which is faster than making it anew.
var smallWorld = sync.OnceValues(func() (*world, error) {
	w, err := newWorld(context.Background(), filepath.Join(worldDir, "small"), 20)
	if err != nil {
		return nil, err
	}
	return w, w.db.Close()
})

// emptyFolder holds a migrated database with nothing in it, made once.
var emptyFolder = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(worldDir, "empty")
	db, err := schema.Open(context.Background(), schema.Config{Dir: dir})
	if err != nil {
		return "", err
	}
	_, _, err = db.Migrate(context.Background())
	return dir, errors.Join(err, db.Close())
})

// ownWorld is a small world that a test may change.
func ownWorld(t testing.TB) *world {
	t.Helper()
	made, err := smallWorld()
	if err != nil {
		t.Fatal(err)
	}
	w := *made
	w.db = copied(t, filepath.Join(worldDir, "small"))
	w.store, w.log, w.codes, w.showcases = w.db, &lines{}, maps.Clone(made.codes), slices.Clone(made.showcases)
	return &w
}

// emptyDB is a migrated database of the test's own.
func emptyDB(t testing.TB) *schema.DB {
	t.Helper()
	dir, err := emptyFolder()
	if err != nil {
		t.Fatal(err)
	}
	return copied(t, dir)
}

// copied opens a copy of a closed database.
func copied(t testing.TB, dir string) *schema.DB {
	t.Helper()
	into := t.TempDir()
	data, err := os.ReadFile(filepath.Join(dir, schema.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(into, schema.FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := schema.Open(t.Context(), schema.Config{Dir: into})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// issuer signs with the world's key, by its clock.
func (w *world) issuer() *jobs.Issuer {
	return &jobs.Issuer{DB: w.db, Signer: w.key, Clock: func() time.Time { return w.now }}
}

// handler builds the real engine over the world, with what a test wants changed.
func (w *world) handler(t testing.TB, change func(*Config)) http.Handler {
	t.Helper()
	c := Config{Log: slog.New(slog.NewJSONHandler(w.log, nil)), Store: w.store, Now: func() time.Time { return w.now }, Demo: true, Showcases: w.showcases}
	c.Bundle = &jobs.Bundle{DB: w.db, Signer: w.key, Clock: c.Now}
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// lines collects the log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// call sends one request from this machine and returns the answer.
func call(h http.Handler, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	var sent bytes.Buffer
	if body != nil {
		body = io.TeeReader(body, &sent)
	}
	r, answer := ask(h, method, target, body, headers...)
	theContract().check(r, sent.Bytes(), answer)
	return answer
}

// ask is call without comparing with the OpenAPI document, which takes several times as long as most answers.
func ask(h http.Handler, method, target string, body io.Reader, headers ...string) (*http.Request, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost:8080"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return r, answer
}

func get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	return call(h, http.MethodGet, target, nil, headers...)
}

func decoded[T any](t testing.TB, answer *httptest.ResponseRecorder) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
		t.Fatalf("status %d, not JSON: %v: %.300s", answer.Code, err, answer.Body)
	}
	return out
}

// problem checks that an answer is a problem of this status and code, and returns it.
func problem(t testing.TB, answer *httptest.ResponseRecorder, status int, code string) Problem {
	t.Helper()
	if got := answer.Header().Get("Content-Type"); answer.Code != status || got != "application/problem+json" {
		t.Fatalf("status %d %s, want %d: %.300s", answer.Code, got, status, answer.Body)
	}
	var p struct {
		Problem
		Verdict json.RawMessage `json:"verdict"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Code != code || p.Status != status || p.Title == "" || p.RequestID == "" || !strings.HasSuffix(p.Type, code) {
		t.Fatalf("got %+v, want code %s", p.Problem, code)
	}
	return p.Problem
}
