package signing

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"healthcode/credential"
)

const (
	maxClients = 16              // connections at once; more wait
	idleTime   = 5 * time.Minute // without a question, then the connection is closed
)

// Server signs for other processes. It signs nothing but what credential.CheckSignable lets pass: whoever gets hold of the socket
// can make codes as the issuer could, dated now, but nothing else, and never gets the key.
type Server struct {
	Signer  credential.Signer
	Clock   func() time.Time
	Log     *slog.Logger
	Clients []int // user numbers that may connect
}

// Serve answers until ctx ends, then closes every connection and returns nil. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener *Listener) error {
	var clients sync.WaitGroup
	defer clients.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()                                                  // before the wait: it closes their connections
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // Accept tells
	defer stop()
	room := make(chan struct{}, maxClients)
	for {
		room <- struct{}{}
		conn, err := listener.AcceptUnix()
		if ctx.Err() != nil {
			return errors.Join(closeIf(conn), listener.Close())
		}
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		clients.Go(func() {
			s.serve(ctx, conn)
			<-room
		})
	}
}

func closeIf(conn *net.UnixConn) error {
	if conn == nil {
		return nil
	}
	return conn.Close()
}

func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close() // nobody is there to be told
	}()
	user, err := peerUser(conn)
	if err != nil || !slices.Contains(s.Clients, user) {
		s.Log.WarnContext(ctx, "a connection was refused", "user", user)
		return
	}
	for {
		if err := s.answerOne(ctx, conn); err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.EOF) {
				s.Log.WarnContext(ctx, "a connection was closed", "user", user, "error", err.Error())
			}
			return
		}
	}
}

func (s *Server) answerOne(ctx context.Context, conn *net.UnixConn) error {
	if err := conn.SetReadDeadline(time.Now().Add(idleTime)); err != nil {
		return err
	}
	kind, content, err := readFrame(conn, func() { _ = conn.SetReadDeadline(time.Now().Add(frameTime)) }) // a closed one tells when it is read
	if err != nil {
		return err
	}
	answer, said := s.answer(ctx, kind, content)
	if err := conn.SetWriteDeadline(time.Now().Add(frameTime)); err != nil {
		return err
	}
	_, err = conn.Write(appendFrame(nil, answer, said))
	return err
}

func (s *Server) answer(ctx context.Context, kind frameKind, content []byte) (frameKind, []byte) {
	key := s.Signer.PublicKey()
	switch kind {
	case askKey:
		jwk, err := json.Marshal(key)
		if err != nil {
			return answerFailed, []byte(err.Error())
		}
		return answerGood, jwk
	case askSign:
		input := string(content)
		if err := credential.CheckSignable(input, key, s.Clock()); err != nil {
			s.Log.WarnContext(ctx, "refused to sign", "reason", err.Error())
			return answerRefused, []byte(err.Error())
		}
		signature, err := s.Signer.Sign(input)
		if err != nil {
			s.Log.ErrorContext(ctx, "could not sign", "error", err.Error())
			return answerFailed, []byte(err.Error())
		}
		return answerGood, signature[:]
	}
	return answerRefused, []byte("no such question")
}
