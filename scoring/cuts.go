package scoring

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"healthcode/registry"
)

// Shares are the wanted shares of the tiers AA, A, B, C, in hundredths of a percent. They need not add up to 10000: only their
// proportions count.
type Shares [4]int64

// DefaultShares are those of a real list of 78 licence holders: AA 5, A 38, B 50, C 6 %.
var DefaultShares = Shares{500, 3800, 5000, 600}

var shareTiers = [4]registry.Tier{registry.TierAA, registry.TierA, registry.TierB, registry.TierC}

func (s Shares) sum() int64 { return s[0] + s[1] + s[2] + s[3] }

// ErrShares is the reason for a text that does not name the four shares.
var ErrShares = errors.New("not the shares of the four tiers in percent, such as AA=5,A=38,B=50,C=6")

// ParseShares reads shares of the form AA=5,A=38,B=50,C=6: percent, each tier once, at most two decimals.
func ParseShares(text string) (Shares, error) {
	var s Shares
	seen := 0
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		share, err := strconv.ParseFloat(value, 64)
		if err != nil || !(share >= 0 && share <= 100) {
			return Shares{}, fmt.Errorf("%w: %.20q", ErrShares, part)
		}
		for i, tier := range shareTiers {
			if tier.String() == name && seen&(1<<i) == 0 {
				s[i] = int64(share*100 + 0.5)
				seen |= 1 << i
				name = ""
			}
		}
		if name != "" {
			return Shares{}, fmt.Errorf("%w: %.20q", ErrShares, part)
		}
	}
	if seen != 15 || s.sum() == 0 {
		return Shares{}, fmt.Errorf("%w: %.40q", ErrShares, text)
	}
	return s, nil
}

// CutProposal says which cuts of the index give the wanted shares among the enterprises with at least fair evidence.
type CutProposal struct {
	Fair  int       `json:"fair"` // enterprises with fair evidence, graded with the new peers
	Tiers []TierCut `json:"tiers"`
}

// TierCut is the proposal for one tier. Wanted and Share are in hundredths of a percent of the enterprises with fair evidence.
type TierCut struct {
	Tier           registry.Tier `json:"tier"`
	IndexFrom      int32         `json:"index_from"` // hundredths; 0 for C
	Before         int32         `json:"before"`     // the base model's cut
	Wanted         int64         `json:"wanted"`
	Share          int64         `json:"share"`            // what the proposed cuts give
	Enterprises    int           `json:"enterprises"`      // in the tier, with the proposed cuts
	GatesHeld      int           `json:"gates_held"`       // enterprises whose gates for this tier hold, whatever their index
	LimitedByGates bool          `json:"limited_by_gates"` // too few pass the gates, however low the cut
}

// indexes counts enterprises by the gates that hold (bit i: those of tier i) and by index.
type indexes [8][10_001]int

// proposeCuts grades everybody by the model and places the cuts. The cut of a tier is the index at which the number of enterprises that
// reach it and hold the tier's gates comes nearest to the wanted number in this tier and those above; of two equally near the higher.
// When too few hold the gates, the cut falls to the lowest index among them, never under the cut of the tier below, and the proposal says
// so. A tier whose gates nobody holds keeps its cut.
func proposeCuts(source EvidenceSource, asOf registry.Day, m *Model, wanted Shares) (*CutProposal, error) {
	counts, a, p := &indexes{}, NewAssessor(m), &CutProposal{}
	err := source(func(e *Evidence) error {
		x := a.Assess(e, asOf)
		if x.Evidence >= registry.EvidenceFair {
			p.Fair++
			counts[a.gatesHeld()][x.Index]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Tiers = make([]TierCut, len(shareTiers))
	below := int32(0)
	for i := len(m.Tiers) - 1; i >= 0; i-- {
		t := &p.Tiers[i]
		*t = counts.cut(i, p.Fair, wanted)
		t.Tier, t.Before, t.Wanted = shareTiers[i], m.Tiers[i].IndexFrom, wanted[i]*10_000/wanted.sum()
		if t.GatesHeld == 0 {
			t.IndexFrom = t.Before
		}
		t.IndexFrom = max(t.IndexFrom, below)
		below = t.IndexFrom
	}
	p.Tiers[3] = TierCut{Tier: registry.TierC, GatesHeld: p.Fair, Wanted: wanted[3] * 10_000 / wanted.sum()}
	counts.distribute(p)
	return p, nil
}

// apply writes the proposed cuts into a model. A veto on the index of those with too little evidence that stands at a cut moves with it.
func (p *CutProposal) apply(m *Model) {
	moved := map[int32]int32{}
	for i := range m.Tiers {
		moved[m.Tiers[i].IndexFrom] = p.Tiers[i].IndexFrom
		m.Tiers[i].IndexFrom = p.Tiers[i].IndexFrom
	}
	for i := range m.Vetoes {
		if to, ok := moved[m.Vetoes[i].Value]; ok && m.Vetoes[i].Fact == IndexWhileNew {
			m.Vetoes[i].Value = to
		}
	}
}

// gatesHeld returns a bit for each tier whose gates held in the last assessment.
func (a *Assessor) gatesHeld() (held int) {
	for i := range a.model.Tiers {
		if a.allHold(a.t.gates[i]) {
			held |= 1 << i
		}
	}
	return held
}

// cut returns the cut of one tier before it is kept above the one below.
func (c *indexes) cut(tier, fair int, wanted Shares) TierCut {
	cumulated := int64(0)
	for _, share := range wanted[:tier+1] {
		cumulated += share
	}
	target := divide(int64(fair)*cumulated, wanted.sum())
	t := TierCut{IndexFrom: 10_000}
	nearest := target
	for index := 10_000; index >= 0; index-- {
		t.GatesHeld += c.holding(tier, index)
		distance := max(target-int64(t.GatesHeld), int64(t.GatesHeld)-target)
		if distance < nearest {
			nearest, t.IndexFrom = distance, int32(index)
		}
	}
	t.LimitedByGates = int64(t.GatesHeld) < target
	return t
}

// holding counts the enterprises with an index that hold the gates of a tier.
func (c *indexes) holding(tier, index int) (n int) {
	for held := range c {
		if held&(1<<tier) != 0 {
			n += c[held][index]
		}
	}
	return n
}

// distribute counts who gets which tier with the proposed cuts.
func (c *indexes) distribute(p *CutProposal) {
	for held := range c {
		for index, n := range c[held] {
			tier := 3
			for i := 2; i >= 0; i-- {
				if held&(1<<i) != 0 && int32(index) >= p.Tiers[i].IndexFrom {
					tier = i
				}
			}
			p.Tiers[tier].Enterprises += n
		}
	}
	for i := range p.Tiers {
		if p.Fair > 0 {
			p.Tiers[i].Share = divide(int64(p.Tiers[i].Enterprises)*10_000, int64(p.Fair))
		}
	}
}
