package credential

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

const halfSignature = SignatureSize / 2

// rawFromASN1 turns the ASN.1 form of an ECDSA or SM2 signature, which every crypto.Signer gives, into r and s side by side.
func rawFromASN1(der []byte) ([]byte, error) {
	var point struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &point)
	if err != nil {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	for _, n := range []*big.Int{point.R, point.S} {
		if n.Sign() <= 0 || n.BitLen() > halfSignature*8 {
			return nil, errors.New("read signature: a number is out of range")
		}
	}
	if len(rest) > 0 {
		return nil, errors.New("read signature: bytes left over")
	}
	raw := make([]byte, SignatureSize)
	point.R.FillBytes(raw[:halfSignature])
	point.S.FillBytes(raw[halfSignature:])
	return raw, nil
}

// asn1FromRaw turns r and s side by side into their ASN.1 form. raw has SignatureSize bytes.
func asn1FromRaw(raw []byte) ([]byte, error) {
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:halfSignature]), new(big.Int).SetBytes(raw[halfSignature:])})
}
