package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
)

// site is the real engine on a real port. Root and bundle are the test's, so that it can change them and take them away.
type site struct {
	*httptest.Server
	world  *world
	rootBy *credential.Key
	status []byte // of list 0
	grades []byte

	mu   sync.Mutex
	root []byte
	body []byte // bundle
}

// newSite publishes the lists of the world's codes as of now: every code in force with its live grade.
func newSite(t *testing.T) *site {
	t.Helper()
	w := theWorld(t)
	s := &site{world: w, status: make([]byte, credential.ListStatus.Bytes()), grades: make([]byte, credential.ListGrade.Bytes())}
	s.rootBy = newTestKey(t, 1)
	for uscc, issued := range w.codes {
		a, err := w.db.Assessment(t.Context(), uscc)
		if err != nil {
			t.Fatal(err)
		}
		s.grades[issued.Code.Index] = credential.GradeByte(a.Colour, a.Tier)
	}
	s.publish(t, time.Now())
	engine := w.handler(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/", engine)
	mux.HandleFunc("/.well-known/root.json", func(rw http.ResponseWriter, _ *http.Request) { s.answer(rw, &s.root) })
	mux.HandleFunc("/bundle", func(rw http.ResponseWriter, _ *http.Request) { s.answer(rw, &s.body) })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func newTestKey(t *testing.T, number uint8) *credential.Key {
	t.Helper()
	key, err := credential.NewKey(number, testIssuer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s *site) answer(rw http.ResponseWriter, body *[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *body == nil {
		http.Error(rw, "nothing here", http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Write(*body)
}

// publish signs root, key set and lists as of a time.
func (s *site) publish(t *testing.T, at time.Time) {
	t.Helper()
	root, err := credential.RootOf(s.rootBy.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := credential.NewKeySet(*s.world.key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	set, err := credential.SignKeySet(s.rootBy, keys, at, credential.KeySetLifetime)
	if err != nil {
		t.Fatal(err)
	}
	var lists []string
	for kind, entries := range map[credential.ListKind][]byte{credential.ListStatus: s.status, credential.ListGrade: s.grades} {
		token, err := credential.SignList(s.world.key, kind, 0, entries, at)
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, token)
	}
	bundle, err := credential.SignBundle(s.world.key, set, lists, at)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.root, s.body = text, bundle
}

// coloured returns a code of a colour.
func (s *site) coloured(t *testing.T, colour registry.Colour) credential.Issued {
	t.Helper()
	for _, issued := range s.world.codes {
		if s.grades[issued.Code.Index]>>4 == byte(colour) {
			return issued
		}
	}
	t.Fatalf("no code of the world is %s", colour)
	return credential.Issued{}
}
