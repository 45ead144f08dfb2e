package main

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

// replayed is what replay prints about one assessment.
type replayed struct {
	USCC     registry.USCC   `json:"uscc"`
	AsOf     registry.Day    `json:"as_of"`
	KnownAt  time.Time       `json:"known_at"`
	Model    string          `json:"model"`
	Stored   string          `json:"stored,omitempty"` // digest; empty when no assessment of these dates is kept
	Computed string          `json:"computed"`
	Index    int32           `json:"index"`
	Tier     registry.Tier   `json:"tier"`
	Colour   registry.Colour `json:"colour"`
	Same     bool            `json:"same"` // true also when there is nothing to compare with
}

func (p *program) replayCommand() *cobra.Command {
	var asOf, knownAt string
	c := &cobra.Command{
		Use: "replay USCC", Short: "Compute a past assessment again and compare its digest", Args: arguments("USCC"),
		Long: "Computes the assessment of an enterprise as of a day, knowing what was known at an instant, again from the records, and\n" +
			"compares it with the one that was stored then. Without dates it replays the current one. Exit code 1 when they differ.",
		Example: "  healthcode replay 91350100M000100Y43\n  healthcode replay 91350100M000100Y43 --as-of 2026-06-30 --known-at 2026-06-30T18:00:00.123456Z --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&asOf, "as-of", "", "day, YYYY-MM-DD (default that of the current assessment)")
	c.Flags().StringVar(&knownAt, "known-at", "", "instant, RFC 3339 with six digits as in the export (default that of the current assessment)")
	c.RunE = func(c *cobra.Command, given []string) error {
		code, err := parseCode(c, given[0])
		if err != nil {
			return err
		}
		var at moment
		if at.asOf, err = parseDayFlag(c, "as-of", asOf); err != nil {
			return err
		}
		if at.knownAt, err = parseInstantFlag(c, "known-at", knownAt); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			r, err := p.replay(c.Context(), db, code, at)
			if err != nil {
				return err
			}
			return p.printReplay(r)
		})
	}
	return c
}

func (p *program) replay(ctx context.Context, db *schema.DB, code registry.USCC, at moment) (*replayed, error) {
	stored, at, err := p.storedAt(ctx, db, code, at)
	if err != nil {
		return nil, err
	}
	scorers := scorers{db: db}
	a, err := scorers.of(ctx, at.model)
	if err != nil {
		return nil, err
	}
	evidence, err := db.EvidenceOf(ctx, code, at.asOf, at.knownAt)
	if err != nil {
		return nil, err
	}
	g := a.Grade(evidence, at.asOf)
	digest, _ := a.Digests(evidence, at.asOf, at.knownAt, &g)
	r := &replayed{USCC: code, AsOf: at.asOf, KnownAt: at.knownAt, Model: at.model.String(), Computed: hex.EncodeToString(digest[:]),
		Index: g.Earned.Index, Tier: g.Tier, Colour: g.Colour, Same: true}
	if stored != nil {
		r.Stored = hex.EncodeToString(stored.Digest[:])
		r.Same = stored.Digest == digest
	}
	return r, nil
}

// storedAt finds the stored assessment of a moment, current or kept in the history; nil when none has these dates.
func (p *program) storedAt(ctx context.Context, db *schema.DB, code registry.USCC, at moment) (*schema.Assessment, moment, error) {
	history, err := db.AssessmentHistory(ctx, code, 10_000)
	if err != nil {
		return nil, at, err
	}
	current, err := db.Assessment(ctx, code)
	if err != nil && !errors.Is(err, schema.ErrNotFound) {
		return nil, at, err
	}
	if current != nil {
		history = append([]schema.Assessment{*current}, history...)
	}
	for i := range history {
		a := &history[i]
		if (at.asOf == 0 || a.AsOf == at.asOf) && (at.knownAt.IsZero() || a.KnownAt.Equal(at.knownAt)) {
			return a, moment{a.AsOf, a.KnownAt, a.Model}, nil
		}
	}
	at, err = p.complete(ctx, db, code, at)
	return nil, at, err
}

func (p *program) printReplay(r *replayed) error {
	if p.json {
		if err := p.print(r); err != nil {
			return err
		}
	} else {
		p.say("%s as of %s, known at %s, model %s: index %s, tier %s, colour %s", r.USCC, r.AsOf, r.KnownAt.Format(scoring.TimeFormat), r.Model, points(r.Index), r.Tier, r.Colour)
		switch {
		case r.Stored == "":
			p.say("no assessment of these dates is kept: nothing to compare; digest %s", r.Computed)
		case r.Same:
			p.say("the same as stored: digest %s", r.Computed)
		default:
			p.say("DIFFERENT: stored %s, computed %s", r.Stored, r.Computed)
		}
	}
	if !r.Same {
		return errQuiet
	}
	return nil
}

// scorers keeps one assessor for each model.
type scorers struct {
	db   *schema.DB
	made map[schema.ModelRef]*scoring.Assessor
}

func (s *scorers) of(ctx context.Context, ref schema.ModelRef) (*scoring.Assessor, error) {
	ref.Digest = "" // a version never changes
	if a, known := s.made[ref]; known {
		return a, nil
	}
	model, err := jobs.ParseStored(ctx, s.db, ref.Code, ref.Version)
	if err != nil {
		return nil, err
	}
	if s.made == nil {
		s.made = map[schema.ModelRef]*scoring.Assessor{}
	}
	s.made[ref] = scoring.NewAssessor(model)
	return s.made[ref], nil
}
