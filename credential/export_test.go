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

// What the tests of lists see of the inside.
var (
	Deflate           = deflate
	Inflate           = inflate
	PutValue          = putValue
	ValueAt           = valueAt
	AppendListPayload = func(kind ListKind, issuer string, number, iat, exp, ttl uint32, lst string) string {
		return string(appendListPayload(nil, kind, &listClaims{issuer, number, iat, exp, ttl, lst}))
	}
)

// OpenToken verifies a token of any typ with a key and returns its typ and payload.
func OpenToken(token string, key *PublicKey) (typ string, payload []byte, err error) {
	read, err := readJWS(token, MaxListToken)
	if err != nil {
		return "", nil, err
	}
	return read.typ, read.payload, read.verifyWith(key.Algorithm, key.Material)
}
