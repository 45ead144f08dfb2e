package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// SignInStore keeps sessions and what happened when somebody tried to sign in.
type SignInStore interface {
	SessionWriter
	NoteFailure(ctx context.Context, id int64, at time.Time) error
	ForgiveFailures(ctx context.Context, id int64) error
	UseTOTP(ctx context.Context, id, step int64) error
	RecoveryStore
}

// SessionWriter begins and ends sessions.
type SessionWriter interface {
	AddSession(ctx context.Context, s schema.Session) error
	EndSession(ctx context.Context, account int64, hash string) error
	EndSessions(ctx context.Context, account int64) error
	// PruneSessions forgets sessions that expired before now, or were last seen before an instant.
	PruneSessions(ctx context.Context, now, seen time.Time) error
}

// Why nobody was signed in. A wrong name and a wrong password look the same.
var (
	ErrCredentials = errors.New("login name or password is wrong, or the account is locked or disabled")
	ErrTOTP        = errors.New("the code of the second factor is wrong or was used already")
)

// secondFactorLife is how long a password stands alone until the code of the second factor comes.
const secondFactorLife = 5 * time.Minute

// purposeTOTP binds the sealed secret of a second factor to its account.
func purposeTOTP(account int64) string { return fmt.Sprintf("totp %d", account) }

// attempt waits for one of the few places in which passwords and codes are compared: comparing takes 50 ms of a core and 32 MiB. Failures
// are read within, so who sends many guesses at once gets no more of them looked at than there are places.
func (s *server) attempt(ctx context.Context) (done func(), err error) {
	select {
	case s.comparing <- struct{}{}:
		return func() { <-s.comparing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to compare a password: %w", ctx.Err())
	}
}

// checkPassword returns the account of a login name when the password is right.
func (s *server) checkPassword(ctx context.Context, login, password string) (*schema.Account, error) {
	done, err := s.attempt(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	account, err := s.store.AccountOf(ctx, login)
	if errors.Is(err, schema.ErrNotFound) {
		account, err = &schema.Account{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	if s.locked(account) {
		return nil, ErrCredentials
	}
	fits, err := access.PasswordFits(password, account.PasswordHash)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what failed
	}
	if fits && account.DisabledAt.IsZero() {
		return account, nil
	}
	return nil, errors.Join(ErrCredentials, s.noteFailure(ctx, account))
}

// locked reports whether an account failed so often that another attempt is not looked at yet.
func (s *server) locked(account *schema.Account) bool {
	return s.now().Before(access.LockedUntil(account.Failures, account.FailedAt))
}

func (s *server) noteFailure(ctx context.Context, account *schema.Account) error {
	if account.ID == 0 { // nobody's
		return nil
	}
	if err := s.store.NoteFailure(ctx, account.ID, s.now()); err != nil {
		return fmt.Errorf("note a failed sign-in: %w", err)
	}
	return nil
}

// asAccount makes what follows an account's own doing: it has proved who it is.
func asAccount(ctx context.Context, account *schema.Account) context.Context {
	actor := schema.Actor{Kind: string(account.Kind), ID: account.ID, Name: account.Login, RequestID: schema.ActorOf(ctx).RequestID}
	return schema.WithActor(ctx, actor)
}

// begin starts a session: a whole one, or one that still waits for the second factor.
func (s *server) begin(ctx context.Context, account *schema.Account, passed bool) (access.Secret, error) {
	ctx = asAccount(ctx, account)
	secret, now := access.NewSecret(), s.now()
	life := sessionLife
	if !passed {
		life = secondFactorLife
	}
	session := schema.Session{Hash: secret.Hash(), AccountID: account.ID, Passed: passed, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(life)}
	if err := s.store.PruneSessions(ctx, now, now.Add(-sessionIdle)); err != nil {
		return "", fmt.Errorf("forget old sessions: %w", err)
	}
	if err := s.store.AddSession(ctx, session); err != nil {
		return "", fmt.Errorf("begin session: %w", err)
	}
	if passed {
		if err := s.store.ForgiveFailures(ctx, account.ID); err != nil {
			return "", fmt.Errorf("forget failed sign-ins: %w", err)
		}
	}
	return secret, nil
}

// checkTOTP takes a code of the second factor, or a recovery code in its place, once.
func (s *server) checkTOTP(ctx context.Context, id int64, code string) error {
	done, err := s.attempt(ctx)
	if err != nil {
		return err
	}
	defer done()
	account, err := s.store.Account(ctx, id)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	if s.locked(account) {
		return ErrTOTP
	}
	if hash, ok := access.RecoveryHash(code); ok {
		return s.checkRecovery(ctx, account, hash)
	}
	secret, err := s.Seal.Open(account.TOTP, purposeTOTP(account.ID))
	if err != nil {
		return fmt.Errorf("open the second factor of account %d: %w", account.ID, err)
	}
	step, ok, err := access.CheckTOTP(secret, code, s.now(), account.TOTPStep)
	if err != nil {
		return err //nolint:wrapcheck // it says what failed
	}
	if ok {
		err = s.store.UseTOTP(ctx, account.ID, step)
	}
	switch {
	case ok && err == nil:
		return nil
	case err != nil && !errors.Is(err, schema.ErrConflict):
		return fmt.Errorf("use a code of the second factor: %w", err)
	}
	return errors.Join(ErrTOTP, s.noteFailure(ctx, account))
}

// signInPage answers GET /login.
func (s *server) signInPage(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "next")
	if err != nil {
		s.fail(c, err)
		return
	}
	s.render(c, http.StatusOK, s.signInView(c, query.Get("next"), ""))
}

func (s *server) signInView(c *gin.Context, next, problem string) web.SignInPage {
	view := web.SignInPage{Page: s.page(c), Next: ownPath(next), Problem: problem, Elsewhere: s.OIDC != nil}
	if s.Demo && isLocal(c.Request) {
		view.DemoAccounts = s.DemoAccounts
	}
	return view
}

// ownPath returns a path of this site, so that a link to the sign-in page cannot lead elsewhere afterwards.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return "/"
	}
	return next
}

