//go:build !pkcs11

package signing

import "healthcode/credential"

func openPKCS11(Location, credential.PublicKey) (Signer, error) { return nil, ErrNoDriver }
