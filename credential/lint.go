package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"healthcode/registry"
)

// ErrLint means that what was about to be signed is not what was stored, or breaks a rule. Nothing was signed.
var ErrLint = errors.New("the code to be signed is not the one that was stored")

// Intent is what the register stored about a code before it is signed.
type Intent struct {
	USCC   registry.USCC // who owns the place in the lists
	KeyID  string        // the key that is to sign
	Form   Form
	Index  uint32
	Tier   registry.Tier   // of the stored assessment
	Colour registry.Colour // of the stored assessment
	Model  int             // of the stored assessment
}

// What follows knows the token by its specification (docs/formats.md 1.2) and not by the code that writes it: the JSON comes from the standard
// library, words and lengths of life stand here once more. A fault in one of the two paths then shows as a difference.

type lintedHeader struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

type lintedGrade struct {
	V      int    `json:"v"`
	Tier   string `json:"tier"`
	Colour string `json:"colour"`
	Model  int    `json:"model"`
}

type lintedPlace struct {
	Idx int64  `json:"idx"`
	URI string `json:"uri"`
}

type lintedPayload struct {
	Iss    string      `json:"iss"`
	Sub    string      `json:"sub"`
	Iat    int64       `json:"iat"`
	Exp    int64       `json:"exp"`
	QC     lintedGrade `json:"qc"`
	Status struct {
		List lintedPlace `json:"status_list"`
	} `json:"status"`
}

var (
	lintedTiers   = []string{"NEW", "AA", "A", "B", "C"}
	lintedColours = []string{"", "green", "blue", "yellow", "red"}
	lintedLives   = map[Form]int64{FormPrinted: 365 * 86400, FormJWT: 365 * 86400, FormScreen: 180} // seconds
)

// lint compares the exact bytes that are about to be signed with what the standard library writes of the intent. Equal bytes say the same and
// nothing more; bytes that differ are decoded to say where. seconds is how long the code may live, at the moment of signing.
func lint(input string, key *PublicKey, in *Intent, seconds int64, at time.Time) error {
	payload, err := in.payload(key, seconds, at)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLint, err)
	}
	head, body, _ := strings.Cut(input, ".")
	header := &lintedHeader{string(key.Algorithm), in.KeyID, "qc+jwt"}
	if err := errors.Join(lintSegment(head, header), lintSegment(body, payload)); err != nil {
		return fmt.Errorf("%w: %w", ErrLint, err)
	}
	return nil
}

func lintSegment[T comparable](segment string, want *T) error {
	wanted, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("write what is wanted: %w", err)
	}
	if segment == base64.RawURLEncoding.EncodeToString(wanted) {
		return nil
	}
	var said T
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return fmt.Errorf("a part is not base64url: %w", err)
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return fmt.Errorf("a part is not JSON: %w", err)
	}
	if said == *want {
		return errors.New("a part has more in it than a code, or has it in another order or spelling")
	}
	return fmt.Errorf("it says %+v and should say %+v", said, *want)
}

// payload is what the token must say, after the rules.
func (in *Intent) payload(key *PublicKey, seconds int64, at time.Time) (*lintedPayload, error) {
	const place, list = 1 << 20, 20
	p := &lintedPayload{Iss: key.Issuer, Sub: string(in.USCC), Iat: at.Unix(), Exp: at.Unix() + seconds}
	switch {
	case in.KeyID != strconv.Itoa(int(key.Number)):
		return nil, errors.New("the key is not the one that was stored")
	case !key.NotBefore.IsZero() && p.Iat < key.NotBefore.Unix(), !key.NotAfter.IsZero() && p.Iat > key.NotAfter.Unix():
		return nil, errors.New("the key is not in use now")
	case seconds < 1 || p.Exp > 1<<32-1:
		return nil, errors.New("the lifetime is not that of the form")
	case int(in.Tier) >= len(lintedTiers), in.Colour < 1 || int(in.Colour) >= len(lintedColours), in.Model < 1 || in.Model > 65535:
		return nil, errors.New("there is no such grade")
	}
	p.QC = lintedGrade{1, lintedTiers[in.Tier], lintedColours[in.Colour], in.Model}
	p.Status.List = lintedPlace{int64(in.Index) % place, key.Issuer + "/lists/status/" + strconv.FormatUint(uint64(in.Index)>>list, 10)}
	return p, nil
}
