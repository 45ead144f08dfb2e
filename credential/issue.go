package credential

import (
	"errors"
	"fmt"
)

// Issued is one signature in its three forms.
type Issued struct {
	Code   Code
	JWT    string // for machines
	Digits string // packed, 220 digits
	URL    string // issuer + "/v/" + Digits: what the QR code carries
}

// ErrNotIssued means that what was signed did not pass its own verification. Nothing was handed out.
var ErrNotIssued = errors.New("the code did not verify after signing and was not issued")

// Issue signs a code. Version and Key are set here; when they are given they must be those of the signer. Before a code leaves it
// goes the way of every scanned code: parsed from its URL, unpacked, rebuilt and verified with the public key. So a fault of
// memory, of a driver or of this package costs a code, never a wrong one.
func Issue(signer Signer, c Code) (Issued, error) {
	issued, err := sign(signer, c)
	if err != nil {
		return Issued{}, err
	}
	if err := issued.check(signer.PublicKey()); err != nil {
		return Issued{}, fmt.Errorf("%w: %w", ErrNotIssued, err)
	}
	return issued, nil
}

func sign(signer Signer, c Code) (Issued, error) {
	key := signer.PublicKey()
	if c.Version == 0 {
		c.Version = Version1
	}
	if c.Key == 0 {
		c.Key = key.Number
	}
	if c.Key != key.Number {
		return Issued{}, fmt.Errorf("%w: it names key %d, the signer is key %d", ErrCode, c.Key, key.Number)
	}
	if err := c.Check(); err != nil {
		return Issued{}, err
	}
	if err := CheckIssuer(key.Issuer); err != nil { // a Signer of another kind may not have checked it
		return Issued{}, err
	}
	return signChecked(signer, key, &c)
}

func signChecked(signer Signer, key *PublicKey, c *Code) (Issued, error) {
	input := signingInput(headerSegment(key), key.Issuer, c)
	signature, err := signer.Sign(input)
	if err != nil {
		return Issued{}, fmt.Errorf("sign code: %w", err)
	}
	packed, err := Pack(c, &signature)
	if err != nil {
		return Issued{}, fmt.Errorf("pack code: %w", err)
	}
	digits := packed.Digits()
	return Issued{*c, withSignature(input, &signature), digits, key.Issuer + codePath + digits}, nil
}

// check verifies by the path of a scanned code and compares every byte with what was meant.
func (i *Issued) check(key *PublicKey) error {
	shown, err := readText(i.URL)
	if err != nil {
		return err
	}
	member := newMember(key)
	token := shown.tokenFor(member)
	if token != i.JWT || shown.code != i.Code {
		return errors.New("the packed form holds another token")
	}
	code, err := member.open(token)
	if err != nil {
		return err
	}
	if code != i.Code {
		return errors.New("the token says something else")
	}
	return nil
}
