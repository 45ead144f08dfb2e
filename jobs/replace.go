package jobs

import (
	"context"
	"fmt"

	"healthcode/credential"
	"healthcode/schema"
)

// Replace issues a code with the current grade in place of another: with schema.StepRenew the old one stays valid to its end, with
// schema.StepSupersede it ends. schema.ErrCodeStep when the old one does not allow it, before anything is signed; otherwise errors as those of
// Issue and schema.ChangeCode.
func (s *Issuer) Replace(ctx context.Context, old uint32, step schema.CodeStep, author, reason string) (credential.Issued, error) {
	before, err := s.DB.Code(ctx, old)
	if err != nil {
		return credential.Issued{}, fmt.Errorf("find code %d: %w", old, err)
	}
	if err := s.DB.CanReplace(ctx, before, step, author, reason); err != nil {
		return credential.Issued{}, err
	}
	return s.issue(ctx, before.USCC, credential.Form(before.Form), func(next schema.Code) error {
		return s.DB.ReplaceCode(ctx, old, step, next, author, reason)
	})
}
