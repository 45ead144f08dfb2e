package credential

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"healthcode/registry"
)

// Version1 is the only version of the code so far. A version fixes the template and the packed layout for ever.
const Version1 = 1

// Lifetime is how long a code lives, as the packed form writes it: 1 to 32767 days, or seconds when the top bit is set.
type Lifetime uint16

// The lifetimes of the two forms that people see. A printed code proves who; a screen code is renewed every 30 seconds, so
// that its grade is the current one.
const (
	PrintedLifetime Lifetime = 365
	ScreenLifetime  Lifetime = inSeconds | 180
)

const (
	inSeconds     Lifetime = 1 << 15
	secondsPerDay          = 24 * 60 * 60
)

// Seconds returns the lifetime in seconds.
func (l Lifetime) Seconds() int64 {
	if l&inSeconds != 0 {
		return int64(l &^ inSeconds)
	}
	return int64(l) * secondsPerDay
}

// lifetimeOf returns the one Lifetime of so many seconds; ok is false when there is none. One day does not fit 15 bits of
// seconds, so no length has two spellings.
func lifetimeOf(seconds int64) (l Lifetime, ok bool) {
	if seconds > 0 && seconds < int64(inSeconds) {
		return inSeconds | Lifetime(seconds), true
	}
	days := seconds / secondsPerDay
	ok = seconds > 0 && seconds%secondsPerDay == 0 && days < int64(inSeconds)
	if !ok {
		return 0, false
	}
	return Lifetime(days), true
}

// Code is all that a health code says.
type Code struct {
	Version  uint8
	Key      uint8         // number of the signing key, 1 to 255
	USCC     registry.USCC // 18 characters of registry.USCCAlphabet
	IssuedAt uint32        // Unix seconds
	Lifetime Lifetime
	Tier     registry.Tier   // at issue
	Colour   registry.Colour // at issue, green to red
	Model    uint16          // version of the scoring model, 1 to 65535
	Index    uint32          // place in the status and grade lists
}

// ErrCode means that a Code holds a value that no code may have.
var ErrCode = errors.New("invalid code")

// UnixSeconds returns t as IssuedAt holds it. It fails before 1970 and after 2106, the range of 4 bytes.
func UnixSeconds(t time.Time) (uint32, error) {
	s := t.Unix()
	if s < 0 || s > math.MaxUint32 {
		return 0, fmt.Errorf("%w: the time of issue is outside 1970 to 2106", ErrCode)
	}
	return uint32(s), nil
}

// Issued returns the time of issue, UTC.
func (c *Code) Issued() time.Time { return time.Unix(int64(c.IssuedAt), 0).UTC() }

// Expires returns the first moment at which the code is no longer valid, UTC.
func (c *Code) Expires() time.Time { return time.Unix(c.expires(), 0).UTC() }

func (c *Code) expires() int64 { return int64(c.IssuedAt) + c.Lifetime.Seconds() }

// onScreen reports whether the code lives for seconds.
func (c *Code) onScreen() bool { return c.Lifetime&inSeconds != 0 }

// KeyID returns the kid of the signing key.
func (c *Code) KeyID() string { return keyID(c.Key) }

// Check says what is wrong with the code, or nil. It does not check the USCC's check character: some legally issued ones fail it
// (see registry.ParseUSCC).
func (c *Code) Check() error {
	switch {
	case c.Version != Version1:
		return fmt.Errorf("%w: version %d", ErrUnsupportedVersion, c.Version)
	case c.Key == 0:
		return fmt.Errorf("%w: %w", ErrCode, ErrKeyNumber)
	case !isUSCC(string(c.USCC)):
		return fmt.Errorf("%w: the USCC is not 18 characters of GB 32100", ErrCode)
	case c.Lifetime&^inSeconds == 0:
		return fmt.Errorf("%w: the lifetime is nothing", ErrCode)
	case c.expires() > math.MaxUint32:
		return fmt.Errorf("%w: it ends after 2106", ErrCode)
	case c.Tier > registry.TierC:
		return fmt.Errorf("%w: tier %d", ErrCode, c.Tier)
	case c.Colour < registry.ColourGreen || c.Colour > registry.ColourRed:
		return fmt.Errorf("%w: colour %d", ErrCode, c.Colour)
	case c.Model == 0:
		return fmt.Errorf("%w: the model is nothing", ErrCode)
	}
	return nil
}

func isUSCC(text string) bool {
	if len(text) != registry.USCCLength {
		return false
	}
	for i := range len(text) {
		if strings.IndexByte(registry.USCCAlphabet, text[i]) < 0 {
			return false
		}
	}
	return true
}
