package api

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestServeRefusesOtherMachines(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]string{"everything": ":0", "all of IPv4": "0.0.0.0:0", "all of IPv6": "[::]:0", "private": "10.1.2.3:0", "a name": "example.org:0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Serve(t.Context(), Listening{Address: listen}, http.NotFoundHandler(), slog.New(slog.DiscardHandler), func(net.Addr) { t.Error("it listens") })
			if !errors.Is(err, ErrNotLoopback) {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, listen := range map[string]string{"nothing": "", "no port": "127.0.0.1", "no such port": "127.0.0.1:99999"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Serve(t.Context(), Listening{Address: listen}, http.NotFoundHandler(), slog.New(slog.DiscardHandler), nil); err == nil {
				t.Error("it served")
			}
		})
	}
}

func TestServeSaysThatThePortIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := Serve(t.Context(), Listening{Address: taken.Addr().String()}, http.NotFoundHandler(), slog.New(slog.DiscardHandler), nil); err == nil {
		t.Error("it served on a port that is taken")
	}
}

// A request under way is finished when the service is stopped; then nobody listens any more.
func TestServeStopsGracefully(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "whole")
	})
	ctx, stop := context.WithCancel(t.Context())
	address, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		served <- Serve(ctx, Listening{Address: "127.0.0.1:0"}, handler, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a })
	}()
	at := (<-address).String()
	answered := make(chan string, 1)
	go func() { answered <- fetch(t, "http://"+at) }()
	<-begun
	stop()
	close(finish)
	if got := <-answered; got != "whole" {
		t.Errorf("got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("got %v", err)
	}
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(t.Context(), "tcp", at); err == nil {
		conn.Close()
		t.Error("somebody still listens")
	}
}

// With a certificate other machines may come, by TLS 1.2 and newer; behind a proxy the proxy's certificate counts.
func TestServeBeyondThisMachine(t *testing.T) {
	t.Parallel()
	lent := httptest.NewTLSServer(nil) // its certificate is what we want
	defer lent.Close()
	roots := lent.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, c := range map[string]struct {
		listening Listening
		newest    uint16
		want      bool
	}{
		"by TLS 1.3":     {Listening{Address: "0.0.0.0:0", Certificate: &lent.TLS.Certificates[0]}, tls.VersionTLS13, true},
		"by TLS 1.2":     {Listening{Address: "0.0.0.0:0", Certificate: &lent.TLS.Certificates[0]}, tls.VersionTLS12, true},
		"by TLS 1.1":     {Listening{Address: "0.0.0.0:0", Certificate: &lent.TLS.Certificates[0]}, tls.VersionTLS11, false},
		"behind a proxy": {Listening{Address: "0.0.0.0:0", BehindProxy: true}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			address, served := make(chan net.Addr, 1), make(chan error, 1)
			handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "whole") })
			go func() {
				served <- Serve(ctx, c.listening, handler, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a })
			}()
			_, port, err := net.SplitHostPort((<-address).String())
			if err != nil {
				t.Fatal(err)
			}
			scheme, transport := "http", &http.Transport{DisableKeepAlives: true}
			if c.newest != 0 {
				scheme = "https"
				transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: c.newest} //nolint:gosec // what old clients offer
			}
			if got := fetchBy(t, &http.Client{Transport: transport}, scheme+"://127.0.0.1:"+port); (got == "whole") != c.want {
				t.Errorf("got %q", got)
			}
			stop()
			if err := <-served; err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHTTPSOnly(t *testing.T) {
	t.Parallel()
	for _, https := range []bool{true, false} {
		d := newDesk(t, func(c *Config) { c.HTTPS = https })
		d.staff(t, "wu", everywhere)
		answer := d.password("wu", rightPassword)
		if strict := answer.Header().Get("Strict-Transport-Security") != ""; strict != https {
			t.Errorf("HTTPS %t: strict transport is %t", https, strict)
		}
		if cookies := answer.Result().Cookies(); len(cookies) != 1 || cookies[0].Secure != https {
			t.Errorf("HTTPS %t: %+v", https, cookies)
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	return fetchBy(t, http.DefaultClient, url)
}

func fetchBy(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	answer, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// Whoever sends a request drop by drop is cut off, before the header is whole and after it, and others are answered meanwhile.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	address := make(chan net.Addr, 1)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	handler := theWorld(t).handler(t, nil)
	go func() {
		served <- Serve(ctx, Listening{Address: "127.0.0.1:0"}, handler, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a })
	}()
	at := (<-address).String()
	var group sync.WaitGroup
	for name, begun := range map[string]string{
		"half a header": "POST /api/v1/verify HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"half a body":   "POST /api/v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{\"code\":\"",
	} {
		group.Go(func() {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, begun); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			answer, err := io.ReadAll(conn) // ends when the server closes
			if err != nil || strings.Contains(string(answer), "200 OK") {
				t.Errorf("%s: %v, %.200s", name, err, answer)
			}
		})
	}
	answer, err := http.Get("http://" + at + "/healthz")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("meanwhile: %v", err)
	} else {
		answer.Body.Close()
	}
	group.Wait()
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
