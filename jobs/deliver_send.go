package jobs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"healthcode/access"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// What becomes of an attempt.
const (
	outcomeTaken    = "delivered" // 2xx
	outcomeStatus   = "status"    // any other answer
	outcomeRedirect = "redirect"  // 3xx, which is not followed
	outcomeTimeout  = "timeout"
	outcomeAddress  = "address" // the name leads where requests may not go
	outcomeTLS      = "tls"
	outcomeConnect  = "connect" // anything else before an answer
)

// errAddress is the reason for a connection that was not made.
var errAddress = errors.New("requests to this address are not allowed")

// maxAnswer is how much of an answer is read, in bytes: enough to use the connection again after an ordinary one.
const maxAnswer = 16 << 10

// message is what is sent: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type message struct {
	id         string
	at         time.Time
	body       []byte
	signatures []string
}

// sign adds the signature of a secret of the form whsec_….
func (m *message) sign(secret string) error {
	hook, err := webhooks.NewWebhook(secret)
	if err != nil {
		return fmt.Errorf("read the secret of a webhook: %w", err)
	}
	signature, err := hook.Sign(m.id, m.at, m.body)
	if err != nil {
		return fmt.Errorf("sign a message: %w", err)
	}
	m.signatures = append(m.signatures, signature)
	return nil
}

// answer is what became of an attempt.
type answer struct {
	outcome string
	status  int    // 0: there was no answer
	later   string // the field Retry-After, where the status gives it a meaning
}

// maxRetryAfter bounds what a receiver can ask for: who wants nothing for longer deletes the webhook.
const maxRetryAfter = 24 * time.Hour

// wait is for how long the receiver asks to be left alone: Retry-After (RFC 9110 §10.2.3), in seconds or until a date, at most maxRetryAfter. 0 when it
// asks for nothing that can be read.
func (a *answer) wait(now time.Time) time.Duration {
	if a.later == "" {
		return 0
	}
	if strings.Trim(a.later, "0123456789") == "" {
		seconds, err := strconv.ParseInt(a.later, 10, 32)
		if err != nil { // more than anybody would wait
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(a.later)
	if err != nil {
		return 0
	}
	return max(0, min(until.Sub(now), maxRetryAfter))
}

// sender sends messages. Where a name leads is looked at when the connection is made, on the resolved address: between a check before and the
// connection the name could change.
type sender struct {
	secret, open *http.Client // for https and for http
	timeout      time.Duration
}

// newSender sends by https to public and allowed addresses, by http to allowed ones alone.
func newSender(allowed []netip.Prefix, timeout time.Duration) *sender {
	inner := func(address netip.Addr) bool { return access.Within(allowed, address) }
	return &sender{
		secret:  newClient(func(address netip.Addr) bool { return inner(address) || access.PublicAddress(address) }, timeout),
		open:    newClient(inner, timeout),
		timeout: timeout,
	}
}

func newClient(may func(netip.Addr) bool, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout / 2, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !may(to.Addr()) {
			return errAddress
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{ // no Proxy: it would resolve the name itself
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: timeout / 2, MaxResponseHeaderBytes: maxAnswer, MaxIdleConns: 2 * deliverAtOnce, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *sender) close() {
	s.secret.CloseIdleConnections()
	s.open.CloseIdleConnections()
}

// send makes one attempt.
func (s *sender) send(ctx context.Context, to string, m *message) answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(m.body))
	if err != nil {
		return answer{outcome: outcomeConnect}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "healthcode-webhook/1")
	request.Header.Set(webhooks.HeaderWebhookID, m.id)
	request.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(m.at.Unix(), 10))
	request.Header.Set(webhooks.HeaderWebhookSignature, strings.Join(m.signatures, " "))
	client := s.secret
	if request.URL.Scheme != "https" {
		client = s.open
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{outcome: outcomeOf(err)}
	}
	defer func() { // the status says it all; the rest is read so that the connection can be used again
		_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
		_ = response.Body.Close()
	}()
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return answer{outcome: outcomeTaken, status: response.StatusCode}
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return answer{outcome: outcomeRedirect, status: response.StatusCode}
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable:
		return answer{outcomeStatus, response.StatusCode, response.Header.Get("Retry-After")}
	}
	return answer{outcome: outcomeStatus, status: response.StatusCode}
}

func outcomeOf(err error) string {
	var network *url.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, errAddress):
		return outcomeAddress
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return outcomeTimeout
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return outcomeTLS
	}
	return outcomeConnect
}
