package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ErrNotLoopback is the reason why Serve refuses an address that other machines could reach.
var ErrNotLoopback = errors.New("this version has no sign-in yet and listens on this machine only: use 127.0.0.1:PORT, [::1]:PORT or localhost:PORT")

// The limits of a connection. A request's own limit, requestTimeout, is shorter than writeTimeout, so that its answer still goes out.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	shutdownTimeout   = 15 * time.Second
)

// Serve answers on listen (HOST:PORT, port 0 takes any) until ctx ends, then finishes the requests under way and returns nil. It calls
// listening with the address that it took. An address that is not loopback is refused with ErrNotLoopback.
func Serve(ctx context.Context, listen string, handler http.Handler, log *slog.Logger, listening func(net.Addr)) error {
	listener, err := listenLocal(ctx, listen)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
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

func listenLocal(ctx context.Context, listen string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", listen, err)
	}
	if !isLoopbackHost(host) {
		return nil, fmt.Errorf("listen on %q: %w", listen, ErrNotLoopback)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", listen, err)
	}
	if !isLoopbackAddress(listener.Addr().String()) { // a name that resolves to something else
		return nil, errors.Join(fmt.Errorf("listen on %q: %w", listen, ErrNotLoopback), listener.Close())
	}
	return listener, nil
}
