package scoring

import (
	"encoding/hex"
	"time"

	"healthcode/registry"
)

// Explanation shows where every point of an index comes from. Points and indexes are in hundredths; StartPoints and the points of all
// records and of quiet time add up to the index exactly. Masses are in millionths of a check.
type Explanation struct {
	USCC         registry.USCC          `json:"uscc"`
	AsOf         registry.Day           `json:"as_of"`
	KnownAt      time.Time              `json:"known_at"`
	Model        ModelName              `json:"model"`
	Risk         registry.RiskLevel     `json:"risk"`
	RegisteredOn registry.Day           `json:"registered_on,omitzero"`
	Index        int32                  `json:"index"`
	Tier         registry.Tier          `json:"tier"`   // published
	Colour       registry.Colour        `json:"colour"` // published
	EarnedTier   registry.Tier          `json:"earned_tier"`
	EarnedColour registry.Colour        `json:"earned_colour"`
	TierSince    registry.Day           `json:"tier_since,omitzero"`   // since when a better tier is earned without a break
	ColourSince  registry.Day           `json:"colour_since,omitzero"` // the same for the colour
	Evidence     registry.EvidenceLevel `json:"evidence"`
	Checks       int64                  `json:"checks_millionths"`
	StartPoints  int32                  `json:"start_points"` // the index of an enterprise about which nothing is known
	Dimensions   []DimensionPoints      `json:"dimensions"`
	Records      []RecordPoints         `json:"records"`
	Quiet        []QuietPoints          `json:"quiet"`
	Gates        []GateResult           `json:"gates"`
	Vetoes       []VetoResult           `json:"vetoes"`
	MatrixColour registry.Colour        `json:"matrix_colour"` // the earned colour before vetoes
	NextChangeOn registry.Day           `json:"next_change_on,omitzero"`
	Levels       Levels                 `json:"evidence_levels_milli"` // decayed checks that each evidence level needs
	Items        []ItemState            `json:"capability_items"`
	Movement     Movement               `json:"movement"`
	Reasons      []Reason               `json:"reasons"` // at most four
	PathUp       Path                   `json:"path_up"`
	Digest       string                 `json:"digest"`
}

// ModelName names a version of a model.
type ModelName struct {
	Code    string `json:"code"`
	Version int    `json:"version"`
	Digest  string `json:"digest"`
}

// DimensionPoints is one dimension's part.
type DimensionPoints struct {
	Dimension Dimension `json:"dimension"`
	Weight    int64     `json:"weight_milli"`
	Mu        int64     `json:"mu_ppm"`
	K         int64     `json:"k_milli"`
	Bad       int64     `json:"bad"`
	Good      int64     `json:"good"`
	LossPPM   int32     `json:"loss_ppm"`
	Start     int32     `json:"start_points"` // its part of the start; the parts add up to the whole start
	Points    int32     `json:"points"`       // what records and quiet time add to the start
}

// RecordPoints is one record's part.
type RecordPoints struct {
	Source      string            `json:"source"`
	SourceRef   string            `json:"source_ref"`
	Revision    int32             `json:"revision"`
	Kind        registry.Kind     `json:"kind"`
	Outcome     string            `json:"outcome"`
	Severity    registry.Severity `json:"severity,omitzero"`
	OccurredOn  registry.Day      `json:"occurred_on"`
	State       registry.State    `json:"state"`
	RectifyBy   registry.Day      `json:"rectify_by,omitzero"`
	RectifiedOn registry.Day      `json:"rectified_on,omitzero"`
	CaseID      string            `json:"case_id,omitempty"`
	ProductCode string            `json:"product_code,omitempty"`
	Subject     string            `json:"subject,omitempty"` // capability item, licence or certificate number, name of a list
	Findings    FindingCounts     `json:"findings,omitzero"`
	Dimension   string            `json:"dimension,omitempty"` // none when the record has no mass
	Bad         int64             `json:"bad"`
	Good        int64             `json:"good"`
	Points      int32             `json:"points"`
	Note        string            `json:"note,omitempty"` // voided, provisional, repaired, outside_window, no_mass, replaced_by, counted_with, capped
	With        string            `json:"with,omitempty"` // source/source_ref of the record that counts instead

	GateSeverity registry.Severity `json:"gate_severity,omitzero"` // as gates that look back at grave records see it
	Raises       string            `json:"raises,omitempty"`       // the circumstance of a veto that rests on this record
}

// FindingCounts counts findings by severity.
type FindingCounts struct {
	Minor    int `json:"minor"`
	Major    int `json:"major"`
	Critical int `json:"critical"`
}

// ItemState is the newest word about a capability item of the model.
type ItemState struct {
	Item      string `json:"item"`
	Held      bool   `json:"held"`
	Outcome   string `json:"outcome,omitempty"` // none: nothing is known
	Source    string `json:"source,omitempty"`  // of the record that says so
	SourceRef string `json:"source_ref,omitempty"`
}

// QuietPoints is the part of quiet time in a dimension.
type QuietPoints struct {
	Dimension Dimension `json:"dimension"`
	Blocks    int       `json:"blocks"` // of 30 days
	Good      int64     `json:"good"`
	Points    int32     `json:"points"`
}

// GateResult tells whether a gate of a tier is passed.
type GateResult struct {
	Tier registry.Tier `json:"tier"`
	Condition
	Actual    int32 `json:"actual"`
	Held      bool  `json:"held"`
	IndexFrom int32 `json:"index_from"` // hundredths that the tier asks for
	Binds     bool  `json:"binds"`      // the index earns the tier and this gate is closed
}

