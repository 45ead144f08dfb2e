package credential

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// PrintedText returns what the QR code of a JWT says: the same signature in the packed form. v is the verdict of Verify about just
// this JWT; one that is not authentic is refused with ErrCode.
func PrintedText(v *Verdict, jwt string) (string, error) {
	if !v.Authentic || v.Form != FormJWT {
		return "", fmt.Errorf("%w: the token is not verified", ErrCode)
	}
	signature, err := base64.RawURLEncoding.DecodeString(jwt[strings.LastIndexByte(jwt, '.')+1:])
	if err != nil || len(signature) != SignatureSize {
		return "", fmt.Errorf("%w: the signature has %d bytes", ErrCode, len(signature))
	}
	number, err := ParseKeyNumber(v.KeyID)
	if err != nil {
		return "", err
	}
	issued, err := UnixSeconds(v.IssuedAt)
	if err != nil {
		return "", err
	}
	lifetime, ok := lifetimeOf(int64(v.ExpiresAt.Sub(v.IssuedAt) / time.Second))
	if !ok {
		return "", fmt.Errorf("%w: no such lifetime", ErrCode)
	}
	packed, err := Pack(&Code{Version: Version1, Key: number, USCC: v.USCC, IssuedAt: issued, Lifetime: lifetime, Tier: v.Tier, Colour: v.Colour,
		Model: v.Model, Index: v.Index}, (*Signature)(signature))
	if err != nil {
		return "", err
	}
	return v.Issuer + codePath + packed.Digits(), nil
}
