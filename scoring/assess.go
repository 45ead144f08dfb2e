package scoring

import (
	"math/bits"

	"healthcode/registry"
)

// Assessment is the outcome of grading one enterprise as of one day: the grade that the evidence earns on that day. The rules of movement
// stand between it and what is published: see Standing.
type Assessment struct {
	Index    int32                  // hundredths, 0 to 10000, high is good
	IndexPPM int32                  // the same in millionths, 0 to 10^6, before the last rounding
	LossPPM  [dimensions]int32      // by dimension, 0 to 10^6
	Checks   int64                  // decayed number of spot checks and inspections, in millionths of a check
	Evidence registry.EvidenceLevel // how much is known
	Tier     registry.Tier
	Colour   registry.Colour
}

// Assessor grades enterprises by one model. It keeps its working memory, so it is not safe for concurrent use: one per goroutine.
type Assessor struct {
	model     *Model
	t         *tables
	weighed   []weighed
	inCase    []int32 // facts with bad mass that share a case
	open      []openCase
	slots     []int32
	revoked   []int32
	items     [20]int32 // by item of the model: the newest fact about it, plus one
	heldItems uint32    // of the model: whether the newest word about each is that it is held

	worths     []worth // by class of a fact, in a grading pass
	computed   worth   // of the fact in hand
	beforehand *summed

	asOf  registry.Day
	since registry.Day // from when on quiet time counts; no day: never
	marks
	alarms
	checks      int64
	state       [circumstances]int32
	refusedOn   registry.Day
	listedOn    registry.Day
	sum         tally
	quietBlocks [dimensions]int
	buffer      []byte
}

// weighed is a fact's part in the sums.
type weighed struct {
	fresh     int64 // bad mass before ageing, millionths of a check
	bad, good int64 // aged masses, millionths of a check; bad is what counts after cases and caps
	decay     int64
	block     int32 // block of 30 days, counted back from the day of assessment
	with      int32 // for notes of that kind: the fact that counts in place of this one
	dimension Dimension
	note      note
}

// tally holds the masses of each dimension in millionths of a check.
type tally struct{ bad, good [dimensions]int64 }

// note says why a fact counts less than its mass, or not at all.
type note uint8

const (
	noteCounts note = iota
	noteVoided
	noteProvisional
	noteRepaired
	noteOutsideWindow
	noteNoMass
	noteReplaced
	noteCountedWith
	noteCapped
)

var noteNames = [...]string{"", "voided", "provisional", "repaired", "outside_window", "no_mass", "replaced_by", "counted_with", "capped"}

// NewAssessor returns an assessor of the model.
func NewAssessor(m *Model) *Assessor { return &Assessor{model: m, t: m.numbers} }

// Assess grades the evidence as of a day. It is a pure function of model, evidence and day.
func (a *Assessor) Assess(e *Evidence, asOf registry.Day) (x Assessment) {
	a.assess(e, asOf, &x)
	return x
}

// assess fills in x, which a grading pass uses again and again.
func (a *Assessor) assess(e *Evidence, asOf registry.Day, x *Assessment) {
	a.weigh(e, asOf)
	a.settleCases(e)
	a.tally(&a.sum, true)
	a.addQuiet(&a.sum)
	losses := a.t.losses(int(e.Risk), &a.sum)
	ppm := a.t.indexPPM(losses)
	x.Index, x.IndexPPM, x.Checks, x.Evidence = hundredths(ppm), int32(ppm), a.checks, a.level()
	for d, loss := range losses {
		x.LossPPM[d] = int32(loss)
	}
	a.state[EvidenceLevel] = int32(x.Evidence)
	a.state[IndexWhileNew] = 10_000
	if x.Evidence < registry.EvidenceFair {
		a.state[IndexWhileNew] = x.Index
	}
	x.Tier = a.tier(x)
	x.Colour = a.colour(e.Risk, x)
}

// losses returns the loss of each dimension in millionths: (N + k·mu)·10^6 / (N + G + k), rounded half up.
func (t *tables) losses(risk int, sum *tally) (losses [dimensions]int64) {
	kMu, k := &t.kMu[risk], &t.k[risk]
	for d := range losses {
		losses[d] = divide((sum.bad[d]+kMu[d])*1_000_000, sum.bad[d]+sum.good[d]+k[d])
	}
	return losses
}

