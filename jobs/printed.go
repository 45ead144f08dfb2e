package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"healthcode/credential"
	"healthcode/schema"
	"healthcode/web"
)

// ErrNoPrintedCode says that an enterprise has no printed code that is valid now.
var ErrNoPrintedCode = errors.New("no printed code that is valid now: issue one with healthcode code issue")

// Printed is a code that may be printed now, because it verified a moment ago.
type Printed struct {
	Text    string // what the QR code says: https://HOST/v/DIGITS
	Verdict credential.Verdict
}

// NewestPrinted returns the first of an enterprise's codes, newest first, that was issued for print, is not revoked, suspended or
// superseded, and verifies; ErrNoPrintedCode when none does. So nothing is printed that every verifier would refuse: a key may have been
// removed since.
func NewestPrinted(codes []schema.Code, keys *credential.KeySet, now time.Time) (*Printed, error) {
	for i := range codes {
		c := &codes[i]
		if c.State != schema.CodeIssued || c.Form != string(credential.FormPrinted) || c.Status != schema.CodeValid {
			continue
		}
		v := credential.Verify(c.JWT, keys, now)
		if !v.Authentic {
			continue
		}
		text, err := credential.PrintedText(&v, c.JWT)
		if err != nil {
			return nil, fmt.Errorf("pack code: %w", err)
		}
		return &Printed{Text: text, Verdict: v}, nil
	}
	return nil, ErrNoPrintedCode
}

// Sign returns the sign of an enterprise with this code. A code whose issuer is a machine for trials (http://) makes a sample, as
// invented data do.
func (p *Printed) Sign(name string, sample bool) (*web.Sign, error) {
	qr, err := credential.NewBulkQR(p.Text)
	if err != nil {
		return nil, fmt.Errorf("draw code: %w", err)
	}
	v := &p.Verdict
	scheme, host, _ := strings.Cut(v.Issuer, "://")
	return &web.Sign{Name: name, USCC: v.USCC, Tier: v.Tier, Colour: v.Colour, IssuedAt: v.IssuedAt, ExpiresAt: v.ExpiresAt, Host: host, QR: qr,
		Sample: sample || scheme != "https"}, nil
}
