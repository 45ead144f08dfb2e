package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// AccountKeeper adds and changes accounts.
type AccountKeeper interface {
	Accounts(ctx context.Context, f schema.AccountFilter) ([]schema.Account, error)
	AddAccount(ctx context.Context, a schema.Account) (int64, error)
	SetRights(ctx context.Context, id int64, grants []access.Grant, owns []registry.USCC) error
	SetPassword(ctx context.Context, id int64, hash string, at time.Time) error
	SetTOTP(ctx context.Context, id int64, sealed string) error
	DisableAccount(ctx context.Context, id int64, at time.Time) error
}

// ErrNoAccount and ErrAccountTaken are about login names.
var (
	ErrNoAccount    = errors.New("there is no account of this login name")
	ErrAccountTaken = errors.New("the login name is taken")
	ErrOtherKind    = errors.New("an account stays what it is: of staff, of an enterprise or of an agency")
)

// AccountItem is one account as JSON, without anything secret.
type AccountItem struct {
	Login        string          `json:"login"`
	Kind         access.Kind     `json:"kind"`
	Roles        []string        `json:"roles,omitempty"` // ROLE or ROLE:REGION
	Enterprises  []registry.USCC `json:"enterprises,omitempty"`
	Agency       string          `json:"agency,omitempty"`
	SecondFactor bool            `json:"second_factor"`
	CreatedAt    time.Time       `json:"created_at"`
	PasswordAt   time.Time       `json:"password_at"`
	DisabledAt   time.Time       `json:"disabled_at,omitzero"`
}

// NewAccountItem returns what lists show of an account.
func NewAccountItem(a *schema.Account) AccountItem {
	item := AccountItem{Login: a.Login, Kind: a.Kind, Enterprises: a.Owns, Agency: a.Agency, SecondFactor: a.TOTP != "", CreatedAt: a.CreatedAt,
		PasswordAt: a.PasswordAt, DisabledAt: a.DisabledAt}
	for _, grant := range a.Grants {
		item.Roles = append(item.Roles, grant.String())
	}
	return item
}

// Rights are what an account may do, as people write them.
type Rights struct {
	Roles       []string `json:"roles"`
	Enterprises []string `json:"enterprises"`
	Agency      string   `json:"agency"`
}

// Account turns rights into an account that has them; what is wrong is named by its field.
func (r *Rights) Account() (a schema.Account, err error) {
	for _, text := range r.Roles {
		grant, err := access.ParseGrant(text)
		if err != nil {
			return a, badField("roles", err.Error(), "roles such as reader or supervisor:330402")
		}
		a.Grants = append(a.Grants, grant)
	}
	for _, text := range r.Enterprises {
		code, err := readUSCC(text)
		if err != nil {
			return a, within("enterprises", err)
		}
		a.Owns = append(a.Owns, code)
	}
	a.Agency = r.Agency
	if a.Kind, err = access.KindOf(a.Grants, a.Owns, r.Agency); err != nil {
		return a, badField("roles", err.Error(), "roles, or enterprises, or an agency")
	}
	return a, nil
}

// accountBody is what POST /api/v1/accounts takes.
type accountBody struct {
	Login       string   `json:"login"`
	Password    string   `json:"password"`
	Roles       []string `json:"roles"`
	Enterprises []string `json:"enterprises"`
	Agency      string   `json:"agency"`
}

