package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Listening says where Serve answers and how people reach it.
type Listening struct {
	Address     string           // HOST:PORT; port 0 takes any
	Certificate *tls.Certificate // nil: plain HTTP
	BehindProxy bool             // a proxy that is trusted (Config.TrustedProxies) speaks HTTPS for us
}

// Beyond reports whether other machines could reach the address.
func (l *Listening) Beyond() bool {
	host, _, err := net.SplitHostPort(l.Address)
	return err == nil && !isLoopbackHost(host)
}

// HTTPS reports whether people come by HTTPS.
func (l *Listening) HTTPS() bool { return l.Certificate != nil || l.BehindProxy }

// ErrNotLoopback is the reason why Serve refuses an address that other machines could reach in the clear.
var ErrNotLoopback = errors.New("passwords and codes would cross the network in the clear: give a certificate, or stand behind a proxy that has one, or use 127.0.0.1:PORT, [::1]:PORT or localhost:PORT")

// The limits of a connection. A request's own limit, requestTimeout, is shorter than writeTimeout, so that its answer still goes out.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	shutdownTimeout   = 15 * time.Second
)

// Serve answers until ctx ends, then finishes the requests under way and returns nil. It calls listening with the address that it took. An
// address beyond this machine is refused with ErrNotLoopback unless people come by HTTPS.
func Serve(ctx context.Context, l Listening, handler http.Handler, log *slog.Logger, listening func(net.Addr)) error {
	listener, err := l.open(ctx)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	serve := srv.Serve
	if l.Certificate != nil {
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*l.Certificate},
			ClientAuth: tls.RequestClientCert} // partners are bound to certificates by their thumbprints, not by who signed them
		serve = func(listener net.Listener) error { return srv.ServeTLS(listener, "", "") }
	}
	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	if listening != nil {
		listening(listener.Addr())
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		return shutdown(ctx, srv, served)
	}
}

func shutdown(ctx context.Context, srv *http.Server, served <-chan error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := srv.Shutdown(limited)
	if err != nil { // some request takes too long: cut it off
		err = errors.Join(fmt.Errorf("stop serving: %w", err), srv.Close())
	}
	if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}

func (l *Listening) open(ctx context.Context) (net.Listener, error) {
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", l.Address, err)
	}
	if !isLoopbackHost(host) && !l.HTTPS() {
		return nil, fmt.Errorf("listen on %q: %w", l.Address, ErrNotLoopback)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", l.Address, err)
	}
	if !isLoopbackAddress(listener.Addr().String()) && !l.HTTPS() { // a name that resolves to something else
		return nil, errors.Join(fmt.Errorf("listen on %q: %w", l.Address, ErrNotLoopback), listener.Close())
	}
	return listener, nil
}
