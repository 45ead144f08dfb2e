package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"iter"

	"healthcode/exchange"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

func (p *program) exportCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "export KIND", Short: "Print enterprises, products, regions, records, models, assessments or codes, one JSON object a line", Args: arguments("KIND"),
		Long: "Prints everything of a kind in key order: enterprises, products, regions, records (every revision), models, assessments (the\n" +
			"current ones), codes (issued ones). With models and assessments a stranger can compute every grade again: see docs/method.md.",
		Example: "  healthcode export assessments > assessments.ndjson\n  healthcode export records --format csv > records.csv",
	}
	c.Flags().StringVar(&format, "format", "ndjson", "ndjson or csv (csv not for models, assessments, codes)")
	c.RunE = func(c *cobra.Command, given []string) error {
		write, known := p.exporter(given[0], format)
		if !known {
			return usage(c, "%q cannot be exported as %q; want enterprises, products, regions or records as ndjson or csv, models, assessments or codes as ndjson", given[0], format)
		}
		return p.withDB(c.Context(), func(db *schema.DB) error { return write(c.Context(), db) })
	}
	return c
}

type exporter func(ctx context.Context, db *schema.DB) error

func (p *program) exporter(kind, format string) (exporter, bool) {
	out, known := map[string]exporter{
		"enterprises/ndjson": func(ctx context.Context, db *schema.DB) error { return ndjson(p, db.Enterprises(ctx)) },
		"products/ndjson":    func(ctx context.Context, db *schema.DB) error { return ndjson(p, db.Products(ctx)) },
		"regions/ndjson":     func(ctx context.Context, db *schema.DB) error { return ndjson(p, db.Regions(ctx)) },
		"records/ndjson":     func(ctx context.Context, db *schema.DB) error { return ndjson(p, db.Records(ctx)) },
		"models/ndjson":      p.exportModels,
		"assessments/ndjson": func(ctx context.Context, db *schema.DB) error { return ndjson(p, assessmentLines(db.Assessments(ctx))) },
		"codes/ndjson":       func(ctx context.Context, db *schema.DB) error { return ndjson(p, codeLines(db.Codes(ctx))) },
		"enterprises/csv": func(ctx context.Context, db *schema.DB) error {
			return csvOf(p, exchange.NewEnterpriseCSV, pointed(db.Enterprises(ctx)))
		},
		"products/csv": func(ctx context.Context, db *schema.DB) error {
			return csvOf(p, exchange.NewProductCSV, db.Products(ctx))
		},
		"regions/csv": func(ctx context.Context, db *schema.DB) error {
			return csvOf(p, exchange.NewRegionCSV, db.Regions(ctx))
		},
		"records/csv": func(ctx context.Context, db *schema.DB) error {
			return csvOf(p, exchange.NewRecordCSV, db.Records(ctx))
		},
	}[kind+"/"+format]
	return out, known
}

func ndjson[T any](p *program, values iter.Seq2[T, error]) error {
	w := exchange.NewNDJSONWriter(p.out)
	for value, err := range values {
		if err != nil {
			return err
		}
		if err := w.Write(value); err != nil {
			return err
		}
	}
	return w.Flush()
}

func csvOf[T any](p *program, open func(io.Writer) (*exchange.CSVWriter[T], error), values iter.Seq2[T, error]) error {
	w, err := open(p.out)
	if err != nil {
		return err
	}
	for value, err := range values {
		if err != nil {
			return err
		}
		if err := w.Write(&value); err != nil {
			return err
		}
	}
	return w.Flush()
}

// pointed turns pointers into values.
func pointed[T any](values iter.Seq2[*T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for value, err := range values {
			if value == nil {
				value = new(T)
			}
			if !yield(*value, err) {
				return
			}
		}
	}
}

// exportModels prints the exact bytes of each model: the SHA-256 of a line without its line break is the model's digest.
func (p *program) exportModels(ctx context.Context, db *schema.DB) error {
	for m, err := range db.Models(ctx) {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(p.out, m.Body); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// assessmentLine is a current assessment as export prints it.
type assessmentLine struct {
	USCC         registry.USCC          `json:"uscc"`
	AsOf         registry.Day           `json:"as_of"`
	KnownAt      string                 `json:"known_at"`
	Model        string                 `json:"model"` // code/version
	Index        int32                  `json:"index"` // hundredths
	Tier         registry.Tier          `json:"tier"`
	Colour       registry.Colour        `json:"colour"`
	EarnedTier   registry.Tier          `json:"earned_tier"`
	EarnedColour registry.Colour        `json:"earned_colour"`
	TierSince    registry.Day           `json:"tier_since,omitzero"`
	ColourSince  registry.Day           `json:"colour_since,omitzero"`
	Evidence     registry.EvidenceLevel `json:"evidence"`
	Checks       int64                  `json:"checks_millionths"`
	LossPPM      [5]int32               `json:"loss_ppm"`
	ChangedOn    registry.Day           `json:"changed_on"`
	NextChangeOn registry.Day           `json:"next_change_on,omitzero"`
	Digest       string                 `json:"digest"`
	Run          int64                  `json:"run"`
}

func assessmentLines(values iter.Seq2[schema.Assessment, error]) iter.Seq2[assessmentLine, error] {
	return func(yield func(assessmentLine, error) bool) {
		for a, err := range values {
			line := assessmentLine{USCC: a.USCC, AsOf: a.AsOf, KnownAt: a.KnownAt.UTC().Format(scoring.TimeFormat), Model: a.Model.String(),
				Index: a.Index, Tier: a.Tier, Colour: a.Colour, EarnedTier: a.EarnedTier, EarnedColour: a.EarnedColour,
				TierSince: a.TierSince, ColourSince: a.ColourSince, Evidence: a.Evidence, Checks: a.Checks, LossPPM: a.LossPPM,
				ChangedOn: a.ChangedOn, NextChangeOn: a.NextChangeOn, Digest: hex.EncodeToString(a.Digest[:]), Run: a.Run}
			if !yield(line, err) {
				return
			}
		}
	}
}

// codeLine is an issued code as export prints it. iat and exp are Unix seconds, as in the token.
type codeLine struct {
	USCC      registry.USCC   `json:"uscc"`
	Index     uint32          `json:"idx"`
	KID       string          `json:"kid"`
	Form      string          `json:"form"`
	IssuedAt  int64           `json:"iat"`
	ExpiresAt int64           `json:"exp"`
	Tier      registry.Tier   `json:"tier"`
	Colour    registry.Colour `json:"colour"`
	Model     int             `json:"model"`
	JWT       string          `json:"jwt"`
}

func codeLines(values iter.Seq2[schema.Code, error]) iter.Seq2[codeLine, error] {
	return func(yield func(codeLine, error) bool) {
		for c, err := range values {
			line := codeLine{USCC: c.USCC, Index: c.Index, KID: c.KID, Form: c.Form, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
				Tier: c.Tier, Colour: c.Colour, Model: c.Model, JWT: c.JWT}
			if !yield(line, err) {
				return
			}
		}
	}
}
