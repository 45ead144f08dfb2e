package signing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"healthcode/credential"
)

const (
	dialTime   = 3 * time.Second
	maxAtOnce  = 8 // connections of one process
	maxMessage = 300
)

// remoteKey is a key that another process holds. It keeps its connections; when the other process was restarted it connects anew.
type remoteKey struct {
	path   string
	public credential.PublicKey
	room   chan struct{}
	idle   chan net.Conn
}

func openRemote(ctx context.Context, l Location) (Signer, error) {
	k := &remoteKey{path: l.Path, room: make(chan struct{}, maxAtOnce), idle: make(chan net.Conn, maxAtOnce)}
	conn, err := k.dial(ctx)
	if err != nil {
		return nil, err
	}
	jwk, err := exchange(conn, askKey, nil)
	if err == nil {
		err = json.Unmarshal(jwk, &k.public)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask for the key: %w", err), conn.Close())
	}
	k.idle <- conn
	return k, nil
}

// PublicKey returns the key of the other process.
func (k *remoteKey) PublicKey() *credential.PublicKey { return &k.public }

// Close closes the connections.
func (k *remoteKey) Close() error {
	var errs []error
	for {
		select {
		case conn := <-k.idle:
			errs = append(errs, conn.Close())
		default:
			return errors.Join(errs...)
		}
	}
}

// Sign asks the other process. ErrRefused when it does not sign such a thing. A connection that has gone stale is replaced once.
func (k *remoteKey) Sign(input string) (credential.Signature, error) {
	k.room <- struct{}{}
	defer func() { <-k.room }()
	signature, err := k.sign(input)
	if err != nil {
		return credential.Signature{}, fmt.Errorf("key %s at %s: %w", k.public.ID(), k.path, err)
	}
	if len(signature) != credential.SignatureSize {
		return credential.Signature{}, fmt.Errorf("key %s at %s: %w: a signature of %d bytes", k.public.ID(), k.path, ErrProtocol, len(signature))
	}
	return credential.Signature(signature), nil
}

func (k *remoteKey) sign(input string) ([]byte, error) {
	select {
	case conn := <-k.idle:
		if signature, err := k.ask(conn, input); !errors.Is(err, errBroken) {
			return signature, err
		}
	default:
	}
	conn, err := k.dial(context.Background()) // bounded by dialTime
	if err != nil {
		return nil, err
	}
	return k.ask(conn, input)
}

// errBroken says that a connection gave no answer: the other process may have been restarted since it was made.
var errBroken = errors.New("the connection to the signer broke")

// ask asks for a signature and keeps the connection if an answer came.
func (k *remoteKey) ask(conn net.Conn, input string) ([]byte, error) {
	signature, err := exchange(conn, askSign, []byte(input))
	if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrFailed) {
		k.idle <- conn
		return signature, err
	}
	return nil, errors.Join(errBroken, err, conn.Close())
}

func (k *remoteKey) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "unix", k.path)
	if err != nil {
		return nil, fmt.Errorf("reach the signer: %w", err)
	}
	return conn, nil
}

// exchange asks one question and returns the answer.
func exchange(conn net.Conn, kind frameKind, content []byte) ([]byte, error) {
	if err := conn.SetDeadline(time.Now().Add(2 * frameTime)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(appendFrame(nil, kind, content)); err != nil {
		return nil, err
	}
	answer, said, err := readFrame(conn, func() {})
	if err != nil {
		return nil, err
	}
	switch answer {
	case answerGood:
		return said, nil
	case answerRefused:
		return nil, fmt.Errorf("%w: %.*s", ErrRefused, maxMessage, said)
	case answerFailed:
		return nil, fmt.Errorf("%w: %.*s", ErrFailed, maxMessage, said)
	}
	return nil, fmt.Errorf("%w: an answer %d", ErrProtocol, answer)
}
