package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// AccountReader reads accounts.
type AccountReader interface {
	// AnyAccount reports whether there is an account at all.
	AnyAccount(ctx context.Context) (bool, error)
	// Account returns an account by its number, or an error that wraps schema.ErrNotFound.
	Account(ctx context.Context, id int64) (*schema.Account, error)
	// AccountOf returns an account by its login name in any case, or an error that wraps schema.ErrNotFound.
	AccountOf(ctx context.Context, login string) (*schema.Account, error)
}

// SessionReader finds sessions and notes their use.
type SessionReader interface {
	Session(ctx context.Context, hash string) (*schema.Session, error)
	SeeSession(ctx context.Context, hash string, at time.Time) error
}

// PartnerReader finds the keys of partners and notes their use.
type PartnerReader interface {
	PartnerKey(ctx context.Context, prefix string) (*schema.PartnerKey, error)
	Partner(ctx context.Context, id int64) (*schema.Partner, error)
	UsePartnerKey(ctx context.Context, prefix string, at time.Time) error
}

// Why a caller is not admitted.
var (
	ErrNotSignedIn = errors.New("nobody is signed in")
	ErrForbidden   = errors.New("the caller may not do this")
)

const (
	sessionCookie = "hc_session"
	sessionLife   = 12 * time.Hour   // however busy it is
	sessionIdle   = 30 * time.Minute // without a request
	seenEvery     = time.Minute      // how exactly the last use is kept
)

// headerCaller is where a request keeps its caller, once known.
const headerCaller = "healthcode.caller"

// headerSight is where a request keeps which enterprises its caller sees on its route.
const headerSight = "healthcode.sight"

// sight returns which enterprises the caller sees on this route: none unless admit said so.
func (s *server) sight(c *gin.Context) access.Sight {
	if known, ok := c.Get(headerSight); ok {
		if sight, ok := known.(access.Sight); ok {
			return sight
		}
	}
	return access.Sight{}
}

// bounded guards a route whose address names an enterprise or a code: outside the caller's sight it is not even known to exist.
func (s *server) bounded(route *Route) []gin.HandlerFunc {
	switch {
	case route.Rule.Public:
		return nil
	case strings.Contains(route.Path, "/:uscc"):
		return []gin.HandlerFunc{s.seesEnterprise}
	case strings.Contains(route.Path, "/:idx"):
		return []gin.HandlerFunc{s.seesCode}
	}
	return nil
}

func (s *server) seesEnterprise(c *gin.Context) {
	code, err := readUSCC(c.Param("uscc"))
	if err == nil {
		_, err = s.store.EnterpriseSeen(c.Request.Context(), s.sight(c), code)
	}
	if errors.Is(err, schema.ErrNotFound) {
		err = ErrNoEnterprise
	}
	if err != nil {
		s.fail(c, err)
	}
}

func (s *server) seesCode(c *gin.Context) {
	idx, err := readIndex(c.Param("idx"))
	if err == nil {
		_, err = s.store.CodeSeen(c.Request.Context(), s.sight(c), idx)
	}
	if err != nil {
		s.fail(c, unknownCode(err))
	}
}

// actorOf is who the audit log says that a caller is.
func actorOf(c *gin.Context, caller *access.Caller) schema.Actor {
	return schema.Actor{Kind: string(caller.Kind), ID: caller.ID, Name: caller.Name, RequestID: requestIDOf(c)}
}

// admit guards a route by its rule. A person without a session is led to the sign-in page, one who may not see the first page to their own.
func (s *server) admit(rule access.Rule) gin.HandlerFunc {
	if rule.Public {
		return func(c *gin.Context) { c.Next() }
	}
	return func(c *gin.Context) {
		caller, err := s.caller(c)
		if err == nil && !rule.Admits(caller) {
			err = ErrForbidden
			if caller.Kind == access.Nobody {
				err = ErrNotSignedIn
			}
		}
		switch {
		case err == nil:
			c.Set(headerSight, rule.Sight(caller))
			c.Next()
		case errors.Is(err, ErrNotSignedIn) && c.Request.Method == http.MethodGet && wantsPage(c.Request):
			c.Header("Cache-Control", "no-store")
			c.Redirect(http.StatusSeeOther, "/login?next="+url.QueryEscape(c.Request.URL.RequestURI()))
			c.Abort()
		case errors.Is(err, ErrForbidden) && c.FullPath() == "/" && caller.Kind != access.Partner && wantsPage(c.Request):
			c.Redirect(http.StatusSeeOther, homeOf(caller))
			c.Abort()
		default:
			s.fail(c, err)
		}
	}
}

// caller says who makes a request: a partner by its API key, a person by the session cookie, the machine itself while there is no
// account, or nobody. A key that is not taken is ErrNotSignedIn; a session that has ended is nobody's.
func (s *server) caller(c *gin.Context) (*access.Caller, error) {
	if known, ok := c.Get(headerCaller); ok {
		if caller, ok := known.(*access.Caller); ok {
			return caller, nil
		}
	}
	caller, err := s.identify(c)
	if err == nil {
		c.Set(headerCaller, caller)
		c.Request = c.Request.WithContext(schema.WithActor(c.Request.Context(), actorOf(c, caller))) // on public routes too
	}
	return caller, err
}

