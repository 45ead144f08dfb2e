package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// SessionLister lists the sessions of an account, the last seen first.
type SessionLister interface {
	SessionsOf(ctx context.Context, account int64) ([]schema.Session, error)
}

// ErrNoSession is the reason for a session that is not one's own, or has ended.
var ErrNoSession = errors.New("there is no such session")

// errAgain means that the new password was not typed the same twice.
var errAgain = errors.New("the new password is not the same twice")

// sessionID is how much of a session's hash names it on the page.
const sessionID = 16

// purposeOffer binds the sealed secret of a second factor that waits for its first code to its account.
func purposeOffer(account int64) string { return fmt.Sprintf("totp offer %d", account) }

// signedIn returns the account and the session's hash of who is signed in. The operator and partners have none.
func (s *server) signedIn(c *gin.Context) (*schema.Account, string, error) {
	cookie, err := c.Request.Cookie(sessionCookie)
	if err != nil {
		return nil, "", ErrNotSignedIn
	}
	session, account, err := s.sessionOf(c.Request.Context(), cookie.Value)
	switch {
	case err != nil:
		return nil, "", err
	case account == nil || !session.Passed:
		return nil, "", ErrNotSignedIn
	}
	return account, session.Hash, nil
}

// accountPage answers GET /account.
func (s *server) accountPage(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	s.showAccount(c, http.StatusOK, accountNews{})
}

// accountNews is what one's own account shows once: a second factor that waits for its first code, new recovery codes, what was wrong.
type accountNews struct {
	offer    *web.SecondFactorOffer
	recovery []string
	wrong    error
}

// showAccount answers with one's own account and the news of it.
func (s *server) showAccount(c *gin.Context, status int, news accountNews) {
	account, current, err := s.signedIn(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := s.page(c)
	page.Path = "/account" // forms have addresses of their own
	view := web.AccountPage{Page: page, Agency: account.Agency, HasPassword: account.PasswordHash != "", MinPassword: access.MinPassword,
		SecondFactor: account.TOTP != "", Offer: news.offer, Recovery: news.recovery, Problem: accountProblem(page.Lang, news.wrong)}
	for _, grant := range account.Grants {
		right := web.Right{Role: string(grant.Role)}
		if grant.Region != "" {
			if right.Region, err = s.regionName(c.Request.Context(), grant.Region); err != nil {
				s.fail(c, err)
				return
			}
		}
		view.Rights = append(view.Rights, right)
	}
	for _, code := range account.Owns {
		view.Enterprises = append(view.Enterprises, string(code))
	}
	if view.RecoveryLeft, err = s.store.CountRecovery(c.Request.Context(), account.ID); err != nil {
		s.fail(c, err)
		return
	}
	sessions, err := s.store.SessionsOf(c.Request.Context(), account.ID)
	if err != nil {
		s.fail(c, fmt.Errorf("list sessions: %w", err))
		return
	}
	for _, one := range sessions {
		if one.Passed && s.now().Before(one.ExpiresAt) && s.now().Sub(one.SeenAt) <= sessionIdle {
			view.Sessions = append(view.Sessions, web.SessionLine{ID: one.Hash[:sessionID], CreatedAt: one.CreatedAt, SeenAt: one.SeenAt, Current: one.Hash == current})
		}
	}
	uncompressed(c) // it may hold the secret of a second factor
	s.render(c, status, view)
}

// accountProblem says what was wrong on one's own account.
func accountProblem(language web.Language, wrong error) string {
	switch {
	case wrong == nil:
		return ""
	case errors.Is(wrong, access.ErrPasswordLength):
		return web.Term(language, "account_wrong", "length")
	case errors.Is(wrong, access.ErrPasswordSimple):
		return web.Term(language, "account_wrong", "simple")
	case errors.Is(wrong, errAgain):
		return web.Term(language, "account_wrong", "again")
	}
	return problemOf(wrong, language).Title
}

// settle ends a change of one's own account: back to the page, or the page with what the person can mend.
func (s *server) settle(c *gin.Context, offer *web.SecondFactorOffer, err error) {
	for _, mendable := range []error{ErrCredentials, ErrTOTP, access.ErrPasswordLength, access.ErrPasswordSimple, errAgain} {
		if errors.Is(err, mendable) {
			s.showAccount(c, http.StatusUnprocessableEntity, accountNews{offer: offer, wrong: err})
			return
		}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, s.page(c).Link("/account"))
}

// sessionEnded answers POST /account/sessions: one of one's own sessions ends.
func (s *server) sessionEnded(c *gin.Context) {
	form, err := readForm(c.Request, "session")
	if err == nil {
		err = s.endOwnSession(c, form.Get("session"))
	}
	s.settle(c, nil, err)
}

func (s *server) endOwnSession(c *gin.Context, id string) error {
	account, _, err := s.signedIn(c)
	if err != nil {
		return err
	}
	sessions, err := s.store.SessionsOf(c.Request.Context(), account.ID)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, one := range sessions {
		if one.Hash[:sessionID] == id {
			return s.store.EndSession(c.Request.Context(), account.ID, one.Hash)
		}
	}
	return ErrNoSession
}

// passwordChanged answers POST /account/password. All sessions end; a new one begins here.
func (s *server) passwordChanged(c *gin.Context) {
	form, err := readForm(c.Request, "login", "old", "new", "again")
	if err == nil {
		err = s.changePassword(c, form.Get("old"), form.Get("new"), form.Get("again"))
	}
	s.settle(c, nil, err)
}

func (s *server) changePassword(c *gin.Context, old, password, again string) error {
	account, _, err := s.signedIn(c)
	if err != nil {
		return err
	}
	if password != again {
		return errAgain
	}
	if err := access.CheckPassword(password, account.Login); err != nil {
		return err //nolint:wrapcheck // it says what is wrong
	}
	ctx := c.Request.Context()
	if account, err = s.checkPassword(ctx, account.Login, old); err != nil {
		return err
	}
	hash, err := s.newPassword(ctx, "new", password, account.Login)
	if err != nil {
		return err
	}
	if err := s.store.SetPassword(ctx, account.ID, hash, s.now()); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	secret, err := s.begin(ctx, account, true)
	if err == nil {
		s.setCookie(c, sessionCookie, string(secret), sessionLife)
	}
	return err
}

// secondFactor answers POST /account/second-factor: without a code it offers a second factor, with its first code it is there.
func (s *server) secondFactor(c *gin.Context) {
	form, err := readForm(c.Request, "offer", "code")
	if err != nil {
		s.fail(c, err)
		return
	}
	account, _, err := s.signedIn(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	if account.TOTP != "" || account.PasswordHash == "" { // it is there, or belongs where the person signs in
		s.settle(c, nil, nil)
		return
	}
	if form.Get("offer") == "" {
		offer, err := s.offerTOTP(account, access.NewTOTP())
		if err != nil {
			s.fail(c, err)
			return
		}
		s.showAccount(c, http.StatusOK, accountNews{offer: offer})
		return
	}
	offer, err := s.takeTOTP(c.Request.Context(), account, form.Get("offer"), form.Get("code"))
	if err != nil {
		s.settle(c, offer, err)
		return
	}
	s.showRecovery(c, account.ID)
}

// offerTOTP draws a secret. It is kept by nobody but the page until its first code comes.
func (s *server) offerTOTP(account *schema.Account, secret string) (*web.SecondFactorOffer, error) {
	sealed, err := s.Seal.Seal(secret, purposeOffer(account.ID))
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what failed
	}
	svg, err := drawCode(access.TOTPLink("healthcode", account.Login, secret), drawSVG)
	if err != nil {
		return nil, err
	}
	image := template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg)) //nolint:gosec // our own drawing
	return &web.SecondFactorOffer{Image: image, Secret: secret, Sealed: sealed}, nil
}

