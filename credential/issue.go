package credential

import "errors"

// Issued is one signature in its three forms.
type Issued struct {
	Code   Code
	JWT    string // for machines
	Digits string // packed, 220 digits
	URL    string // issuer + "/v/" + Digits: what the QR code carries
}

// ErrNotIssued means that what was signed did not pass its own verification. Nothing was handed out.
var ErrNotIssued = errors.New("the code did not verify after signing and was not issued")

// Issue prepares and signs a code that no register knows: the intent is the code itself. Version and Key are set here; when they are given they
// must be those of the signer. What is issued in earnest goes through Prepare with the stored intent.
func Issue(signer Signer, c Code) (Issued, error) {
	p, err := prepareAlone(signer, c)
	if err != nil {
		return Issued{}, err
	}
	return SignPrepared(signer, p)
}

func prepareAlone(signer Signer, c Code) (*prepared, error) {
	in := Intent{USCC: c.USCC, KeyID: signer.PublicKey().ID(), Index: c.Index, Tier: c.Tier, Colour: c.Colour, Model: int(c.Model)}
	return prepare(signer, c, &in, c.Lifetime.Seconds(), c.Issued())
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
