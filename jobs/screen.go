package jobs

import (
	"context"
	"errors"
	"fmt"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// ScreenCode is the code that an enterprise shows on a screen right now.
type ScreenCode struct {
	Status schema.CodeStatus // of the place that all its screen codes share
	Issued credential.Issued // empty unless the status is valid
}

// Screen signs a screen code with the current grade. All of an enterprise's share one place in the lists, so renewing uses none up. When the place is
// suspended or revoked nothing is signed. Errors as those of Issue.
func (s *Issuer) Screen(ctx context.Context, code registry.USCC) (ScreenCode, error) {
	return s.screen(ctx, code, false)
}

// screen takes a new place in spite of a revocation when again is set.
func (s *Issuer) screen(ctx context.Context, code registry.USCC, again bool) (ScreenCode, error) {
	s, err := s.pinned(ctx)
	if err != nil {
		return ScreenCode{}, err
	}
	if err := s.wanted(ctx, code); err != nil {
		return ScreenCode{}, err
	}
	s.at(stepWanted)
	place, err := s.DB.ScreenPlace(ctx, code, s.kid(), again)
	if err != nil {
		return ScreenCode{}, fmt.Errorf("find the place of screen codes: %w", err)
	}
	if place.Status != schema.CodeValid {
		return ScreenCode{Status: place.Status}, nil
	}
	s.at(stepIntended)
	signed, err := s.signAll(ctx, code, code, []uint32{place.Index})
	if err != nil {
		return ScreenCode{}, err
	}
	if place.State == schema.CodeIntended {
		if err := s.opened(ctx, &signed[0]); err != nil {
			return ScreenCode{}, err
		}
	}
	s.at(stepStored)
	return ScreenCode{Issued: signed[0]}, nil
}

// opened notes that a place is in use now, before its first code is shown. Another process may have done so meanwhile.
func (s *Issuer) opened(ctx context.Context, first *credential.Issued) error {
	row := stored(first, credential.FormScreen)
	err := s.DB.SaveCode(ctx, row)
	if errors.Is(err, schema.ErrConflict) {
		now, found := s.DB.CodeOf(ctx, row.USCC, row.Index)
		if found == nil && now.State == schema.CodeIssued && now.Status == schema.CodeValid {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("store the place of screen codes: %w", err)
	}
	return nil
}
