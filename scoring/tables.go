package scoring

import (
	"math"
	"math/big"

	"healthcode/registry"
)

// q20 is one in the fixed-point numbers of the decay table.
const q20 = 1 << 20

// oneCheck is the mass of an ordinary check, in millionths of one.
const oneCheck = 1_000_000

// blockDays is the length of a block of quiet time and of the monthly cap, in days.
const blockDays = 30

// checkKind says how a kind takes part in the number of checks.
type base struct {
	bad, good int64 // thousandths of a check
	dimension Dimension
	level     registry.Severity // in gates
	listed    bool              // the model gives it a mass
}

// tables is the model made ready for counting: every lookup is an index.
type tables struct {
	base        [16][64][4]base
	decay       []int64               // Q20, by age in days, 0 to window
	quiet       [dimensions][65]int64 // good mass of each block of quiet time, then nothing
	quietSum    [dimensions][65]int64 // of the first n blocks
	quietBlocks [dimensions]int       // how many blocks of quiet time lie in the window; 0 where there is none
	gates       [][]bounds            // by tier rule
	vetoes      []bounds
	purpose     [3]int64
	stage       [4]int64
	weight      [dimensions]int64
	cap         int64                 // millionths of a check per block of complaints; 0 = none
	k           [3][dimensions]int64  // by risk: millionths of a check
	kMu         [3][dimensions]int64  // k·mu: millionths of a check
	mu          [3][dimensions]int64  // ppm
	start       [3]int32              // index without any evidence, hundredths
	matrix      [3][5]registry.Colour // by risk and tier
	levels      [3]int64              // millionths of a check: low, fair, strong
	fastest     float64               // most that a quantity can decay in one day, as a fraction: ln 2 / half-life
}

func newTables(m *Model) *tables {
	t := &tables{decay: decayTable(m.HalfLife, m.Window), fastest: math.Ln2 / float64(m.HalfLife)}
	for _, b := range m.Evidence {
		level := max(b.Severity, b.CountsAs)
		t.base[kindNumbers[b.Kind]][outcomeNumbers[b.Outcome]][b.Severity] = base{b.Bad, b.Good, b.Dimension, level, true}
	}
	f := &m.Factors
	t.purpose = [3]int64{1000, f.Purpose.Random, f.Purpose.Targeted}
	t.stage = [4]int64{1000, f.Stage.Production, f.Stage.Shop, f.Stage.Online}
	t.cap = m.Weights[Complaint].Cap * 1000
	for d, w := range m.Weights {
		t.weight[d] = w.Weight
		t.keepQuiet(d, w.Quiet, m.Window)
	}
	for risk, beliefs := range []*Beliefs{&m.Peers.Groups.General, &m.Peers.Groups.Higher, &m.Peers.Groups.High} {
		t.believe(risk, beliefs)
	}
	t.matrix = [3][5]registry.Colour{m.Matrix.General.list(), m.Matrix.Higher.list(), m.Matrix.High.list()}
	t.levels = [3]int64{m.Levels.Low * 1000, m.Levels.Fair * 1000, m.Levels.Strong * 1000}
	for i := range m.Tiers {
		t.gates = append(t.gates, nil)
		for _, gate := range m.Tiers[i].Gates {
			t.gates[i] = append(t.gates[i], gate.bounds())
		}
	}
	for i := range m.Vetoes {
		t.vetoes = append(t.vetoes, m.Vetoes[i].bounds())
	}
	return t
}

func (t *tables) believe(risk int, beliefs *Beliefs) {
	var none tally
	for d, belief := range beliefs.list() {
		t.k[risk][d] = belief.K * 1000
		t.kMu[risk][d] = divide(belief.K*1000*belief.Mu, 1_000_000)
		t.mu[risk][d] = belief.Mu
	}
	t.start[risk] = hundredths(t.indexPPM(t.losses(risk, &none)))
}

// keepQuiet fills in the aged good mass of each block of quiet time that lies whole within the window: block b covers the ages 30b to
// 30b+29 and is aged at 30b+15. There are at most 64.
func (t *tables) keepQuiet(d int, quiet int64, window int) {
	if quiet == 0 {
		return
	}
	for b := 0; b*blockDays+blockDays-1 <= window; b++ {
		t.quiet[d][b] = aged(quiet*1000, t.decay[b*blockDays+blockDays/2])
		t.quietSum[d][b+1] = t.quietSum[d][b] + t.quiet[d][b]
		t.quietBlocks[d]++
	}
}

// aged multiplies a mass by a decay of Q20, rounded half up.
func aged(mass, decay int64) int64 { return (mass*decay + q20/2) >> 20 }

// divide divides rounded half up; both are at least zero.
func divide(a, b int64) int64 { return int64((uint64(a) + uint64(b)/2) / uint64(b)) }

// decayTable returns round(2^20 · 2^(−age/halfLife)) for the ages 0 to window, exactly. Floating point proposes; where it comes
// near a half, whole numbers decide, so every machine has the same table.
func decayTable(halfLife, window int) []int64 {
	table := make([]int64, window+1)
	for age := range table {
		value := math.Exp2(20 - float64(age)/float64(halfLife))
		table[age] = int64(math.Round(value))
		if _, fraction := math.Modf(value); math.Abs(fraction-0.5) < 1e-4 {
			table[age] = roundExactly(int64(value), age, halfLife)
		}
	}
	return table
}

// roundExactly returns below or below+1, whichever is nearer to 2^(20−age/halfLife), halves up.
func roundExactly(below int64, age, halfLife int) int64 {
	if atLeastHalfBelow(below+1, age, halfLife) {
		return below + 1
	}
	return below
}

// atLeastHalfBelow reports whether 2^(20−age/halfLife) >= n − 1/2, that is 2^(21·halfLife−age) >= (2n−1)^halfLife.
func atLeastHalfBelow(n int64, age, halfLife int) bool {
	exponent := 21*halfLife - age
	if exponent < 0 {
		return false
	}
	left := new(big.Int).Lsh(big.NewInt(1), uint(exponent))
	right := new(big.Int).Exp(big.NewInt(2*n-1), big.NewInt(int64(halfLife)), nil)
	return left.Cmp(right) >= 0
}
