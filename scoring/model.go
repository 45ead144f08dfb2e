package scoring

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the default model
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"healthcode/registry"
)

// Dimension is one of the five sides from which an enterprise is judged.
type Dimension uint8

// The dimensions, in the order of every list.
const (
	SpotCheck Dimension = iota
	Inspection
	Complaint
	Compliance
	Capability
	dimensions // how many there are
)

var dimensionNames = [dimensions]string{"spot_check", "inspection", "complaint", "compliance", "capability"}

func (d Dimension) String() string {
	if d < dimensions {
		return dimensionNames[d]
	}
	return "none"
}

// MarshalText writes the name of the dimension.
func (d Dimension) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a dimension's name.
func (d *Dimension) UnmarshalText(text []byte) error {
	for i, name := range dimensionNames {
		if name == string(text) {
			*d = Dimension(i)
			return nil
		}
	}
	return fmt.Errorf("dimension %.20q is none of %q", text, dimensionNames)
}

// Model is a version of the scoring model (评分模型): data only, immutable once read. Numbers ending in _milli are thousandths, in
// _ppm millionths; masses are in units of one ordinary check.
type Model struct {
	Code     string            `json:"code"`
	Version  int               `json:"version"` // 1 to 65535
	Title    map[string]string `json:"title"`   // by language
	Window   int               `json:"window_days"`
	HalfLife int               `json:"half_life_days"`
	Weights  []Weight          `json:"dimensions"`
	Evidence []Base            `json:"evidence"`
	Visit    Visit             `json:"visit"`
	Items    []string          `json:"capability_items"`
	Factors  Factors           `json:"factors_milli"`
	Peers    Peers             `json:"peers"`
	Levels   Levels            `json:"evidence_levels_milli"`
	Tiers    []TierRule        `json:"tiers"`
	Matrix   Matrix            `json:"matrix"`
	Vetoes   []Veto            `json:"vetoes"`
	Movement Movement          `json:"movement"`

	RegionColour RegionRules  `json:"region_colour"`
	ProductRisk  ProductModel `json:"product_risk"`

	source  []byte
	digest  string
	numbers *tables
}

// Weight is the weight of a dimension and, for dimensions made only of events, its quiet time and monthly cap.
type Weight struct {
	Dimension Dimension `json:"dimension"`
	Weight    int64     `json:"weight_milli"`
	Quiet     int64     `json:"quiet_milli"` // good mass of 30 days without a bad record; 0 = the dimension has no quiet time
	Cap       int64     `json:"cap_milli"`   // most bad mass of 30 days; 0 = no cap
}

// Base is the mass of a record by kind, outcome and severity.
type Base struct {
	Dimension Dimension         `json:"dimension"`
	Kind      registry.Kind     `json:"kind"`
	Outcome   string            `json:"outcome"`
	Severity  registry.Severity `json:"severity,omitzero"`
	CountsAs  registry.Severity `json:"counts_as,omitzero"` // the severity in gates of a record that has none of its own
	Bad       int64             `json:"bad_milli,omitempty"`
	Good      int64             `json:"good_milli,omitempty"`
}

// Visit is the mass of an inspection: its findings add up, the visit itself is good evidence unless its worst finding is grave.
type Visit struct {
	Bad    BySeverity `json:"bad_milli"`
	AtMost int64      `json:"bad_at_most_milli"`
	Good   BySeverity `json:"good_milli"`
}

// BySeverity is a number for each severity.
type BySeverity struct {
	None     int64 `json:"none,omitempty"`
	Minor    int64 `json:"minor"`
	Major    int64 `json:"major"`
	Critical int64 `json:"critical"`
}

func (b BySeverity) of(s registry.Severity) int64 {
	return [...]int64{b.None, b.Minor, b.Major, b.Critical}[s]
}

// Factors multiply the mass of a record, in thousandths.
type Factors struct {
	Purpose struct {
		Random   int64 `json:"random"`
		Targeted int64 `json:"targeted"`
	} `json:"purpose"`
	Stage struct {
		Production int64 `json:"production"`
		Shop       int64 `json:"shop"`
		Online     int64 `json:"online"`
	} `json:"stage"`
	Rectified int64 `json:"rectified"` // of the bad mass only: putting a thing right never costs points
	Repaired  int64 `json:"repaired"`
}

