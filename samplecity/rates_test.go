package samplecity_test

import (
	"testing"

	"healthcode/registry"
	"healthcode/samplecity"
)

// share counts how often something is so among the cases.
type share struct{ of, are int }

func (s *share) count(is bool) {
	s.of++
	if is {
		s.are++
	}
}

func (s share) percent() float64 { return 100 * float64(s.are) / float64(max(s.of, 1)) }

// survey is what a city looks like to a statistician.
type survey struct {
	stage, size           map[string]*share
	complaints            share // unsubstantiated among the decided
	records, corrections  int
	sizes                 map[registry.Size]int
	rechecks, loneRecheck int
}

func take(city *samplecity.City) *survey {
	s := &survey{stage: map[string]*share{}, size: map[string]*share{}, sizes: map[registry.Size]int{}}
	for e, records := range city.All() {
		s.sizes[e.Size]++
		s.records += len(records)
		failures, refs := map[string]bool{}, map[string]bool{}
		for i := range records {
			key := records[i].Source + records[i].SourceRef
			if refs[key] {
				s.corrections++
				continue
			}
			refs[key] = true
			s.record(e, &records[i], failures)
		}
		for i := range records {
			if records[i].Kind == registry.KindSpotCheck && records[i].Purpose == registry.PurposeTargeted {
				s.rechecks++
				if !failures[records[i].CaseID] {
					s.loneRecheck++
				}
			}
		}
	}
	return s
}

func (s *survey) record(e *registry.Enterprise, r *registry.Record, failures map[string]bool) {
	switch {
	case r.Kind == registry.KindSpotCheck && r.Purpose == registry.PurposeRandom:
		count(s.stage, r.Stage, r.Outcome == registry.OutcomeFail)
		count(s.size, string(e.Size), r.Outcome == registry.OutcomeFail)
		if r.Outcome == registry.OutcomeFail {
			failures[r.CaseID] = true
		}
	case r.Kind == registry.KindComplaint && r.Outcome != registry.OutcomePending:
		s.complaints.count(r.Outcome == registry.OutcomeUnsubstantiated)
	}
}

func count(shares map[string]*share, key string, is bool) {
	if shares[key] == nil {
		shares[key] = &share{}
	}
	shares[key].count(is)
}

// TestRatesFollowTheSources compares a large city with the published figures that rates.go names.
func TestRatesFollowTheSources(t *testing.T) {
	const enterprises = 30_000
	s := take(samplecity.Generate(11, enterprises, today))
	cases := []struct {
		name            string
		got, want, near float64
	}{
		{"failures at producers", s.stage[registry.StageProduction].percent(), 6.7, 0.7},
		{"failures in shops", s.stage[registry.StageShop].percent(), 15.1, 1.5},
		{"failures online", s.stage[registry.StageOnline].percent(), 23.5, 2},
		{"failures of large firms", s.size["large"].percent(), 0.8, 0.8},
		{"failures of medium firms", s.size["medium"].percent(), 2.2, 0.7},
		{"failures of small firms", s.size["small"].percent(), 13.2, 1},
		{"large firms", percent(s.sizes[registry.SizeLarge], enterprises), 1.9, 0.4},
		{"medium firms", percent(s.sizes[registry.SizeMedium], enterprises), 5.2, 0.6},
		{"unsubstantiated complaints", s.complaints.percent(), 34, 3},
		{"records an enterprise", float64(s.records) / enterprises, 11, 2},
		{"corrections in a hundred records", percent(s.corrections, s.records), 3, 1},
		{"re-checks without a failure in their case", float64(s.loneRecheck), 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Logf("%.2f", c.got)
			if c.got < c.want-c.near || c.got > c.want+c.near {
				t.Errorf("%.2f, want %.2f within %.2f", c.got, c.want, c.near)
			}
		})
	}
	if s.rechecks == 0 {
		t.Error("no re-check in the whole city")
	}
}

func percent(part, of int) float64 { return 100 * float64(part) / float64(of) }

// TestNothingIsKnownBeforeItHappened looks for dates in a revision that lie after the day on which the revision became known.
func TestNothingIsKnownBeforeItHappened(t *testing.T) {
	for _, records := range samplecity.Generate(3, 3000, today).All() {
		for i := range records {
			r := &records[i]
			if known := registry.DayOf(r.KnownAt); r.OccurredOn > known || r.RectifiedOn > known {
				t.Fatalf("known on %s: %+v", known, r)
			}
		}
	}
}
