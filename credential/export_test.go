package credential

// What the tests see of the inside.
var (
	AppendHeader     = appendHeader
	AppendPayload    = appendPayload
	LifetimeOf       = lifetimeOf
	ParseKeyFile     = parseKeyFile
	RawFromASN1      = rawFromASN1
	ReserveAndRename = reserveAndRename
	SignUnchecked    = sign
)

const MaxPayload = maxPayload

// Encode is the plain text of a key file.
func (k *Key) Encode() ([]byte, error) { return k.encode() }

// Check is the check that Issue makes before a code leaves.
func (i *Issued) Check(key *PublicKey) error { return i.check(key) }
