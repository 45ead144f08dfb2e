package scoring

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"healthcode/registry"
)

// EvidenceSource hands out the evidence of every enterprise, always in the same order, and stops at the first error. It can be asked
// again. yield must not keep the evidence.
type EvidenceSource func(yield func(*Evidence) error) error

// The sources of an estimate.
const (
	FromGroup = "group" // the risk group's own enterprises
	FromWhole = "whole" // all enterprises: the group has too few
	FromBase  = "base"  // the base model: all together have too few, or none has two observations
)

// CalibrateOptions say how to calibrate. The zero value takes every default.
type CalibrateOptions struct {
	MinEnterprises int    // with evidence in a dimension, for an estimate of its own; 0: 30
	Replicates     int    // of the bootstrap; 0: 200
	Seed           uint64 // of the bootstrap
	LeastK, MostK  int64  // bounds of k in thousandths of a check; 0: 500 and 30000
	Version        int    // of the draft; 0: the base model's + 1
	Cuts           bool   // also propose cuts
	Shares         Shares // wanted for the cuts; zero: DefaultShares
	Progress       func(enterprises int)
}

func (o *CalibrateOptions) fill(base *Model) error {
	defaults := func(value *int64, otherwise int64) {
		if *value == 0 {
			*value = otherwise
		}
	}
	least, replicates, version := int64(o.MinEnterprises), int64(o.Replicates), int64(o.Version)
	defaults(&least, 30)
	defaults(&replicates, 200)
	defaults(&version, int64(base.Version)+1)
	defaults(&o.LeastK, 500)
	defaults(&o.MostK, 30_000)
	if o.Shares == (Shares{}) {
		o.Shares = DefaultShares
	}
	o.MinEnterprises, o.Replicates, o.Version = int(least), int(replicates), int(version)
	if least < 2 || replicates < 20 || replicates > 100_000 || o.LeastK < 1 || o.MostK > maxK || o.LeastK > o.MostK || o.Shares.sum() <= 0 {
		return ErrCalibrate
	}
	return nil
}

// ErrCalibrate is the reason for options that make no sense.
var ErrCalibrate = errors.New("calibrate: want at least 2 enterprises, 20 to 100000 replicates, 1 <= least k <= most k <= 1000000 and shares above 0")

// Estimate is what the data say about the peers of one risk group in one dimension. Mu is in millionths, K in thousandths of a check; From
// and To bound the middle 95 % of the bootstrap.
type Estimate struct {
	Risk         registry.RiskLevel `json:"risk"`
	Dimension    Dimension          `json:"dimension"`
	Source       string             `json:"source"`       // group, whole or base
	Enterprises  int                `json:"enterprises"`  // of the group, with evidence in the dimension
	Observations int                `json:"observations"` // of these: records and quiet blocks
	Belief
	MuFrom int64   `json:"mu_from_ppm"`
	MuTo   int64   `json:"mu_to_ppm"`
	KFrom  int64   `json:"k_from_milli"`
	KTo    int64   `json:"k_to_milli"`
	EPV    float64 `json:"epv"`               // expected process variance, of one check
	VHM    float64 `json:"vhm"`               // variance of hypothetical means, floored at 0
	Bound  string  `json:"k_bound,omitempty"` // "upper" or "lower": the estimate lay outside and k stands at the bound
	Before Belief  `json:"before"`            // of the base model
}

// Calibration is the outcome: what was estimated and the draft model that says it.
type Calibration struct {
	Base        ModelName    `json:"base"`
	AsOf        registry.Day `json:"as_of"`
	Enterprises int          `json:"enterprises"`
	Estimates   []Estimate   `json:"estimates"`
	Cuts        *CutProposal `json:"cuts,omitempty"`
	Draft       *Model       `json:"-"`
}

// Calibrate estimates mu and k for each risk group and dimension from the evidence as of a day, and writes them into a draft: the base
// model with another version. Masses, cases, caps and quiet time are those of the base model. The same evidence and options give the
// same draft, byte for byte.
func Calibrate(source EvidenceSource, asOf registry.Day, base *Model, options CalibrateOptions) (*Calibration, error) {
	if err := options.fill(base); err != nil {
		return nil, err
	}
	sample, err := takeSample(source, asOf, base, options.Progress)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	c := &Calibration{Base: base.Name(), AsOf: asOf, Enterprises: sample.enterprises, Estimates: sample.estimates(base, &options)}
	draft, err := base.revised(options.Version, func(m *Model) {
		for _, e := range c.Estimates {
			*m.belief(e.Risk, e.Dimension) = e.Belief
		}
	})
	if err == nil && options.Cuts {
		c.Cuts, err = proposeCuts(source, asOf, draft, options.Shares)
	}
	if err == nil && options.Cuts {
		draft, err = draft.revised(options.Version, c.Cuts.apply)
	}
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	c.Draft = draft
	return c, nil
}