func (s *server) identify(c *gin.Context) (*access.Caller, error) {
	ctx := c.Request.Context()
	if given := c.GetHeader("Authorization"); given != "" {
		caller, err := s.partnerOf(c.Request, given, c.ClientIP())
		if err == nil {
			err = s.limitKey(c, caller, 1)
		}
		return caller, err
	}
	if cookie, err := c.Request.Cookie(sessionCookie); err == nil {
		caller, err := s.personOf(ctx, cookie.Value)
		if err != nil || caller.Kind != access.Nobody {
			return caller, err
		}
	}
	if !isLocal(c.Request) {
		return &access.Caller{Kind: access.Nobody}, nil
	}
	accounts, err := s.anyAccount(ctx)
	if err != nil || accounts {
		return &access.Caller{Kind: access.Nobody}, err
	}
	return &access.Caller{Kind: access.Operator, Name: "operator"}, nil
}

// anyAccount remembers that there is an account: accounts are disabled, never removed.
func (s *server) anyAccount(ctx context.Context) (bool, error) {
	if s.hasAccounts.Load() {
		return true, nil
	}
	found, err := s.store.AnyAccount(ctx)
	if err != nil {
		return false, fmt.Errorf("look for accounts: %w", err)
	}
	if found {
		s.hasAccounts.Store(true)
	}
	return found, nil
}

// personOf returns who holds a session's secret. Whatever is wrong with it, nobody does.
func (s *server) personOf(ctx context.Context, secret string) (*access.Caller, error) {
	session, account, err := s.sessionOf(ctx, secret)
	if err != nil || account == nil || !session.Passed {
		return &access.Caller{Kind: access.Nobody}, err
	}
	return account.Caller(), nil
}

// sessionOf returns the session of a secret and its account; nil when there is none, it has ended, or the account is disabled.
func (s *server) sessionOf(ctx context.Context, secret string) (*schema.Session, *schema.Account, error) {
	now := s.now()
	session, err := s.store.Session(ctx, access.Secret(secret).Hash())
	if errors.Is(err, schema.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read session: %w", err)
	}
	if !now.Before(session.ExpiresAt) || now.Sub(session.SeenAt) > sessionIdle {
		return nil, nil, nil
	}
	account, err := s.store.Account(ctx, session.AccountID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the account of a session: %w", err)
	}
	if !account.DisabledAt.IsZero() {
		return nil, nil, nil
	}
	if now.Sub(session.SeenAt) > seenEvery {
		if err := s.store.SeeSession(ctx, session.Hash, now); err != nil {
			return nil, nil, fmt.Errorf("note the use of a session: %w", err)
		}
	}
	return session, account, nil
}

// partnerOf returns the partner whose key stands in an Authorization header.
func (s *server) partnerOf(r *http.Request, header, address string) (*access.Caller, error) {
	ctx := r.Context()
	scheme, text, _ := strings.Cut(header, " ")
	given, ok := access.ParseAPIKey(strings.TrimSpace(text))
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil, ErrNotSignedIn
	}
	key, err := s.store.PartnerKey(ctx, given.Prefix)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNotSignedIn
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of a partner: %w", err)
	}
	partner, err := s.store.Partner(ctx, key.PartnerID)
	if err != nil {
		return nil, fmt.Errorf("read a partner: %w", err)
	}
	now := s.now()
	if !given.Secret.Is(key.Hash) || !key.RevokedAt.IsZero() || !now.Before(key.ExpiresAt) || !partner.DisabledAt.IsZero() || !comesFrom(partner.Addresses, address) ||
		!access.Presents(partner.Certificates, shownCertificate(r)) {
		return nil, ErrNotSignedIn
	}
	if now.Sub(key.UsedAt) > seenEvery {
		if err := s.store.UsePartnerKey(ctx, key.Prefix, now); err != nil {
			return nil, fmt.Errorf("note the use of a key: %w", err)
		}
	}
	return &access.Caller{Kind: access.Partner, ID: partner.ID, Name: partner.Name, Scopes: key.Scopes, Purpose: partner.Purposes, Sources: partner.Sources}, nil
}

// shownCertificate returns the certificate of the client in DER form; nil when it showed none. That the client has its private key is proven by TLS.
func shownCertificate(r *http.Request) []byte {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0].Raw
}

// comesFrom reports whether an address lies in one of the networks; no network means that any does.
func comesFrom(networks []string, address string) bool {
	if len(networks) == 0 {
		return true
	}
	at, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, network := range networks {
		if prefix, err := netip.ParsePrefix(network); err == nil && prefix.Contains(at.Unmap()) {
			return true
		}
	}
	return false
}
