package credential

// What the tests see of the inside.
var (
	AppendHeader     = appendHeader
	AppendPayload    = appendPayload
	LifetimeOf       = lifetimeOf
	Lint             = lint
	ParseKeyFile     = parseKeyFile
	RawFromASN1      = rawFromASN1
	ReserveAndRename = reserveAndRename
)

const MaxPayload = maxPayload

// Encode is the plain text of a key file.
func (k *Key) Encode() ([]byte, error) { return k.encode() }

// SigningInput is what a key signs of a code.
func SigningInput(key *PublicKey, c *Code) string {
	return signingInput(headerSegment(key), key.Issuer, c)
}

// SignUnchecked prepares and signs, and leaves the verification out.
func SignUnchecked(signer Signer, c Code) (Issued, error) {
	p, err := prepareAlone(signer, c)
	if err != nil {
		return Issued{}, err
	}
	return signPrepared(signer, p)
}

// Check is the check that Issue makes before a code leaves.
func (i *Issued) Check(key *PublicKey) error { return i.check(key) }
