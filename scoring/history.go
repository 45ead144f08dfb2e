package scoring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthcode/registry"
)

// Point is a point of view on the past: what had happened by the end of a day, as far as it was known at a moment.
type Point struct {
	AsOf    registry.Day
	KnownAt int64 // microseconds since 1970, UTC
	// KnownAsOccurred is for history that was loaded later than it happened: the first revision of each record counts as known from the day
	// on which it occurred, the first description of an enterprise or product from ever. Corrections keep the moment at which they came.
	KnownAsOccurred bool
}

// EndOf returns the point of view at the last microsecond of a day, Asia/Shanghai.
func EndOf(day registry.Day, knownAsOccurred bool) Point {
	return Point{AsOf: day, KnownAt: (day + 1).Time().UnixMicro() - 1, KnownAsOccurred: knownAsOccurred}
}

// KnownFact is a revision of a record with the moment at which it became known.
type KnownFact struct {
	Fact
	KnownAt    int64    // microseconds since 1970, UTC
	Inspectors []string // keyed hashes of those who did a check: for statistics about raters, never for grades
}

// learned returns from when on, at this point of view, a revision counts as known.
func (p *Point) learned(f *KnownFact) int64 {
	if p.KnownAsOccurred && f.Revision == 1 {
		return f.OccurredOn.Time().UnixMicro()
	}
	return f.KnownAt
}

// Description is one description of an enterprise: what it says holds from Since on and was known from KnownAt on.
type Description struct {
	Revision     int
	Since        registry.Day
	KnownAt      int64
	RegisteredOn registry.Day
	Products     []string
}

// ProductRisk is the risk of a product from a day on, known from a moment on.
type ProductRisk struct {
	Revision int
	Since    registry.Day
	KnownAt  int64
	Risk     registry.RiskLevel
}

// Catalogue holds the revisions of each product's risk, oldest first.
type Catalogue map[string][]ProductRisk

// Subject is what statistics about grades, but no grade, may know of an enterprise.
type Subject struct {
	USCC   registry.USCC
	Size   registry.Size
	Region string
}

// History is everything that was ever known about an enterprise. It can be filled again and again.
type History struct {
	Subject
	Descriptions []Description // oldest first
	Catalogue    Catalogue     // shared
	Facts        []KnownFact   // every revision, in the order of source, source_ref, revision
}

// Whose returns the enterprise.
func (h *History) Whose() Subject { return h.Subject }

// Everything returns every revision of every record.
func (h *History) Everything() []KnownFact { return h.Facts }

// At appends to dst the newest revision, as far as it was known, of each record that had happened. It is the one place where a past is cut.
// ok is false when no description of the enterprise was known and in force.
func (h *History) At(p Point, dst []KnownFact) (who Enterprise, facts []KnownFact, ok bool) {
	now := inForce(h.Descriptions, &p, func(d *Description) (int, registry.Day, int64) { return d.Revision, d.Since, d.KnownAt })
	if now == nil {
		return who, dst, false
	}
	who = Enterprise{USCC: h.USCC, RegisteredOn: now.RegisteredOn, Risk: h.risk(now.Products, &p)}
	for from := 0; from < len(h.Facts); {
		to, newest := from, -1
		for ; to < len(h.Facts) && sameRecord(&h.Facts[from].Fact, &h.Facts[to].Fact); to++ {
			if p.learned(&h.Facts[to]) <= p.KnownAt {
				newest = to
			}
		}
		if newest >= 0 && h.Facts[newest].OccurredOn <= p.AsOf {
			dst = append(dst, h.Facts[newest])
		}
		from = to
	}
	return who, dst, true
}

func (h *History) risk(products []string, p *Point) registry.RiskLevel {
	worst := registry.RiskGeneral
	for _, code := range products {
		if now := inForce(h.Catalogue[code], p, func(r *ProductRisk) (int, registry.Day, int64) { return r.Revision, r.Since, r.KnownAt }); now != nil {
			worst = max(worst, now.Risk)
		}
	}
	return worst
}

// inForce returns the last of the revisions that was known and in force.
func inForce[T any](revisions []T, p *Point, dates func(*T) (revision int, since registry.Day, knownAt int64)) *T {
	for i := len(revisions) - 1; i >= 0; i-- {
		revision, since, known := dates(&revisions[i])
		if since <= p.AsOf && (known <= p.KnownAt || (p.KnownAsOccurred && revision == 1)) {
			return &revisions[i]
		}
	}
	return nil
}

func sameRecord(a, b *Fact) bool { return a.SourceRef == b.SourceRef && a.Source == b.Source }

// ErrLeak is the reason for a back-test that stopped because it was handed something that could not have been known.
var ErrLeak = errors.New("the back-test was handed the future")

// guard checks what a source hands out before anything is graded. It does not trust the cut: it looks at each fact on its own.
type guard struct {
	masked int // rectification dates after the day, hidden
	facts  []Fact
}

// admit refuses a fact that had not happened or was not known (ErrLeak), hides rectifications that were still to come, and returns what may
// be graded. The facts are good until the next call.
func (g *guard) admit(whose registry.USCC, p *Point, known []KnownFact) ([]Fact, error) {
	g.facts = g.facts[:0]
	for i := range known {
		f := &known[i]
		switch {
		case f.OccurredOn > p.AsOf:
			return nil, fmt.Errorf("%w: %s, record %s/%s occurred on %s, after %s", ErrLeak, whose, f.Source, f.SourceRef, f.OccurredOn, p.AsOf)
		case p.learned(f) > p.KnownAt:
			return nil, fmt.Errorf("%w: %s, record %s/%s revision %d became known at %s, after the grade of %s", ErrLeak, whose, f.Source,
				f.SourceRef, f.Revision, time.UnixMicro(f.KnownAt).In(registry.Shanghai).Format(time.RFC3339), p.AsOf)
		}
		if f.RectifiedOn > p.AsOf {
			f.RectifiedOn = 0
			g.masked++
		}
		g.facts = append(g.facts, f.Fact)
	}
	slices.SortFunc(g.facts, compareFacts)
	for i := 1; i < len(g.facts); i++ {
		if sameRecord(&g.facts[i-1], &g.facts[i]) {
			return nil, fmt.Errorf("%w: %s, record %s/%s comes twice", ErrLeak, whose, g.facts[i].Source, g.facts[i].SourceRef)
		}
	}
	return g.facts, nil
}

// newestChecks returns the newest revision of each check that was not voided, by day.
func newestChecks(all []KnownFact) []KnownFact {
	var checks []KnownFact
	for i := range all {
		f := &all[i]
		last := i+1 == len(all) || !sameRecord(&f.Fact, &all[i+1].Fact)
		if last && isCheck(&f.Fact) && f.state != stateVoided {
			checks = append(checks, *f)
		}
	}
	slices.SortFunc(checks, func(a, b KnownFact) int {
		if c := cmp.Compare(a.OccurredOn, b.OccurredOn); c != 0 {
			return c
		}
		return strings.Compare(a.SourceRef, b.SourceRef)
	})
	return checks
}

// isCheck reports whether a fact is a completed spot check or inspection.
func isCheck(f *Fact) bool {
	return (f.kind == kindSpotCheck || f.kind == kindInspection) && f.outcome != outcomeRefused
}
