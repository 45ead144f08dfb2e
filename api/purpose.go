package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/supervision"
)

// HistoryReader reads what a purpose tells beyond the live grade.
type HistoryReader interface {
	// AssessmentHistory returns the kept assessments of an enterprise, newest first.
	AssessmentHistory(ctx context.Context, code registry.USCC, limit int) ([]schema.Assessment, error)
	// RecordsOf returns every revision of an enterprise's records in the order source, source_ref, revision.
	RecordsOf(ctx context.Context, code registry.USCC) ([]registry.Record, error)
}

// ErrPurpose is the reason for a purpose that is not the caller's.
var ErrPurpose = errors.New("the caller does not hold this purpose")

// PublicTold is what everybody may know of a grade.
type PublicTold struct {
	Tier   registry.Tier   `json:"tier"`
	Colour registry.Colour `json:"colour"`
	AsOf   registry.Day    `json:"as_of"`
}

// FinanceTold is what credit decisions may use. The exact index stays with the bureau and the enterprise.
type FinanceTold struct {
	PublicTold
	Band      IndexBand    `json:"index_band"`
	Since     registry.Day `json:"since,omitzero"` // when tier or colour last changed
	Trend     []TrendPoint `json:"trend"`
	Direction string       `json:"direction"` // rising, steady or falling: the last band of the trend beside its first
	Listings  []ListedTold `json:"listings"`
}

// PermittingTold is what permitting offices may use.
type PermittingTold struct {
	AsOf     registry.Day                 `json:"as_of"`
	Licences []registry.LicenceState      `json:"licences"`
	Vetoes   []VetoTold                   `json:"vetoes"`
	Open     []registry.OpenRectification `json:"open_rectifications"`
}

// VetoTold is a veto that fired: the circumstance and the colour that it allows at best.
type VetoTold struct {
	Fact   scoring.Circumstance `json:"fact"`
	Colour registry.Colour      `json:"colour"`
}

// ListingTold is whether an enterprise may stand on the list of trusted merchants: each criterion met or missed, and whether it is on the list.
type ListingTold struct {
	PublicTold
	Since        registry.Day                  `json:"since,omitzero"`
	OpenCritical int                           `json:"open_critical_findings"`
	Eligible     bool                          `json:"eligible"`
	Criteria     []supervision.CriterionResult `json:"criteria"`
	Listed       *ListedTold                   `json:"listed,omitempty"` // how it stands on the list
}

// ProjectTold is what applications for projects and awards may use.
type ProjectTold struct {
	PublicTold
	Since    registry.Day `json:"since,omitzero"`
	Listings []ListedTold `json:"listings"`
}

// IndexBand is where an index lies, in whole points: from From, below To (the last band includes 100).
type IndexBand struct {
	From int32 `json:"from"`
	To   int32 `json:"to"`
}

// bandWidth is the width of a band in points.
const bandWidth = 5

// bandOf returns the band of an index in hundredths.
func bandOf(index int32) IndexBand {
	from := min(max(index/100/bandWidth*bandWidth, 0), 100-bandWidth)
	return IndexBand{from, from + bandWidth}
}

// TrendPoint is a grade at the end of a month, or of today.
type TrendPoint struct {
	On     registry.Day    `json:"on"`
	Tier   registry.Tier   `json:"tier"`
	Colour registry.Colour `json:"colour"`
	Band   IndexBand       `json:"index_band"`
}

const (
	trendMonths = 12
	maxHistory  = 2000 // rows; an enterprise with more of them in a year has a shorter trend
)

// trendOf returns the grades at the ends of the twelve months before the live grade, and the live grade, oldest first. Months from before the
// first kept assessment are left out. history is newest first.
func trendOf(history []schema.Assessment, live *Grade) []TrendPoint {
	trend := []TrendPoint{}
	today := live.AsOf.Time()
	for ago := trendMonths - 1; ago >= 0; ago-- {
		end := registry.DayOf(time.Date(today.Year(), today.Month()-time.Month(ago), 0, 12, 0, 0, 0, registry.Shanghai))
		for i := range history {
			if a := &history[i]; a.AsOf <= end {
				trend = append(trend, TrendPoint{end, a.Tier, a.Colour, bandOf(a.Index)})
				break
			}
		}
	}
	return append(trend, TrendPoint{live.AsOf, live.Tier, live.Colour, bandOf(live.Index)})
}

func directionOf(trend []TrendPoint) string {
	switch first, last := trend[0].Band.From, trend[len(trend)-1].Band.From; {
	case last > first:
		return "rising"
	case last < first:
		return "falling"
	}
	return "steady"
}

// told returns what a purpose may know of an enterprise beside its live grade.
func (s *server) told(ctx context.Context, purpose access.Purpose, code registry.USCC, live *Grade) (any, error) {
	public := PublicTold{live.Tier, live.Colour, live.AsOf}
	if purpose == access.PurposePublic {
		return public, nil
	}
	today := registry.DayOf(s.now())
	records, err := s.store.RecordsOf(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	standing := registry.Standing(records, today)
	switch purpose {
	case access.PurposeFinance:
		return s.financeTold(ctx, public, code, live, standing)
	case access.PurposePermitting:
		return s.permittingTold(ctx, code, live, standing)
	case access.PurposeListing:
		return s.listingTold(ctx, public, code, live, standing)
	case access.PurposeProject:
		listed, err := s.listedTold(ctx, code, standing)
		return ProjectTold{public, live.ChangedOn, listed}, err
	default:
		return nil, ErrPurpose
	}
}

func (s *server) financeTold(ctx context.Context, public PublicTold, code registry.USCC, live *Grade, standing []registry.Record) (any, error) {
	history, err := s.store.AssessmentHistory(ctx, code, maxHistory)
	if err != nil {
		return nil, fmt.Errorf("read the history of the grade: %w", err)
	}
	listed, err := s.listedTold(ctx, code, standing)
	trend := trendOf(history, live)
	return FinanceTold{public, bandOf(live.Index), live.ChangedOn, trend, directionOf(trend), listed}, err
}

func (s *server) listingTold(ctx context.Context, public PublicTold, code registry.USCC, live *Grade, standing []registry.Record) (any, error) {
	results, err := s.criteriaOf(ctx, supervision.ListTrusted, code)
	if err != nil {
		return nil, err
	}
	listed, err := s.listedTold(ctx, code, standing)
	if err != nil {
		return nil, err
	}
	told := ListingTold{public, live.ChangedOn, openCritical(standing, s.today()), len(supervision.Missed(results)) == 0, results, nil}
	if at := slices.IndexFunc(listed, func(l ListedTold) bool { return l.List == supervision.ListTrusted }); at >= 0 {
		told.Listed = &listed[at]
	}
	return told, nil
}

func (s *server) permittingTold(ctx context.Context, code registry.USCC, live *Grade, standing []registry.Record) (any, error) {
	x, err := s.explain(ctx, code, moment{}, live)
	if err != nil {
		return nil, err
	}
	today := registry.DayOf(s.now())
	told := PermittingTold{live.AsOf, registry.LicencesOn(standing, today), make([]VetoTold, len(x.Vetoes)), registry.OpenRectifications(standing, today)}
	for i, veto := range x.Vetoes {
		told.Vetoes[i] = VetoTold{veto.Fact, veto.Colour}
	}
	return told, nil
}

func openCritical(standing []registry.Record, today registry.Day) (n int) {
	for _, open := range registry.OpenRectifications(standing, today) {
		if open.Severity == registry.SeverityCritical {
			n++
		}
	}
	return n
}
