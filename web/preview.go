package web

import (
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// Preview shows an enterprise its own grade under the model in use and under a proposed version, and takes its comment.
type Preview struct {
	Code          string // of the model
	Version       int
	EffectiveOn   registry.Day
	Until         registry.Day // the last day for comments
	Before, After OwnGrade
	Changes       []string // of the model, in words
	Said          []Said
	MaxText       int    // characters of a comment
	Refused       bool   // the comment was not kept
	Text          string // of the comment that was not kept
}

// OwnGrade is an enterprise's grade under one model.
type OwnGrade scoring.OwnGrade

// Waits reports whether the evidence earns a better grade than the published one, which follows a step a cycle.
func (g OwnGrade) Waits() bool { return g.EarnedTier != g.Tier || g.EarnedColour != g.Colour }

// Same reports whether the version changes nothing that is published.
func (p *Preview) Same() bool {
	return p.Before.Index == p.After.Index && p.Before.Tier == p.After.Tier && p.Before.Colour == p.After.Colour
}

// Change is what the version does to the index, in hundredths.
func (p *Preview) Change() int32 { return p.After.Index - p.Before.Index }

// Said is a comment that was kept.
type Said struct {
	Text string
	At   time.Time
}
