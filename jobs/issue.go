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

// Issuer issues codes to graded enterprises. The intent is stored before anything is signed, and what is signed is compared with it first, so
// a crash leaves no code that the register does not know.
type Issuer struct {
	DB     *schema.DB
	Signer credential.Signer
	Clock  func() time.Time

	reached func(step string) // called between two steps; tests kill the process there
}

// The steps of issuing a code. After stepSigned a code may exist in the world.
const (
	stepWanted   = "wanted"   // its owner is known and graded
	stepIntended = "intended" // its place is stored
	stepRead     = "read"     // the intent was read back
	stepPrepared = "prepared" // its bytes were found good
	stepSigned   = "signed"   // signed and verified
	stepStored   = "stored"
)

func (s *Issuer) at(step string) {
	if s.reached != nil {
		s.reached(step)
	}
}

// ErrNotGraded says that an enterprise has no assessment yet, so that there is nothing to put into a code.
var ErrNotGraded = errors.New("the enterprise has no grade yet: run healthcode recompute first")

// ErrSuspended says that an enterprise has a suspended code: a new one would go around that. It is resumed or revoked first.
var ErrSuspended = errors.New("the enterprise has a suspended code of this form: resume or revoke it first")

// Issue issues one code with the current grade. ErrNotGraded when there is none, ErrSuspended; schema.ErrNotFound for an unknown enterprise. For
// FormScreen it takes a new place when the old one was revoked.
func (s *Issuer) Issue(ctx context.Context, code registry.USCC, form credential.Form) (credential.Issued, error) {
	if form == credential.FormScreen {
		shown, err := s.screen(ctx, code, true)
		if err == nil && shown.Status != schema.CodeValid {
			err = ErrSuspended
		}
		return shown.Issued, err
	}
	codes, err := s.DB.CodesOf(ctx, code)
	if err != nil {
		return credential.Issued{}, fmt.Errorf("look at earlier codes: %w", err)
	}
	for i := range codes {
		if codes[i].Status == schema.CodeSuspended && codes[i].Form == string(form) && codes[i].ExpiresAt.After(s.Clock()) {
			return credential.Issued{}, fmt.Errorf("%w: code %d", ErrSuspended, codes[i].Index)
		}
	}
	return s.issue(ctx, code, form, func(c schema.Code) error { return s.DB.SaveCode(ctx, c) })
}

// issue goes through all steps; save is the last one.
func (s *Issuer) issue(ctx context.Context, code registry.USCC, form credential.Form, save func(schema.Code) error) (credential.Issued, error) {
	s, err := s.pinned(ctx)
	if err != nil {
		return credential.Issued{}, err
	}
	if err := s.wanted(ctx, code); err != nil {
		return credential.Issued{}, err
	}
	s.at(stepWanted)
	index, err := s.DB.ReserveIndex(ctx, code, s.kid(), string(form))
	if err != nil {
		return credential.Issued{}, fmt.Errorf("reserve a place for the code: %w", err)
	}
	s.at(stepIntended)
	signed, err := s.signAll(ctx, code, code, []uint32{index})
	if err != nil {
		return credential.Issued{}, err
	}
	if err := save(stored(&signed[0], form)); err != nil {
		return credential.Issued{}, fmt.Errorf("store the code: %w", err)
	}
	s.at(stepStored)
	return signed[0], nil
}

// wanted refuses an enterprise that is not registered or not graded.
func (s *Issuer) wanted(ctx context.Context, code registry.USCC) error {
	if _, err := s.DB.Enterprise(ctx, code); err != nil {
		return fmt.Errorf("find enterprise %s: %w", code, err)
	}
	_, err := s.DB.Assessment(ctx, code)
	if errors.Is(err, schema.ErrNotFound) {
		return ErrNotGraded
	}
	if err != nil {
		return fmt.Errorf("find the grade of %s: %w", code, err)
	}
	return nil
}

// pinned returns an issuer whose key stays the same while one code, or one range of them, is issued.
func (s *Issuer) pinned(ctx context.Context) (*Issuer, error) {
	signer, err := pinned(ctx, s.Signer)
	if err != nil {
		return nil, fmt.Errorf("find the key that signs: %w", err)
	}
	one := *s
	one.Signer = signer
	return &one, nil
}

func (s *Issuer) kid() string { return s.Signer.PublicKey().ID() }

// signAll reads the intents of enterprises between two codes back and signs them.
func (s *Issuer) signAll(ctx context.Context, from, to registry.USCC, indexes []uint32) ([]credential.Issued, error) {
	intents, err := s.DB.CodeIntents(ctx, from, to, indexes)
	if err != nil {
		return nil, fmt.Errorf("read what is to be signed: %w", err)
	}
	s.at(stepRead)
	signed := make([]credential.Issued, len(intents))
	for i := range intents {
		if signed[i], err = s.sign(&intents[i]); err != nil {
			return nil, fmt.Errorf("sign the code of %s: %w", intents[i].USCC, err)
		}
		s.at(stepSigned)
	}
	return signed, nil
}

func (s *Issuer) sign(i *schema.CodeIntent) (credential.Issued, error) {
	prepared, err := credential.Prepare(s.Signer, credential.Intent{USCC: i.USCC, KeyID: i.KID, Form: credential.Form(i.Form), Index: i.Index,
		Tier: i.Tier, Colour: i.Colour, Model: i.Model}, s.Clock())
	if err != nil {
		return credential.Issued{}, err
	}
	s.at(stepPrepared)
	return credential.SignPrepared(s.Signer, prepared)
}

// stored is the row of an issued code. That of a place of screen codes has no end.
func stored(i *credential.Issued, form credential.Form) schema.Code {
	c := &i.Code
	row := schema.Code{Index: c.Index, USCC: c.USCC, KID: c.KeyID(), Form: string(form), IssuedAt: c.Issued(), ExpiresAt: c.Expires(), Tier: c.Tier,
		Colour: c.Colour, Model: int(c.Model), JWT: i.JWT}
	if form == credential.FormScreen {
		row.ExpiresAt = time.Time{}
	}
	return row
}