// accountsListed answers GET /api/v1/accounts in the order of the login names.
func (s *server) accountsListed(c *gin.Context) {
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if kind := access.Kind(query.Get("kind")); err == nil && kind != "" && !slices.Contains([]access.Kind{access.Staff, access.Enterprise, access.Agency}, kind) {
		err = badField("kind", "is not known", "one of staff, enterprise, agency")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	found, err := s.store.Accounts(c.Request.Context(), schema.AccountFilter{Kind: access.Kind(query.Get("kind")), After: query.Get("cursor"), Limit: limit + 1})
	if err != nil {
		s.fail(c, fmt.Errorf("list accounts: %w", err))
		return
	}
	page := newList[AccountItem](limit)
	for i := range found {
		if !page.add(NewAccountItem(&found[i]), found[i].Login) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
}

// accountAdded answers POST /api/v1/accounts with 201.
func (s *server) accountAdded(c *gin.Context) {
	var body accountBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	a, err := (&Rights{body.Roles, body.Enterprises, body.Agency}).Account()
	if err == nil {
		err = access.CheckLogin(body.Login)
	}
	if errors.Is(err, access.ErrLogin) {
		err = badField("login", err.Error(), "such as zhang.min")
	}
	if err == nil {
		a.Login = body.Login
		a.PasswordHash, err = s.newPassword(ctx, "password", body.Password, body.Login)
	}
	if err == nil {
		_, err = s.store.AddAccount(ctx, a)
	}
	if errors.Is(err, schema.ErrConflict) {
		err = ErrAccountTaken
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerAccount(c, http.StatusCreated, body.Login)
}

// newPassword hashes a password that may be used; field is where it came from.
func (s *server) newPassword(ctx context.Context, field, password, login string) (string, error) {
	if err := access.CheckPassword(password, login); err != nil {
		return "", badField(field, err.Error(), "12 to 128 characters, such as four plain words")
	}
	done, err := s.attempt(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return access.HashPassword(password) //nolint:wrapcheck // it says what failed
}

func (s *server) answerAccount(c *gin.Context, status int, login string) {
	a, err := s.namedAccount(c.Request.Context(), login)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(status, NewAccountItem(a))
}

func (s *server) namedAccount(ctx context.Context, login string) (*schema.Account, error) {
	a, err := s.store.AccountOf(ctx, login)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoAccount
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

// accountShown answers GET /api/v1/accounts/:login.
func (s *server) accountShown(c *gin.Context) {
	s.answerAccount(c, http.StatusOK, c.Param("login"))
}

// accountChanged answers POST /api/v1/accounts/:login/… : change does it to the account.
func (s *server) accountChanged(change func(c *gin.Context, a *schema.Account) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		a, err := s.namedAccount(c.Request.Context(), c.Param("login"))
		if err == nil {
			err = change(c, a)
		}
		if err != nil {
			s.fail(c, err)
			return
		}
		s.answerAccount(c, http.StatusOK, a.Login)
	}
}

// giveRights replaces the rights of an account by {"roles": …}, {"enterprises": …}.
func (s *server) giveRights(c *gin.Context, a *schema.Account) error {
	var body Rights
	if err := decodeJSON(c.Request, &body); err != nil {
		return err
	}
	if a.Kind == access.Agency {
		return ErrOtherKind
	}
	rights, err := body.Account()
	if err != nil {
		return err
	}
	if rights.Kind != a.Kind {
		return ErrOtherKind
	}
	return s.store.SetRights(c.Request.Context(), a.ID, rights.Grants, rights.Owns)
}

// passwordBody is what POST /api/v1/accounts/:login/password takes.
type passwordBody struct {
	Password string `json:"password" minLength:"12" maxLength:"128"`
}

// givePassword gives an account another password: {"password": "…"}. Its sessions end.
func (s *server) givePassword(c *gin.Context, a *schema.Account) error {
	var body passwordBody
	if err := decodeJSON(c.Request, &body); err != nil {
		return err
	}
	hash, err := s.newPassword(c.Request.Context(), "password", body.Password, a.Login)
	if err != nil {
		return err
	}
	return s.store.SetPassword(c.Request.Context(), a.ID, hash, s.now())
}

// disable ends an account: {}.
func (s *server) disable(c *gin.Context, a *schema.Account) error {
	if err := decodeNothing(c.Request); err != nil {
		return err
	}
	return s.store.DisableAccount(c.Request.Context(), a.ID, s.now())
}

// takeSecondFactor takes away a second factor that its owner lost: {}.
func (s *server) takeSecondFactor(c *gin.Context, a *schema.Account) error {
	if err := decodeNothing(c.Request); err != nil {
		return err
	}
	return s.store.SetTOTP(c.Request.Context(), a.ID, "")
}

// nothing is the body of a step that needs no more words: {}.
type nothing struct{}

// decodeNothing reads an object without members.
func decodeNothing(r *http.Request) error { return decodeJSON(r, &nothing{}) }
