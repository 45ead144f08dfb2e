package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// BenchmarkVerifyAPI measures POST /api/v1/verify over loopback, one client, beside its yardsticks: bare Gin handlers that do one ES256
// verification (codes that the server has not seen, of enterprises that it has or has not looked up) or answer a JSON hello (repeated codes). It alternates between the two, so that both have the same machine.
func BenchmarkVerifyAPI(b *testing.B) {
	w := theWorld(b)
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: w.store, Now: func() time.Time { return w.now }})
	if err != nil {
		b.Fatal(err)
	}
	engine, err := s.engine()
	if err != nil {
		b.Fatal(err)
	}
	var bodies []string
	for _, code := range w.codes {
		bodies = append(bodies, `{"code":"`+code.JWT+`"}`)
	}
	n := 0
	// next walks through the codes; when it begins again it forgets what was kept of them.
	next := func(forget func()) func() string {
		return func() string {
			if n++; n%len(bodies) == 0 {
				forget()
			}
			return bodies[n%len(bodies)]
		}
	}
	codes := func() {
		s.proven.keep(nil, "", nil)
		s.live.answers.keep(liveMark{}, nil, nil)
	}
	b.Run("unseen", func(b *testing.B) {
		beside(b, engine, bareVerify(b), next(func() { codes(); s.live.empty() }))
	})
	b.Run("unseen-of-known", func(b *testing.B) { beside(b, engine, bareVerify(b), next(codes)) })
	b.Run("repeated", func(b *testing.B) { beside(b, engine, bareHello(), next(func() {})) })
}

// bareVerify is a Gin handler that verifies one ES256 signature.
func bareVerify(b *testing.B) http.Handler {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("what was signed"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	e := gin.New()
	e.POST("/api/v1/verify", func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil || !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
			c.Status(http.StatusBadRequest)
			return
		}
		c.JSON(http.StatusOK, gin.H{"authentic": true, "bytes": len(body)})
	})
	return e
}

func bareHello() http.Handler {
	e := gin.New()
	e.POST("/api/v1/verify", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"hello": "world"}) })
	return e
}

// beside alternates between the two servers and reports the rate of ours beside the yardstick's, and the 99th percentile of both.
func beside(b *testing.B, ours, yardstick http.Handler, next func() string) {
	b.Helper()
	servers := [2]*httptest.Server{httptest.NewServer(ours), httptest.NewServer(yardstick)}
	var took [2][]time.Duration
	for i := range servers {
		defer servers[i].Close()
	}
	for b.Loop() {
		body := next()
		for i, server := range servers {
			start := time.Now()
			answer, err := http.Post(server.URL+"/api/v1/verify", "application/json", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
				b.Fatal(answer.Status, err)
			}
			answer.Body.Close()
			took[i] = append(took[i], time.Since(start))
		}
	}
	var mean, p99 [2]float64
	for i := range took {
		slices.Sort(took[i])
		var sum time.Duration
		for _, d := range took[i] {
			sum += d
		}
		mean[i], p99[i] = float64(sum.Microseconds())/float64(len(took[i])), float64(took[i][len(took[i])*99/100].Microseconds())
	}
	b.ReportMetric(mean[1]/mean[0], "of-yardstick")
	for i, name := range []string{"ours", "yardstick"} {
		b.ReportMetric(mean[i], fmt.Sprintf("µs-%s", name))
		b.ReportMetric(p99[i], fmt.Sprintf("p99-µs-%s", name))
	}
}