// Name returns the code, version and digest of the model.
func (m *Model) Name() ModelName { return ModelName{m.Code, m.Version, m.digest} }

// Renumbered returns the same model under another version number: the body of a rollback.
func (m *Model) Renumbered(version int) (*Model, error) { return m.revised(version, func(*Model) {}) }

// revised returns a changed copy of the model under another version number, checked like one that was read.
func (m *Model) revised(version int, change func(*Model)) (*Model, error) {
	draft := &Model{}
	if err := json.Unmarshal(m.source, draft); err != nil {
		return nil, fmt.Errorf("copy model: %w", err)
	}
	for language, title := range draft.Title { // "默认模型 v1" says its version
		draft.Title[language] = strings.ReplaceAll(title, "v"+strconv.Itoa(m.Version), "v"+strconv.Itoa(version))
	}
	draft.Version = version
	change(draft)
	if problems := draft.validate(); len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrModel, problems)
	}
	return draft, draft.compile()
}

// belief returns where the model keeps the belief of a group in a dimension.
func (m *Model) belief(risk registry.RiskLevel, d Dimension) *Belief {
	g := &m.Peers.Groups
	b := [3]*Beliefs{&g.General, &g.Higher, &g.High}[risk]
	return [dimensions]*Belief{&b.SpotCheck, &b.Inspection, &b.Complaint, &b.Compliance, &b.Capability}[d]
}

// peerSample holds one unit for each enterprise with evidence, by risk group and dimension.
type peerSample struct {
	enterprises int
	units       [3][dimensions][]peerUnit
}

func takeSample(source EvidenceSource, asOf registry.Day, base *Model, progress func(int)) (*peerSample, error) {
	s, a := &peerSample{}, NewAssessor(base)
	err := source(func(e *Evidence) error {
		a.Assess(e, asOf)
		var units [dimensions]peerUnit
		a.addTo(&units)
		for d := range units {
			if units[d].n > 0 {
				s.units[e.Risk][d] = append(s.units[e.Risk][d], units[d])
			}
		}
		if s.enterprises++; progress != nil {
			progress(s.enterprises)
		}
		return nil
	})
	return s, err
}

// addTo adds what counted in the last assessment: each record with mass and each quiet block is one observation of weight N+G and level
// N/(N+G). Of a record counted with another only the good mass is left.
func (a *Assessor) addTo(units *[dimensions]peerUnit) {
	for i := range a.weighed {
		w := &a.weighed[i]
		bad := w.bad
		if w.note == noteCountedWith {
			bad = 0
		}
		units[w.dimension].add(checks(bad), checks(bad+w.good), 1)
	}
	for d, blocks := range a.quietBlocks {
		if blocks > 0 {
			var only tally
			a.addQuietOf(d, &only)
			units[d].add(0, checks(only.good[d]), blocks)
		}
	}
}

// checks turns millionths of a check into checks.
func checks(mass int64) float64 { return float64(mass) / 1_000_000 }

// estimates returns one estimate for each group and dimension: the group's own, the whole population's, or what the base model has.
func (s *peerSample) estimates(base *Model, o *CalibrateOptions) []Estimate {
	var list []Estimate
	for d := range dimensions {
		var whole *Estimate
		for risk := range registry.RiskLevel(3) {
			own := s.units[risk][d]
			e, ok := estimatePeers(own, uint64(d)*4+uint64(risk), o)
			e.Source = FromGroup
			if !ok {
				if whole == nil {
					whole = s.whole(d, o)
				}
				e = *whole
			}
			e.Risk, e.Dimension, e.Before = risk, d, *base.belief(risk, d)
			e.Enterprises, e.Observations = len(own), observations(own)
			if e.Source == FromBase {
				e.Belief = e.Before
				e.MuFrom, e.MuTo, e.KFrom, e.KTo = e.Mu, e.Mu, e.K, e.K
			}
			list = append(list, e)
		}
	}
	return list
}

func (s *peerSample) whole(d Dimension, o *CalibrateOptions) *Estimate {
	var all []peerUnit
	for risk := range s.units {
		all = append(all, s.units[risk][d]...)
	}
	e, ok := estimatePeers(all, uint64(d)*4+3, o)
	e.Source = FromWhole
	if !ok {
		e = Estimate{Source: FromBase}
	}
	return &e
}