// takeTOTP turns an offered second factor on when its code is right; else it is offered again.
func (s *server) takeTOTP(ctx context.Context, account *schema.Account, sealed, code string) (*web.SecondFactorOffer, error) {
	secret, err := s.Seal.Open(sealed, purposeOffer(account.ID))
	if errors.Is(err, access.ErrSealed) {
		return nil, badField("offer", "is not one of ours", "what the page sent")
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what failed
	}
	step, ok, err := access.CheckTOTP(secret, strings.TrimSpace(code), s.now(), 0)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what failed
	}
	if !ok {
		offer, err := s.offerTOTP(account, secret)
		return offer, errors.Join(ErrTOTP, err)
	}
	if sealed, err = s.Seal.Seal(secret, purposeTOTP(account.ID)); err != nil {
		return nil, err //nolint:wrapcheck // it says what failed
	}
	if err := s.store.SetTOTP(ctx, account.ID, sealed); err != nil {
		return nil, fmt.Errorf("turn the second factor on: %w", err)
	}
	return nil, s.store.UseTOTP(ctx, account.ID, step)
}

// secondFactorOff answers POST /account/second-factor/off: a code of it takes it away.
func (s *server) secondFactorOff(c *gin.Context) {
	form, err := readForm(c.Request, "code")
	if err != nil {
		s.fail(c, err)
		return
	}
	account, _, err := s.signedIn(c)
	if err == nil && account.TOTP != "" {
		if err = s.checkTOTP(c.Request.Context(), account.ID, form.Get("code")); err == nil {
			err = errors.Join(s.store.SetTOTP(c.Request.Context(), account.ID, ""), s.store.SetRecovery(c.Request.Context(), account.ID, nil))
		}
	}
	s.settle(c, nil, err)
}

// homeOf is where a person begins: the first page, one's enterprise, or one's account.
func homeOf(caller *access.Caller) string {
	switch {
	case caller.Kind == access.Operator || !caller.Regions(access.Reader).Empty():
		return "/"
	case caller.Kind == access.Enterprise && len(caller.Owns) > 0:
		return "/enterprises/" + string(caller.Owns[0])
	}
	return "/account"
}