// indexPPM returns the index in millionths.
func (t *tables) indexPPM(losses [dimensions]int64) int64 {
	sum := int64(0)
	for d, loss := range losses {
		sum += t.weight[d] * (1_000_000 - loss)
	}
	return divide(sum, 1000)
}

func hundredths(ppm int64) int32 { return int32(divide(ppm, 100)) }

func (a *Assessor) level() registry.EvidenceLevel {
	level := int32(registry.EvidenceNone)
	for _, least := range a.t.levels {
		level += oneIf(a.checks >= least)
	}
	return registry.EvidenceLevel(level)
}

func (a *Assessor) tier(x *Assessment) registry.Tier { return a.tierAt(x, x.Index) }

// tierAt returns the tier that an index gives, everything else being as it is.
func (a *Assessor) tierAt(x *Assessment, index int32) registry.Tier {
	if x.Evidence < registry.EvidenceFair {
		return registry.TierNew
	}
	for i := range a.model.Tiers {
		rule := &a.model.Tiers[i]
		if index >= rule.IndexFrom && a.allHold(a.t.gates[i]) {
			return rule.Tier
		}
	}
	return registry.TierC
}

func (a *Assessor) allHold(gates []bounds) bool {
	for i := range gates {
		if !gates[i].hold(&a.state) {
			return false
		}
	}
	return true
}

func (a *Assessor) colour(risk registry.RiskLevel, x *Assessment) registry.Colour {
	return max(a.t.matrix[risk][x.Tier], a.floor(x))
}

// floor returns the best colour that vetoes and the lack of evidence leave.
func (a *Assessor) floor(x *Assessment) registry.Colour {
	floor := registry.ColourGreen
	if x.Evidence < registry.EvidenceFair {
		floor = registry.ColourBlue
	}
	for i := range a.t.vetoes {
		if a.t.vetoes[i].hold(&a.state) { // seldom, so a processor guesses rightly
			floor = max(floor, a.model.Vetoes[i].Colour)
		}
	}
	return floor
}

// tally adds up what counts. With a cap on the bad mass of a month, the newest complaints of a block fill it first; final writes
// what is left of each into its weight.
func (a *Assessor) tally(sum *tally, final bool) {
	*sum = a.beforehand.tally
	block, left := int32(-1), int64(0)
	for i := len(a.weighed) - 1; i >= 0; i-- {
		w := &a.weighed[i]
		sum.good[w.dimension] += w.good
		if w.note == noteCountedWith {
			continue
		}
		if w.dimension != Complaint || a.t.cap == 0 || w.fresh == 0 {
			sum.bad[w.dimension] += w.bad
			continue
		}
		if w.block != block {
			block, left = w.block, a.t.cap
		}
		taken := min(w.fresh, left)
		left -= taken
		mass := aged(taken, w.decay)
		sum.bad[Complaint] += mass
		if final && taken < w.fresh {
			w.bad, w.note = mass, noteCapped
		}
	}
}

// addQuiet adds the good mass of quiet time: blocks of 30 days without a bad record, whole within the window and within the time
// since the enterprise's registration or first record.
func (a *Assessor) addQuiet(sum *tally) {
	a.quietBlocks[Complaint] = a.addQuietOf(int(Complaint), sum)
	a.quietBlocks[Compliance] = a.addQuietOf(int(Compliance), sum)
}

func (a *Assessor) addQuietOf(d int, sum *tally) (counted int) {
	if a.t.quietBlocks[d] == 0 || a.since == 0 || a.since > a.asOf {
		return 0
	}
	counted = min(int(a.asOf-a.since+1)/blockDays, a.t.quietBlocks[d])
	good, quiet := a.t.quietSum[d][counted], &a.t.quiet[d]
	broken := a.blocked[d] & (1<<counted - 1)
	counted -= bits.OnesCount64(broken)
	for range 2 { // seldom are there more, and after the last one comes a block of no mass
		good -= quiet[bits.TrailingZeros64(broken)]
		broken &= broken - 1
	}
	for ; broken != 0; broken &= broken - 1 {
		good -= quiet[bits.TrailingZeros64(broken)]
	}
	sum.good[d] += good
	return counted
}
