package scoring

import (
	"context"
	"fmt"
)

// CalibrateBefore returns the model of the options with its peers, and perhaps its cuts, estimated from what was known on the day before the
// back-test begins: the same past that its first grade sees, and nothing later. It sets CalibratedOn.
func CalibrateBefore(ctx context.Context, source Dossiers, o *BacktestOptions, cuts bool) error {
	if err := o.check(); err != nil {
		return err
	}
	p := EndOf(o.From-1, o.KnownAsOccurred)
	c, err := Calibrate(pastOf(ctx, source, p), p.AsOf, o.Model, CalibrateOptions{Cuts: cuts, Seed: o.Seed, Replicates: 20})
	if err != nil {
		return err
	}
	o.Model, o.CalibratedOn = c.Draft, p.AsOf
	return nil
}

// pastOf hands out everybody's evidence from a point of view on the past, guarded like that of a back-test.
func pastOf(ctx context.Context, source Dossiers, p Point) EvidenceSource {
	return func(yield func(*Evidence) error) error {
		var evidence Evidence
		var past []KnownFact
		var g guard
		return source(ctx, func(d Dossier) error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("calibrate: %w", err)
			}
			who, known, ok := d.At(p, past[:0])
			past = known
			if !ok || who.RegisteredOn > p.AsOf {
				return nil
			}
			facts, err := g.admit(d.Whose().USCC, &p, known)
			if err != nil {
				return err
			}
			evidence.Set(who, facts)
			return yield(&evidence)
		})
	}
}
