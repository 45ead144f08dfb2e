//go:build !pkcs11

package signing_test

import (
	"errors"
	"testing"

	"healthcode/credential"
	"healthcode/signing"
)

func TestWithoutTheTagATokenIsRefusedInWords(t *testing.T) {
	t.Parallel()
	l, err := signing.ParseLocation("pkcs11:token=t;object=o?module-path=/m&pin-source=/p")
	if err != nil {
		t.Fatal(err)
	}
	if signer, err := signing.Open(t.Context(), l, credential.PublicKey{}); !errors.Is(err, signing.ErrNoDriver) || signer != nil {
		t.Errorf("%v", err)
	}
}
