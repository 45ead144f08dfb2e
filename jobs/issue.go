package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// Issuer issues codes to graded enterprises. The intent is stored before anything is signed, so a crash leaves no code that the
// register does not know.
type Issuer struct {
	DB     *schema.DB
	Signer credential.Signer
	Clock  func() time.Time
}

// ErrNotGraded says that an enterprise has no assessment yet, so that there is nothing to put into a code.
var ErrNotGraded = errors.New("the enterprise has no grade yet: run healthcode recompute first")

// lifetimes holds how long a code of each form lives.
var lifetimes = map[credential.Form]credential.Lifetime{
	credential.FormPrinted: credential.PrintedLifetime,
	credential.FormJWT:     credential.PrintedLifetime,
	credential.FormScreen:  credential.ScreenLifetime,
}

// Issue issues one code with the current grade. ErrNotGraded when there is none; schema.ErrNotFound for an unknown enterprise.
func (s *Issuer) Issue(ctx context.Context, code registry.USCC, form credential.Form) (credential.Issued, error) {
	need, err := s.need(ctx, code)
	if err != nil {
		return credential.Issued{}, err
	}
	index, err := s.DB.ReserveIndex(ctx, code, s.kid(), string(form))
	if err != nil {
		return credential.Issued{}, fmt.Errorf("reserve a place for the code: %w", err)
	}
	issued, err := s.sign(need, form, index)
	if err != nil {
		return credential.Issued{}, err
	}
	if err := s.DB.SaveCode(ctx, stored(&issued, form)); err != nil {
		return credential.Issued{}, fmt.Errorf("store the code: %w", err)
	}
	return issued, nil
}

func (s *Issuer) need(ctx context.Context, code registry.USCC) (schema.CodeNeed, error) {
	if _, err := s.DB.Enterprise(ctx, code); err != nil {
		return schema.CodeNeed{}, fmt.Errorf("find enterprise %s: %w", code, err)
	}
	a, err := s.DB.Assessment(ctx, code)
	if errors.Is(err, schema.ErrNotFound) {
		return schema.CodeNeed{}, ErrNotGraded
	}
	if err != nil {
		return schema.CodeNeed{}, fmt.Errorf("find the grade of %s: %w", code, err)
	}
	return schema.CodeNeed{USCC: code, Tier: a.Tier, Colour: a.Colour, Model: a.Model.Version}, nil
}

func (s *Issuer) kid() string { return s.Signer.PublicKey().ID() }

func (s *Issuer) sign(need schema.CodeNeed, form credential.Form, index uint32) (credential.Issued, error) {
	at, err := credential.UnixSeconds(s.Clock())
	if err != nil {
		return credential.Issued{}, fmt.Errorf("date the code: %w", err)
	}
	issued, err := credential.Issue(s.Signer, credential.Code{USCC: need.USCC, IssuedAt: at, Lifetime: lifetimes[form], Tier: need.Tier,
		Colour: need.Colour, Model: uint16(need.Model), Index: index})
	if err != nil {
		return credential.Issued{}, fmt.Errorf("sign the code of %s: %w", need.USCC, err)
	}
	return issued, nil
}

// stored is the row of an issued code.
func stored(i *credential.Issued, form credential.Form) schema.Code {
	c := &i.Code
	return schema.Code{Index: c.Index, USCC: c.USCC, KID: c.KeyID(), Form: string(form), IssuedAt: c.Issued(), ExpiresAt: c.Expires(), Tier: c.Tier,
		Colour: c.Colour, Model: int(c.Model), JWT: i.JWT}
}
