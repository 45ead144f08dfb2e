package schema

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// ModelRef names one version of a model and its exact content.
type ModelRef struct {
	Code    string `json:"code"`
	Version int    `json:"version"`
	Digest  string `json:"digest,omitempty"`
}

// Grade is what assessing one enterprise yields: what a run's callback returns.
type Grade struct {
	Index         int32           // hundredths
	Tier          registry.Tier   // published
	Colour        registry.Colour // published
	Evidence      registry.EvidenceLevel
	Checks        int64        // millionths of a check
	LossPPM       [5]int32     // by dimension
	NextChangeOn  registry.Day // the day on which time alone changes the published grade; none = never
	EarnedTier    registry.Tier
	EarnedColour  registry.Colour
	TierSince     registry.Day // since when a better tier is earned without a break; none = it is not
	ColourSince   registry.Day
	StandingUntil registry.Day // the day on which time alone changes tier, colour or the two days before; none = never
	Digest        [32]byte     // of inputs and outputs
}

// Assessment is a stored grade with the run, the two dates and the model that it was given under.
type Assessment struct {
	USCC registry.USCC
	Grade
	Run           int64
	AsOf          registry.Day
	KnownAt       time.Time
	Model         ModelRef     // without the model's digest
	ChangedOn     registry.Day // the as-of day on which tier or colour last changed
	RecordsDigest string       // tells whether the records behind the grade are the same, hexadecimal
}

const assessmentColumns = `uscc, run_id, as_of, known_at, model_code, model_version, index_value, tier, colour, evidence, checks, losses,
	next_change_on, changed_on, earned_tier, earned_colour, tier_since, colour_since, standing_until, digest, records_digest`

type assessmentRow struct {
	runID int64
	Assessment
	known          int64
	losses, digest string
}

func (r *assessmentRow) fields() []any {
	return []any{(*string)(&r.USCC), &r.Run, (*int32)(&r.AsOf), &r.known, &r.Model.Code, &r.Model.Version, &r.Index, (*uint8)(&r.Tier),
		(*uint8)(&r.Colour), (*uint8)(&r.Evidence), &r.Checks, &r.losses, (*int32)(&r.NextChangeOn), (*int32)(&r.ChangedOn), (*uint8)(&r.EarnedTier),
		(*uint8)(&r.EarnedColour), (*int32)(&r.TierSince), (*int32)(&r.ColourSince), (*int32)(&r.StandingUntil), &r.digest, &r.RecordsDigest}
}

// assessment unpacks a stored row. The texts were written by values: they have the right form.
func (r *assessmentRow) assessment() Assessment {
	a := r.Assessment
	a.KnownAt = instant(r.known)
	for i, text := range strings.Fields(r.losses) {
		if n, err := strconv.ParseInt(text, 10, 32); err == nil && i < len(a.LossPPM) {
			a.LossPPM[i] = int32(n)
		}
	}
	if digest, err := hex.DecodeString(r.digest); err == nil {
		copy(a.Digest[:], digest)
	}
	return a
}

func (a *Assessment) values() []any {
	losses := make([]byte, 0, 40)
	for i, loss := range a.LossPPM {
		if i > 0 {
			losses = append(losses, ' ')
		}
		losses = strconv.AppendInt(losses, int64(loss), 10)
	}
	return []any{string(a.USCC), a.Run, int64(a.AsOf), micros(a.KnownAt), a.Model.Code, a.Model.Version, int64(a.Index), int64(a.Tier),
		int64(a.Colour), int64(a.Evidence), a.Checks, string(losses), int64(a.NextChangeOn), int64(a.ChangedOn), int64(a.EarnedTier),
		int64(a.EarnedColour), int64(a.TierSince), int64(a.ColourSince), int64(a.StandingUntil), hex.EncodeToString(a.Digest[:]), a.RecordsDigest}
}

// coalesced reads the columns of a table that an outer join may have left empty.
func coalesced(alias, columns string) string {
	texts := map[string]bool{"uscc": true, "model_code": true, "losses": true, "digest": true, "records_digest": true}
	names := strings.Split(columns, ",")
	for i, name := range names {
		name = strings.TrimSpace(name)
		nothing := "0"
		if texts[name] {
			nothing = "''"
		}
		names[i] = "coalesce(" + alias + "." + name + ", " + nothing + ")"
	}
	return strings.Join(names, ", ")
}

func readAssessment(scan func(...any) error) (Assessment, error) {
	var row assessmentRow
	if err := scan(row.fields()...); err != nil {
		return Assessment{}, err
	}
	return row.assessment(), nil
}

// Assessment returns the current assessment of an enterprise, or ErrNotFound.
func (db *DB) Assessment(ctx context.Context, code registry.USCC) (*Assessment, error) {
	statement, err := db.statement(ctx, `SELECT `+assessmentColumns+` FROM assessment WHERE uscc = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read assessment", err)
	}
	var row assessmentRow
	if err := statement.QueryRowContext(ctx, string(code)).Scan(row.fields()...); err != nil {
		return nil, db.fail(ctx, "read assessment", err)
	}
	a := row.assessment()
	return &a, nil
}

// Assessments iterates over the current assessment of every enterprise in the order of their codes (by bytes).
func (db *DB) Assessments(ctx context.Context) iter.Seq2[Assessment, error] {
	return stream(ctx, db, "read assessments", `SELECT `+assessmentColumns+` FROM assessment ORDER BY uscc`, nil, readAssessment)
}

// AssessmentHistory returns the kept assessments of an enterprise, newest first, at most limit; none is no error.
func (db *DB) AssessmentHistory(ctx context.Context, code registry.USCC, limit int) ([]Assessment, error) {
	var found []Assessment
	const query = `SELECT ` + assessmentColumns + ` FROM assessment_history WHERE uscc = ? ORDER BY as_of DESC, known_at DESC LIMIT ?`
	for a, err := range stream(ctx, db, "read assessment history", query, []any{string(code), limit}, readAssessment) {
		if err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	return found, nil
}

// Distribution counts the current assessments by tier and by colour.
type Distribution struct {
	Total   int
	Tiers   map[registry.Tier]int
	Colours map[registry.Colour]int
}

// CountAssessments returns the distribution of the current grades within a sight.
func (db *DB) CountAssessments(ctx context.Context, sight access.Sight) (*Distribution, error) {
	d := &Distribution{Tiers: make(map[registry.Tier]int), Colours: make(map[registry.Colour]int)}
	read := func(scan func(...any) error) ([3]int, error) {
		var tier, colour, n int
		err := scan(&tier, &colour, &n)
		return [3]int{tier, colour, n}, err
	}
	bound, values := seenByCode(sight, "a.uscc")
	query := `SELECT a.tier, a.colour, count(*) FROM assessment a WHERE ` + bound + ` GROUP BY a.tier, a.colour`
	for row, err := range stream(ctx, db, "count assessments", query, values, read) {
		if err != nil {
			return nil, err
		}
		d.Total += row[2]
		d.Tiers[registry.Tier(row[0])] += row[2]
		d.Colours[registry.Colour(row[1])] += row[2]
	}
	return d, nil
}

// String names the version: code/version.
func (m ModelRef) String() string { return fmt.Sprintf("%s/%d", m.Code, m.Version) }
