package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"time"

	"github.com/pquerna/otp/totp"
)

// totpStep is how long a code of the second factor lives (RFC 6238); one step to either side is taken, for clocks that differ.
const totpStep = 30

// NewTOTP returns a new secret of 160 bits in base32 (RFC 4226 section 4).
func NewTOTP() string {
	var secret [20]byte
	rand.Read(secret[:]) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret[:])
}

// TOTPLink returns the otpauth URI that authenticator apps read from a QR code.
func TOTPLink(issuer, login, secret string) string {
	values := url.Values{"secret": {secret}, "issuer": {issuer}}
	return (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + login, RawQuery: values.Encode()}).String()
}

// CheckTOTP reports whether a code is that of the secret at now and later than the step that was used last: a code counts once. It
// returns the step to remember.
func CheckTOTP(secret, code string, now time.Time, lastStep int64) (step int64, ok bool, err error) {
	if len(code) != 6 {
		return lastStep, false, nil
	}
	current := now.Unix() / totpStep
	for step := current - 1; step <= current+1; step++ {
		want, err := totp.GenerateCode(secret, time.Unix(step*totpStep, 0).UTC())
		if err != nil {
			return lastStep, false, fmt.Errorf("compute the second factor: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > lastStep {
			return step, true, nil
		}
	}
	return lastStep, false, nil
}
