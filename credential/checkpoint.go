package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	checkpointType = "audit-checkpoint+jwt"
	// MaxCheckpoint is how long the token of a checkpoint may be.
	MaxCheckpoint = 4096
	// checkpointPath is where an issuer publishes its checkpoints.
	checkpointPath = "/audit/checkpoints/"
	// logHashDigits is how many hexadecimal digits the hash of a line of the log has.
	logHashDigits = 64
)

// ErrCheckpoint means that a text is not a usable checkpoint.
var ErrCheckpoint = errors.New("not a usable checkpoint of the audit log")

// LogPoint is a line of the audit log: its number, and the hash of the chain up to it, 64 small hexadecimal digits. Number 0 is the beginning; its
// hash is all zero.
type LogPoint struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
}

// LogBeginning is the point before the first line.
func LogBeginning() LogPoint {
	return LogPoint{Hash: "0000000000000000000000000000000000000000000000000000000000000000"}
}

func (p LogPoint) check() error {
	if p.Number < 0 || len(p.Hash) != logHashDigits {
		return fmt.Errorf("%w: a line has a number and a hash of %d digits", ErrCheckpoint, logHashDigits)
	}
	for i := range len(p.Hash) {
		if c := p.Hash[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("%w: a hash is of small hexadecimal digits", ErrCheckpoint)
		}
	}
	if p.Number == 0 && p != LogBeginning() {
		return fmt.Errorf("%w: the hash before the first line is all zero", ErrCheckpoint)
	}
	return nil
}

// Checkpoint is a point of the audit log for which an issuer vouches: whoever keeps one notices when what lies before it was rewritten.
type Checkpoint struct {
	LogPoint
	Previous LogPoint // that of the checkpoint before, LogBeginning of the first
	Issuer   string
	KeyID    string
	IssuedAt time.Time // UTC, whole seconds
}

// appendCheckpointPayload writes the payload of a checkpoint. Frozen.
func appendCheckpointPayload(dst []byte, issuer string, issued uint32, at, previous LogPoint) []byte {
	dst = append(append(dst, `{"iss":"`...), issuer...)
	dst = append(append(append(dst, `","sub":"`...), issuer...), checkpointPath...)
	dst = strconv.AppendInt(dst, at.Number, 10)
	dst = strconv.AppendUint(append(dst, `","iat":`...), uint64(issued), 10)
	dst = appendPoint(append(dst, `,"checkpoint":`...), at)
	return append(appendPoint(append(dst, `,"previous":`...), previous), '}')
}

func appendPoint(dst []byte, p LogPoint) []byte {
	dst = strconv.AppendInt(append(dst, `{"number":`...), p.Number, 10)
	dst = append(append(dst, `,"hash":"`...), p.Hash...)
	return append(dst, `"}`...)
}

// SignCheckpoint signs a point of the log that follows another and returns the token. It never expires. What was signed is read again, the way a
// verifier does, before it leaves.
func SignCheckpoint(signer Signer, point, previous LogPoint, at time.Time) (string, error) {
	key := signer.PublicKey()
	issued, err := UnixSeconds(at)
	if err != nil {
		return "", err
	}
	if err := checkPoints(point, previous); err != nil {
		return "", err
	}
	token, err := signJWS(signer, key.ID(), checkpointType, appendCheckpointPayload(nil, key.Issuer, issued, point, previous))
	if err != nil {
		return "", fmt.Errorf("checkpoint %d: %w", point.Number, err)
	}
	keys, err := NewKeySet(*key)
	if err != nil {
		return "", err
	}
	read, err := ParseCheckpoint(token, keys)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotIssued, err)
	}
	if read.LogPoint != point || read.Previous != previous {
		return "", fmt.Errorf("%w: the checkpoint reads otherwise", ErrNotIssued)
	}
	return token, nil
}

func checkPoints(point, previous LogPoint) error {
	if err := errors.Join(point.check(), previous.check()); err != nil {
		return err
	}
	if point.Number <= previous.Number {
		return fmt.Errorf("%w: it lies at or before the one before it", ErrCheckpoint)
	}
	return nil
}

// ParseCheckpoint verifies the token of a checkpoint: header and payload must be those of the template, byte for byte, signed by a key of the set
// that was in use at the iat. Every error wraps ErrCheckpoint; ErrBadSignature and ErrUnknownKey stand within where they fit.
func ParseCheckpoint(token string, keys *KeySet) (*Checkpoint, error) {
	c, err := parseCheckpoint(token, keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return c, nil
}

func parseCheckpoint(token string, keys *KeySet) (*Checkpoint, error) {
	read, err := readJWS(token, MaxCheckpoint)
	if err != nil {
		return nil, err
	}
	if read.typ != checkpointType {
		return nil, fmt.Errorf("its typ is not %s", checkpointType)
	}
	number, err := ParseKeyNumber(read.kid)
	if err != nil {
		return nil, fmt.Errorf("%w: its kid is not a number", ErrUnknownKey)
	}
	return firstKey(read, keys, number, func(key *PublicKey) (*Checkpoint, error) {
		c, err := readCheckpoint(read.payload, key.Issuer)
		if err != nil {
			return nil, err
		}
		if !key.signedAt(c.IssuedAt) {
			return nil, fmt.Errorf("%w: key %s was not in use when the checkpoint was issued", ErrUnknownKey, key.ID())
		}
		c.KeyID = key.ID()
		return c, nil
	})
}

// readCheckpoint reads a payload and holds it against the template.
func readCheckpoint(payload []byte, issuer string) (*Checkpoint, error) {
	var read struct {
		Iat        uint32   `json:"iat"`
		Checkpoint LogPoint `json:"checkpoint"`
		Previous   LogPoint `json:"previous"`
	}
	if json.Unmarshal(payload, &read) != nil {
		return nil, errors.New("its payload is not that of a checkpoint")
	}
	if err := checkPoints(read.Checkpoint, read.Previous); err != nil {
		return nil, err
	}
	if string(payload) != string(appendCheckpointPayload(make([]byte, 0, len(payload)), issuer, read.Iat, read.Checkpoint, read.Previous)) {
		return nil, fmt.Errorf("its payload is not that of a checkpoint of %s", issuer)
	}
	return &Checkpoint{LogPoint: read.Checkpoint, Previous: read.Previous, Issuer: issuer, IssuedAt: time.Unix(int64(read.Iat), 0).UTC()}, nil
}