// Never reports whether the gate counts days since something that never happened: Actual is then no number of days.
func (g *GateResult) Never() bool { return g.Actual == never }

// VetoResult is a veto that fired.
type VetoResult struct {
	Colour registry.Colour `json:"colour"`
	Condition
	Actual int32 `json:"actual"`
}

// Explain grades the evidence as Grade does and shows where every point comes from.
func (a *Assessor) Explain(e *Evidence, asOf registry.Day, knownAt time.Time) Explanation {
	g, outlook := a.GradeAhead(e, asOf)
	path := a.pathUp(e, asOf, g.Standing, outlook.GradeOn)
	x := a.Assess(e, asOf)
	digest, _ := a.Digests(e, asOf, knownAt, &g)
	out := Explanation{
		USCC: e.USCC, AsOf: asOf, KnownAt: knownAt.UTC(), Risk: e.Risk, RegisteredOn: e.RegisteredOn,
		Model: ModelName{a.model.Code, a.model.Version, a.model.digest},
		Index: x.Index, Tier: g.Tier, Colour: g.Colour, EarnedTier: x.Tier, EarnedColour: x.Colour, TierSince: g.TierSince,
		ColourSince: g.ColourSince, Evidence: x.Evidence, Checks: x.Checks,
		StartPoints: a.t.start[e.Risk], MatrixColour: a.t.matrix[e.Risk][x.Tier], NextChangeOn: outlook.GradeOn, Digest: hex.EncodeToString(digest[:]),
		Records: a.recordPoints(e), Quiet: a.quietPoints(), Gates: a.gateResults(&x), Vetoes: a.vetoResults(),
		Levels: a.model.Levels, Items: a.itemStates(e), Movement: a.model.Movement, PathUp: path,
	}
	a.share(int(e.Risk), &out)
	out.Dimensions = a.dimensionPoints(int(e.Risk), &x, &out)
	out.Reasons = Reasons(&out)
	return out
}

func (a *Assessor) recordPoints(e *Evidence) []RecordPoints {
	records := make([]RecordPoints, len(a.weighed))
	for i := range a.weighed {
		f, w := &e.facts[i], &a.weighed[i]
		r := &records[i]
		*r = RecordPoints{Source: f.Source, SourceRef: f.SourceRef, Revision: f.Revision, Kind: f.Kind(), Outcome: f.Outcome(),
			Severity: f.Severity, OccurredOn: f.OccurredOn, State: f.State(), RectifyBy: f.RectifyBy, RectifiedOn: f.RectifiedOn,
			CaseID: f.Case, ProductCode: f.ProductCode, Subject: f.Subject, Findings: FindingCounts{int(f.Minor), int(f.Major), int(f.Critical)},
			Good: w.good, Note: noteNames[w.note], GateSeverity: a.gateSeverity(e, i)}
		if circumstance, raised := a.cause(e, i); raised {
			r.Raises = circumstance.String()
		}
		if w.note == noteCounts || w.note >= noteReplaced || w.note == noteRepaired {
			r.Dimension = w.dimension.String()
		}
		if w.note == noteCountedWith || w.note == noteReplaced {
			r.With = e.facts[w.with].Source + "/" + e.facts[w.with].SourceRef
		}
		if w.note != noteCountedWith {
			r.Bad = w.bad
		}
	}
	return records
}

func (a *Assessor) quietPoints() []QuietPoints {
	quiet := []QuietPoints{}
	for d, blocks := range a.quietBlocks {
		if blocks == 0 {
			continue
		}
		var only tally
		a.addQuietOf(d, &only)
		quiet = append(quiet, QuietPoints{Dimension: Dimension(d), Blocks: blocks, Good: only.good[d]})
	}
	return quiet
}

func (a *Assessor) gateResults(x *Assessment) []GateResult {
	gates := []GateResult{}
	for _, rule := range a.model.Tiers {
		reached := x.Evidence >= registry.EvidenceFair && x.Index >= rule.IndexFrom && rule.Tier < x.Tier
		for _, gate := range rule.Gates {
			held := gate.holds(&a.state)
			gates = append(gates, GateResult{rule.Tier, gate, a.state[gate.Fact], held, rule.IndexFrom, reached && !held})
		}
	}
	return gates
}

func (a *Assessor) vetoResults() []VetoResult {
	vetoes := []VetoResult{}
	for _, veto := range a.model.Vetoes {
		if veto.holds(&a.state) {
			vetoes = append(vetoes, VetoResult{veto.Colour, veto.Condition, a.state[veto.Fact]})
		}
	}
	return vetoes
}

func (a *Assessor) dimensionPoints(risk int, x *Assessment, out *Explanation) []DimensionPoints {
	list := make([]DimensionPoints, dimensions)
	beliefs := a.model.beliefs(risk)
	for d := range list {
		list[d] = DimensionPoints{Dimension: Dimension(d), Weight: a.t.weight[d], Mu: beliefs[d].Mu, K: beliefs[d].K,
			Bad: a.sum.bad[d], Good: a.sum.good[d], LossPPM: x.LossPPM[d]}
	}
	a.splitStart(risk, list)
	for i, r := range out.Records {
		list[a.weighed[i].dimension].Points += r.Points
	}
	for _, q := range out.Quiet {
		list[q.Dimension].Points += q.Points
	}
	return list
}

func (m *Model) beliefs(risk int) [dimensions]Belief {
	return [][dimensions]Belief{m.Peers.Groups.General.list(), m.Peers.Groups.Higher.list(), m.Peers.Groups.High.list()}[risk]
}
