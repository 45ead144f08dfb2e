package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"
)

// EvidenceReader reads what scoring needs.
type EvidenceReader interface {
	// EvidenceOf returns what was known of an enterprise, or an error that wraps schema.ErrNotFound when it was not known then.
	EvidenceOf(ctx context.Context, code registry.USCC, asOf registry.Day, knownAt time.Time) (*scoring.Evidence, error)
}

// explain returns the explanation of a moment, or of the live grade when no moment is asked for. Without either there is nothing to
// explain. The live grade is explained by its own model, another moment by the one that was active then.
func (s *server) explain(ctx context.Context, code registry.USCC, at moment, live *Grade) (*scoring.Explanation, error) {
	var ref schema.ModelRef
	switch {
	case at.asOf != 0:
		then, err := s.store.ActiveModelAt(ctx, at.knownAt)
		if err != nil && !errors.Is(err, schema.ErrNotFound) {
			return nil, fmt.Errorf("read model: %w", err)
		}
		if then != nil {
			ref = then.ModelRef
		}
	case live == nil:
		return nil, nil //nolint:nilnil // an enterprise without a grade has no explanation
	default:
		at, ref = moment{live.AsOf, live.KnownAt}, live.Model
	}
	model, err := s.model(ctx, ref)
	if err != nil {
		return nil, err
	}
	evidence, err := s.store.EvidenceOf(ctx, code, at.asOf, at.knownAt)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrNotKnownThen, err)
	}
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	explanation := scoring.NewAssessor(model).Explain(evidence, at.asOf, at.knownAt)
	return &explanation, nil
}

// explainedGrade is the grade that an explanation explains.
func explainedGrade(x *scoring.Explanation) *web.Grade {
	return &web.Grade{Index: x.Index, Tier: x.Tier, Colour: x.Colour, Evidence: x.Evidence, AsOf: x.AsOf, KnownAt: x.KnownAt,
		Model: fmt.Sprintf("%s v%d", x.Model.Code, x.Model.Version)}
}

// tellers returns one teller for each language, who know the names of the products that an explanation speaks of.
func (s *server) tellers(ctx context.Context, x *scoring.Explanation) (map[web.Language]web.Teller, error) {
	codes := web.ProductCodes(x)
	lines, err := s.productLines(ctx, codes)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(codes))
	for i, code := range codes {
		names[code] = lines[i].Name
	}
	tellers := map[web.Language]web.Teller{}
	for _, language := range web.Languages() {
		tellers[language] = web.Teller{Lang: language, Products: names}
	}
	return tellers, nil
}

// words puts an explanation into every language. Without an explanation there is nothing to say.
func (s *server) words(ctx context.Context, x *scoring.Explanation) (map[web.Language]web.Words, error) {
	if x == nil {
		return nil, nil //nolint:nilnil // an enterprise without a grade has no explanation
	}
	tellers, err := s.tellers(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("name the products of an explanation: %w", err)
	}
	words := map[web.Language]web.Words{}
	for language, teller := range tellers {
		words[language] = teller.Words(x)
	}
	return words, nil
}

func explanationView(x *scoring.Explanation, words web.Words) *web.Explanation {
	if x == nil {
		return nil
	}
	return &web.Explanation{
		Start: int64(x.StartPoints), Index: int64(x.Index), Reasons: reasonLines(x, words), Time: words.Time, Lifts: liftLines(x, words),
		Dimensions: dimensionLines(x), Records: recordLines(x.Records), Quiet: quietLines(x.Quiet),
		Gates: gateLines(x.Gates), Vetoes: vetoLines(x.Vetoes), NextChangeOn: x.NextChangeOn, ModelCode: x.Model.Code, ModelVersion: x.Model.Version,
		ModelDigest: x.Model.Digest, Digest: x.Digest, AsOf: x.AsOf, KnownAt: x.KnownAt,
	}
}

func reasonLines(x *scoring.Explanation, words web.Words) []web.ReasonLine {
	lines := make([]web.ReasonLine, len(words.Reasons))
	for i, w := range words.Reasons {
		lines[i] = web.ReasonLine{ReasonWords: w, Veto: x.Reasons[i].Veto}
	}
	return lines
}

func liftLines(x *scoring.Explanation, words web.Words) []web.LiftLine {
	lines := make([]web.LiftLine, len(words.Actions))
	for i, text := range words.Actions {
		lines[i].Text = text
		if i < len(x.PathUp.Actions) {
			lines[i].Colour = x.PathUp.Actions[i].Colour
		}
	}
	return lines
}

func dimensionLines(x *scoring.Explanation) []web.DimensionLine {
	lines := make([]web.DimensionLine, len(x.Dimensions))
	for i, d := range x.Dimensions {
		lines[i] = web.DimensionLine{Dimension: d.Dimension.String(), Weight: d.Weight, Start: int64(d.Start), Bad: d.Bad, Good: d.Good, Points: int64(d.Points)}
	}
	return lines
}

func recordLines(records []scoring.RecordPoints) []web.RecordLine {
	lines := make([]web.RecordLine, len(records))
	for i, r := range records {
		lines[i] = web.RecordLine{Source: r.Source, SourceRef: r.SourceRef, Revision: int(r.Revision), Kind: string(r.Kind), Outcome: r.Outcome,
			Severity: r.Severity.String(), OccurredOn: r.OccurredOn, Dimension: r.Dimension, Bad: r.Bad, Good: r.Good, Points: int64(r.Points),
			Note: r.Note, With: r.With}
	}
	return lines
}

func quietLines(quiet []scoring.QuietPoints) []web.QuietLine {
	lines := make([]web.QuietLine, len(quiet))
	for i, q := range quiet {
		lines[i] = web.QuietLine{Dimension: q.Dimension.String(), Blocks: int64(q.Blocks), Good: q.Good, Points: int64(q.Points)}
	}
	return lines
}

func gateLines(gates []scoring.GateResult) []web.RuleLine {
	lines := make([]web.RuleLine, len(gates))
	for i, g := range gates {
		lines[i] = web.RuleLine{Target: g.Tier.String(), Fact: g.Fact.String(), Operator: g.Operator, Value: int64(g.Value), Actual: int64(g.Actual), Held: g.Held}
	}
	return lines
}

func vetoLines(vetoes []scoring.VetoResult) []web.RuleLine {
	lines := make([]web.RuleLine, len(vetoes))
	for i, v := range vetoes {
		lines[i] = web.RuleLine{Target: v.Colour.String(), Fact: v.Fact.String(), Operator: v.Operator, Value: int64(v.Value), Actual: int64(v.Actual), Held: true}
	}
	return lines
}
