package api

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"healthcode/scoring"
)

func TestCompression(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	own := "/api/v1/enterprises/" + string(w.first)
	for name, c := range map[string]struct {
		address string
		pressed bool
	}{
		"JSON":            {own, true},
		"a page":          {"/docs", true},
		"SVG":             {own + "/code.svg", true},
		"PNG":             {own + "/code.png", false},
		"a small answer":  {"/healthz", false},
		"the document":    {"/openapi.json", true},
		"a list of codes": {"/lists/grade/0", true}, // compressed once, by itself
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, pressed := get(h, c.address), get(h, c.address, "Accept-Encoding", "gzip")
			if plain.Header().Get("Content-Encoding") != "" || plain.Code != http.StatusOK {
				t.Fatalf("who does not take gzip gets %d %s", plain.Code, plain.Header().Get("Content-Encoding"))
			}
			if got := pressed.Header().Get("Content-Encoding") == "gzip"; got != c.pressed {
				t.Fatalf("Content-Encoding is %q", pressed.Header().Get("Content-Encoding"))
			}
			if vary := strings.Join(plain.Header().Values("Vary"), ", "); c.pressed && strings.Count(vary, "Accept-Encoding") != 1 {
				t.Errorf("Vary is %q", vary)
			}
			if !c.pressed {
				return
			}
			if tag := pressed.Header().Get("ETag"); tag != "" && !strings.HasSuffix(tag, pressedSuffix+`"`) {
				t.Errorf("the tag of the compressed form is %s", tag)
			} else if tag != "" {
				if again := get(h, c.address, "Accept-Encoding", "gzip", "If-None-Match", tag); again.Code != http.StatusNotModified {
					t.Errorf("who has it already gets %d", again.Code)
				}
			}
			body, err := gzip.NewReader(pressed.Body)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(body)
			if err != nil || len(text) != plain.Body.Len() && !strings.Contains(plain.Body.String(), "request_id") {
				t.Errorf("%d bytes, want %d: %v", len(text), plain.Body.Len(), err)
			}
		})
	}
}

// A stream reaches a client line by line, compressed or not: the first line comes while the answer is still being made.
func TestStreamsAreFlushed(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	body, err := json.Marshal(object{"model": json.RawMessage(scoring.DefaultModel().JSON())})
	if err != nil {
		t.Fatal(err)
	}
	for _, encoding := range []string{"", "gzip"} {
		flushed := &flushCounter{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodPost, "/api/v1/simulations", strings.NewReader(string(body)))
		r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost:8080"
		r.Header.Set("Content-Type", typeJSON)
		r.Header.Set("Accept", typeNDJSON)
		r.Header.Set("Accept-Encoding", encoding)
		h.ServeHTTP(flushed, r)
		var lines io.Reader = flushed.Body
		if encoding != "" {
			if lines, err = gzip.NewReader(flushed.Body); err != nil {
				t.Fatalf("%q: %v: %.200s", encoding, err, flushed.Body)
			}
		}
		n, scanner := 0, bufio.NewScanner(lines)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			n++
		}
		if n < 2 || flushed.times < n || flushed.first == 0 {
			t.Errorf("%q: %d lines, %d flushes, %d bytes at the first", encoding, n, flushed.times, flushed.first)
		}
	}
}

// flushCounter counts flushes, and how much had come at the first.
type flushCounter struct {
	*httptest.ResponseRecorder
	times, first int
}

func (f *flushCounter) Flush() {
	if f.times++; f.times == 1 {
		f.first = f.Body.Len()
	}
}

// An answer with a secret is not compressed (BREACH).
func TestSecretsAreNotCompressed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	long := "https://bank.example/?" + strings.Repeat("&", 900)
	made := send(t, d.h, http.MethodPost, "/api/v1/partners", object{"name": "bank"})
	if made.Code != http.StatusCreated {
		t.Fatal(made.Body)
	}
	answer := send(t, d.h, http.MethodPost, hooksAt, object{"url": long, "partner_id": 1}, "Accept-Encoding", "gzip")
	item := decoded[WebhookItem](t, answer)
	if answer.Header().Get("Content-Encoding") != "" || item.Secret == "" || answer.Body.Len() < minCompressed {
		t.Errorf("%v, %d bytes", answer.Header(), answer.Body.Len())
	}
	if shown := get(d.h, hooksAt+"/"+item.ID, "Accept-Encoding", "gzip"); shown.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("without its secret: %v", shown.Header())
	}
}