// Peers is the belief about an enterprise before its own records are seen.
type Peers struct {
	GroupBy string `json:"group_by"` // risk: the highest risk level among the enterprise's products
	Groups  struct {
		General Beliefs `json:"general"`
		Higher  Beliefs `json:"higher"`
		High    Beliefs `json:"high"`
	} `json:"groups"`
}

// Beliefs holds one belief for each dimension.
type Beliefs struct {
	SpotCheck  Belief `json:"spot_check"`
	Inspection Belief `json:"inspection"`
	Complaint  Belief `json:"complaint"`
	Compliance Belief `json:"compliance"`
	Capability Belief `json:"capability"`
}

func (b *Beliefs) list() [dimensions]Belief {
	return [dimensions]Belief{b.SpotCheck, b.Inspection, b.Complaint, b.Compliance, b.Capability}
}

// Belief says what peers lose on average (mu, 0 to 10^6) and how many checks that belief is worth (k).
type Belief struct {
	Mu int64 `json:"mu_ppm"`
	K  int64 `json:"k_milli"`
}

// Levels are the least decayed numbers of checks for the evidence levels above none.
type Levels struct {
	Low    int64 `json:"low"`
	Fair   int64 `json:"fair"`
	Strong int64 `json:"strong"`
}

// TierRule says from which index on (hundredths), and through which gates, a tier is reached. C is what remains.
type TierRule struct {
	Tier      registry.Tier `json:"tier"`
	IndexFrom int32         `json:"index_from"`
	Gates     []Condition   `json:"gates"`
}

// Condition compares one circumstance of an enterprise with a number.
type Condition struct {
	Fact     Circumstance `json:"fact"`
	Operator string       `json:"operator"` // >=, <=, =, >, <
	Value    int32        `json:"value"`
}

// Veto gives a colour at best when its condition holds (一票否决).
type Veto struct {
	Colour registry.Colour `json:"colour"`
	Condition
}

// Matrix gives the colour for a product risk and a tier.
type Matrix struct {
	General ByTier `json:"general"`
	Higher  ByTier `json:"higher"`
	High    ByTier `json:"high"`
}

// ByTier is a colour for each tier.
type ByTier struct {
	AA  registry.Colour `json:"AA"`
	A   registry.Colour `json:"A"`
	B   registry.Colour `json:"B"`
	C   registry.Colour `json:"C"`
	New registry.Colour `json:"NEW"`
}

func (b ByTier) list() [5]registry.Colour { return [5]registry.Colour{b.New, b.AA, b.A, b.B, b.C} }

// MaxModelSize is the most bytes that a model may have.
const MaxModelSize = 1 << 20

// ErrModel is the reason for bytes that are no model. The problems inside name each wrong number at its path.
var ErrModel = errors.New("not a scoring model")

//go:embed model-v1.json
var modelV1 []byte

// DefaultModel returns the model that the program ships: version 1. A model never changes, so everybody gets the same one.
var DefaultModel = sync.OnceValue(func() *Model {
	m, err := ParseModel(modelV1)
	if err != nil {
		panic(fmt.Sprintf("the shipped model is broken: %v", err))
	}
	return m
})

// ParseModel reads a model, strictly: unknown names, trailing bytes and values that make no sense are refused (ErrModel, and
// registry.Problems with the path of each).
func ParseModel(data []byte) (*Model, error) {
	if len(data) > MaxModelSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrModel, len(data), MaxModelSize)
	}
	m := &Model{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the closing brace", ErrModel)
	}
	if problems := m.validate(); len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrModel, problems)
	}
	if err := m.compile(); err != nil {
		return nil, err
	}
	return m, nil
}

// Digest returns the SHA-256 of the model's compact JSON in 64 hexadecimal digits: it tells versions apart.
func (m *Model) Digest() string { return m.digest }

// JSON returns the model as compact JSON, field by field in the order of this package's types.
func (m *Model) JSON() []byte { return bytes.Clone(m.source) }

func (m *Model) compile() error {
	source, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	sum := sha256.Sum256(source)
	m.source, m.digest = source, hex.EncodeToString(sum[:])
	m.numbers = newTables(m)
	return nil
}