// signIn answers POST /login: name and password, then, where the account has one, the code of its second factor.
func (s *server) signIn(c *gin.Context) {
	form, err := readForm(c.Request, "login", "password", "code", "next", "demo")
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx, next := c.Request.Context(), form.Get("next")
	var secret access.Secret
	var waits bool
	switch {
	case form.Get("demo") != "":
		secret, err = s.signInDemo(c, form.Get("demo"))
	case form.Get("code") != "":
		secret, err = s.signInCode(ctx, c.Request, form.Get("code"))
	default:
		secret, waits, err = s.signInPassword(ctx, form.Get("login"), form.Get("password"))
	}
	if errors.Is(err, ErrCredentials) || errors.Is(err, ErrTOTP) {
		view := s.signInView(c, next, problemOf(err, s.page(c).Lang).Code)
		view.Code = errors.Is(err, ErrTOTP)
		s.render(c, http.StatusUnauthorized, view)
		return
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.arrived(c, secret, waits, next)
}

func (s *server) signInPassword(ctx context.Context, login, password string) (access.Secret, bool, error) {
	account, err := s.checkPassword(ctx, login, password)
	if err != nil {
		return "", false, err
	}
	waits := account.TOTP != ""
	secret, err := s.begin(ctx, account, !waits)
	return secret, waits, err
}

// signInCode exchanges a session that waits for its second factor for a whole one.
func (s *server) signInCode(ctx context.Context, r *http.Request, code string) (access.Secret, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", ErrCredentials
	}
	session, account, err := s.sessionOf(ctx, cookie.Value)
	if err != nil {
		return "", err
	}
	if account == nil || session.Passed {
		return "", ErrCredentials
	}
	if err := s.checkTOTP(ctx, account.ID, code); err != nil {
		return "", err
	}
	if err := s.store.EndSession(asAccount(ctx, account), account.ID, session.Hash); err != nil {
		return "", fmt.Errorf("end the waiting session: %w", err)
	}
	return s.begin(ctx, account, true)
}

// signInDemo signs in to an account of the demo with one click: its data are invented and the request comes from this machine.
func (s *server) signInDemo(c *gin.Context, login string) (access.Secret, error) {
	if !s.Demo || !isLocal(c.Request) {
		return "", ErrCredentials
	}
	for _, one := range s.DemoAccounts {
		if one.Login != login {
			continue
		}
		account, err := s.store.AccountOf(c.Request.Context(), login)
		if err != nil {
			return "", fmt.Errorf("read the account of the demo: %w", err)
		}
		return s.begin(c.Request.Context(), account, true)
	}
	return "", ErrCredentials
}

// signOut answers POST /logout.
func (s *server) signOut(c *gin.Context) {
	if cookie, err := c.Request.Cookie(sessionCookie); err == nil {
		session, err := s.store.Session(c.Request.Context(), access.Secret(cookie.Value).Hash())
		if err == nil {
			err = s.endHeld(c.Request.Context(), session)
		}
		if err != nil && !errors.Is(err, schema.ErrNotFound) {
			s.fail(c, fmt.Errorf("end session: %w", err))
			return
		}
	}
	s.setCookie(c, sessionCookie, "", 0)
	c.Redirect(http.StatusSeeOther, "/login")
}

// endHeld ends the session whose secret a browser holds.
func (s *server) endHeld(ctx context.Context, session *schema.Session) error {
	account, err := s.store.Account(ctx, session.AccountID)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what failed
	}
	return s.store.EndSession(asAccount(ctx, account), account.ID, session.Hash) //nolint:wrapcheck // the caller says what failed
}

// setCookie gives the browser what it sends back to us and to nobody else; a life of 0 takes it away.
func (s *server) setCookie(c *gin.Context, name, value string, life time.Duration) {
	seconds := int(life / time.Second)
	if seconds == 0 {
		seconds = -1 // "Max-Age=0"; net/http sends nothing for 0
	}
	http.SetCookie(c.Writer, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true,
		Secure: s.HTTPS, SameSite: http.SameSiteLaxMode})
}
