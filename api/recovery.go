package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// RecoveryStore keeps what takes the place of a second factor that is lost.
type RecoveryStore interface {
	SetRecovery(ctx context.Context, id int64, hashes []string) error
	UseRecovery(ctx context.Context, id int64, hash string) error
	CountRecovery(ctx context.Context, id int64) (int, error)
}

// checkRecovery uses a recovery code up. A wrong one counts as a failure, as a wrong code of the second factor does.
func (s *server) checkRecovery(ctx context.Context, account *schema.Account, hash string) error {
	err := s.store.UseRecovery(ctx, account.ID, hash)
	if errors.Is(err, schema.ErrNotFound) {
		return errors.Join(ErrTOTP, s.noteFailure(ctx, account))
	}
	if err != nil {
		return fmt.Errorf("use a recovery code: %w", err)
	}
	return nil
}

// newRecovery gives an account new recovery codes, which are shown once.
func (s *server) newRecovery(ctx context.Context, account int64) ([]string, error) {
	codes := access.NewRecoveryCodes()
	hashes := make([]string, len(codes))
	for i, code := range codes {
		hashes[i], _ = access.RecoveryHash(code)
	}
	if err := s.store.SetRecovery(ctx, account, hashes); err != nil {
		return nil, fmt.Errorf("make recovery codes: %w", err)
	}
	return codes, nil
}

// recoveryRenewed answers POST /account/recovery: with a code of the second factor there are new recovery codes, and the old ones end.
func (s *server) recoveryRenewed(c *gin.Context) {
	form, err := readForm(c.Request, "code")
	if err != nil {
		s.fail(c, err)
		return
	}
	account, _, err := s.signedIn(c)
	if err == nil && account.TOTP == "" {
		err = ErrTOTP
	}
	if err == nil {
		err = s.checkTOTP(c.Request.Context(), account.ID, form.Get("code"))
	}
	if err != nil {
		s.settle(c, nil, err)
		return
	}
	s.showRecovery(c, account.ID)
}

// showRecovery answers with new recovery codes on one's own account.
func (s *server) showRecovery(c *gin.Context, account int64) {
	codes, err := s.newRecovery(c.Request.Context(), account)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.showAccount(c, http.StatusOK, accountNews{recovery: codes})
}
