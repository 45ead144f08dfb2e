package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"
)

// OIDCConfig says which OpenID provider people may sign in with.
type OIDCConfig struct {
	Issuer      string
	ClientID    string
	Secret      string
	RedirectURL string // https://HOST/login/oidc/callback, as the provider knows it
}

// OIDC signs people in with an OpenID provider: authorization code with PKCE, state and nonce. It is safe for concurrent use.
type OIDC struct {
	config OIDCConfig
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until its description was read
}

// IdentityReader finds accounts by the name that an OpenID provider knows them by.
type IdentityReader interface {
	// AccountElsewhere returns the account of an issuer's subject, or an error that wraps schema.ErrNotFound.
	AccountElsewhere(ctx context.Context, issuer, subject string) (*schema.Account, error)
}

// Why signing in with an OpenID provider failed.
var (
	ErrOIDCConfig   = errors.New("the description of the OpenID provider makes no sense")
	ErrElsewhere    = errors.New("the OpenID provider did not sign anybody in, or it took too long")
	ErrNotLinked    = errors.New("the OpenID provider's account is nobody's here")
	errProviderDown = errors.New("the OpenID provider does not answer")
)

const (
	oidcCookie  = "hc_oidc"
	oidcLife    = 10 * time.Minute // from leaving for the provider until coming back
	oidcTimeout = 8 * time.Second  // for one request to the provider
	purposeOIDC = "oidc"
)

// NewOIDC checks a description. The provider itself is asked when the first person signs in, so that it may start later.
func NewOIDC(c OIDCConfig) (*OIDC, error) {
	for _, address := range []string{c.Issuer, c.RedirectURL} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && isLoopbackHost(u.Host)) {
			return nil, fmt.Errorf("%w: %.100q is no https address", ErrOIDCConfig, address)
		}
	}
	if c.ClientID == "" || c.Secret == "" {
		return nil, fmt.Errorf("%w: client_id or the secret is missing", ErrOIDCConfig)
	}
	return &OIDC{config: c, client: &http.Client{Timeout: oidcTimeout}}, nil
}

// ready reads the provider's description once.
func (o *OIDC) ready(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		// The provider keeps the context for its keys, so it must outlive this request.
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), o.config.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errProviderDown, err)
		}
		o.provider = provider
	}
	return o.provider, &oauth2.Config{ClientID: o.config.ClientID, ClientSecret: o.config.Secret, Endpoint: o.provider.Endpoint(),
		RedirectURL: o.config.RedirectURL, Scopes: []string{oidc.ScopeOpenID}}, nil
}

// departure is what the browser carries, sealed, while a person is at the provider.
type departure struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // PKCE
	Next     string    `json:"next"`
	Until    time.Time `json:"until"`
}

// oidcLeave answers GET /login/oidc: on to the provider.
func (s *server) oidcLeave(c *gin.Context) {
	query, err := readQuery(c.Request, "next", "lang")
	if err == nil && s.OIDC == nil {
		err = ErrNoRoute
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	_, config, err := s.OIDC.ready(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	d := departure{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), ownPath(query.Get("next")), s.now().Add(oidcLife)}
	text, err := json.Marshal(d)
	if err != nil {
		s.fail(c, fmt.Errorf("leave for the provider: %w", err))
		return
	}
	sealed, err := s.Seal.Seal(string(text), purposeOIDC)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.setCookie(c, oidcCookie, sealed, oidcLife)
	c.Redirect(http.StatusSeeOther, config.AuthCodeURL(d.State, oidc.Nonce(d.Nonce), oauth2.S256ChallengeOption(d.Verifier)))
}

// oidcReturn answers GET /login/oidc/callback: back from the provider.
func (s *server) oidcReturn(c *gin.Context) {
	if s.OIDC == nil {
		s.fail(c, ErrNoRoute)
		return
	}
	d, err := s.departed(c)
	s.setCookie(c, oidcCookie, "", 0)
	if err != nil {
		s.fail(c, err)
		return
	}
	token, err := s.OIDC.exchange(c.Request.Context(), d, c.Query("code"), s.now)
	if err != nil {
		s.fail(c, err)
		return
	}
	account, err := s.store.AccountElsewhere(c.Request.Context(), token.Issuer, token.Subject)
	switch {
	case errors.Is(err, schema.ErrNotFound):
		err = ErrNotLinked
	case err == nil && !account.DisabledAt.IsZero():
		err = ErrNotLinked
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.arrive(c, account, d.Next)
}

// departed opens what the browser carried and compares it with what the provider sent back.
func (s *server) departed(c *gin.Context) (d departure, err error) {
	if len(c.Request.URL.RawQuery) > maxQuery {
		return d, ErrElsewhere
	}
	cookie, err := c.Request.Cookie(oidcCookie)
	if err != nil {
		return d, ErrElsewhere
	}
	text, err := s.Seal.Open(cookie.Value, purposeOIDC)
	if err != nil || json.Unmarshal([]byte(text), &d) != nil || !s.now().Before(d.Until) {
		return d, ErrElsewhere
	}
	if subtle.ConstantTimeCompare([]byte(c.Query("state")), []byte(d.State)) != 1 || c.Query("code") == "" {
		return d, ErrElsewhere
	}
	return d, nil
}

// exchange takes the provider's code for a token and checks its signature, issuer, audience, time and nonce.
func (o *OIDC) exchange(ctx context.Context, d departure, code string, now func() time.Time) (*oidc.IDToken, error) {
	provider, config, err := o.ready(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := config.Exchange(oidc.ClientContext(ctx, o.client), code, oauth2.VerifierOption(d.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("%w: %w", ErrElsewhere, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProviderDown, err)
	}
	raw, _ := answer.Extra("id_token").(string)
	token, err := provider.Verifier(&oidc.Config{ClientID: o.config.ClientID, Now: now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: the token does not hold: %w", ErrElsewhere, err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(d.Nonce)) != 1 {
		return nil, fmt.Errorf("%w: the token is of another departure", ErrElsewhere)
	}
	return token, nil
}

// arrive begins the session of who was recognised: a whole one, or one that waits for the account's own second factor.
func (s *server) arrive(c *gin.Context, account *schema.Account, next string) {
	secret, err := s.begin(c.Request.Context(), account, account.TOTP == "")
	if err != nil {
		s.fail(c, err)
		return
	}
	s.arrived(c, secret, account.TOTP != "", next)
}

// arrived sends the session, and the person on: to the code of the second factor, or where they wanted to go.
func (s *server) arrived(c *gin.Context, secret access.Secret, waits bool, next string) {
	s.setCookie(c, sessionCookie, string(secret), sessionLife)
	if waits {
		view := s.signInView(c, next, "")
		view.Code = true
		s.render(c, http.StatusOK, view)
		return
	}
	c.Redirect(http.StatusSeeOther, ownPath(next))
}
