package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestServeRefusesOtherMachines(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]string{"everything": ":0", "all of IPv4": "0.0.0.0:0", "all of IPv6": "[::]:0", "private": "10.1.2.3:0", "a name": "example.org:0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Serve(t.Context(), listen, http.NotFoundHandler(), slog.New(slog.DiscardHandler), func(net.Addr) { t.Error("it listens") })
			if !errors.Is(err, ErrNotLoopback) {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, listen := range map[string]string{"nothing": "", "no port": "127.0.0.1", "no such port": "127.0.0.1:99999"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Serve(t.Context(), listen, http.NotFoundHandler(), slog.New(slog.DiscardHandler), nil); err == nil {
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
	if err := Serve(t.Context(), taken.Addr().String(), http.NotFoundHandler(), slog.New(slog.DiscardHandler), nil); err == nil {
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
		served <- Serve(ctx, "127.0.0.1:0", handler, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a })
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

func fetch(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	answer, err := http.DefaultClient.Do(request)
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
