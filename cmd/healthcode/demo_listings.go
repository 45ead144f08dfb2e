package main

import (
	"context"
	"errors"
	"fmt"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// What the demo puts on lists: so many of each, at most demoCountyShare of them of one county.
const (
	demoListed      = 24 // trusted merchants that meet everything
	demoSuspended   = 3  // that do not, so that the job suspends them
	demoApplied     = 4  // that wait for a decision
	demoSerious     = 2
	demoCountyShare = 5
)

// demoHistory is how many days before the city's day the demo grades everybody once more, so that grades have been held for a while.
const demoHistory = 120

const demoPromise = "不合格产品不出厂，问题产品先行赔付。"

// demoAct is a step that somebody of the demo takes with a list.
type demoAct struct {
	Who string `json:"who"`
	schema.ListingAct
}

// demoPlan decides who of an invented city goes on which list.
type demoPlan struct {
	db    *schema.DB
	facts *jobs.ListingFacts
	asked *supervision.Criteria
	today registry.Day

	taken                               map[string]int // listed merchants by county
	listed, applied, suspended, serious int
	noticed                             bool

	plan [][]demoAct // for each enterprise its steps
}

// listDemo puts enterprises of the city on lists, through the same steps that people take, grades those whose records that changed, and follows the
// lists up. It plans first and keeps the plan: a demo that was killed goes on with it. The enterprise that the demo's account acts for is left to
// apply by itself. asOf is the day of the grades; none: today.
func (p *program) listDemo(ctx context.Context, db *schema.DB, d *demo, own registry.USCC, asOf registry.Day) (err error) {
	if d.Listed {
		return nil
	}
	if d.Lists == nil {
		if d.Lists, err = planDemo(ctx, db, own, d.Today); err != nil {
			return err
		}
		if err := d.write(p.dir); err != nil {
			return err
		}
	}
	for _, acts := range d.Lists {
		if err := takeActs(ctx, db, acts); err != nil {
			return err
		}
	}
	_, err = p.recompute(ctx, &jobs.Recompute{DB: db, Clock: p.now, AsOf: asOf, ChangedOnly: true, Lease: recomputeLease})
	if err != nil && !errors.Is(err, schema.ErrNothingDue) {
		return err
	}
	clock := p.now
	if asOf != 0 {
		clock = asOf.Time
	}
	if _, err = (&jobs.Listings{DB: db, Clock: clock}).RunOnce(ctx); err != nil && !errors.Is(err, schema.ErrNothingDue) {
		return err
	}
	d.Lists, d.Listed = nil, true
	return d.write(p.dir)
}

// takeActs takes those of an enterprise's steps with a list that were not taken yet.
func takeActs(ctx context.Context, db *schema.DB, acts []demoAct) error {
	steps, err := db.ListingSteps(ctx, acts[0].List, acts[0].USCC)
	if err != nil {
		return err
	}
	for _, act := range acts[min(len(steps), len(acts)):] {
		if _, err := db.TakeListingStep(schema.WithActor(ctx, schema.Actor{Kind: "command", Name: act.Who}), act.ListingAct); err != nil {
			return fmt.Errorf("put %s on a list: %w", act.USCC, err)
		}
	}
	return nil
}

func planDemo(ctx context.Context, db *schema.DB, own registry.USCC, today registry.Day) ([][]demoAct, error) {
	asked, err := db.ListingCriteria(ctx, supervision.ListTrusted, today)
	if err != nil {
		return nil, err
	}
	d := &demoPlan{db: db, facts: jobs.NewListingFacts(db), asked: asked, today: today, taken: map[string]int{}, plan: [][]demoAct{}}
	for a, err := range db.Assessments(ctx) {
		if err != nil {
			return nil, err
		}
		if a.USCC == own {
			continue
		}
		if err := d.place(ctx, a.USCC); err != nil {
			return nil, fmt.Errorf("find a list for %s: %w", a.USCC, err)
		}
		if d.full() {
			break
		}
	}
	return d.plan, nil
}

func (d *demoPlan) full() bool {
	return d.listed == demoListed && d.applied == demoApplied && d.suspended == demoSuspended && d.serious == demoSerious && d.noticed
}

// place decides where an enterprise goes, if anywhere.
func (d *demoPlan) place(ctx context.Context, code registry.USCC) error {
	found, _, err := d.facts.Of(ctx, code, d.today)
	if err != nil {
		return err
	}
	found.Commitment = registry.OutcomeMade // it will be, with the application
	missed := supervision.Missed(d.asked.Check(found, d.today))
	county := string(code[2:8])
	switch {
	case len(missed) == 0 && d.listed < demoListed && d.taken[county] < demoCountyShare:
		d.listed++
		d.taken[county]++
		d.add(d.listing(code, 60)...)
	case len(missed) == 0 && d.applied < demoApplied && d.taken[county] >= demoCountyShare:
		d.applied++
		d.add(d.listing(code, 2)[0])
	case len(missed) > 0 && found.Vetoes == 0 && d.suspended < demoSuspended && d.suspended < d.listed:
		d.suspended++
		d.add(d.listing(code, 90)...)
	case found.Vetoes == 0 && (d.serious < demoSerious || !d.noticed):
		return d.notice(ctx, code)
	}
	return nil
}

func (d *demoPlan) add(acts ...demoAct) { d.plan = append(d.plan, acts) }

// listing applies so many days ago, and is listed five days later.
func (d *demoPlan) listing(code registry.USCC, ago registry.Day) []demoAct {
	return []demoAct{
		{"enterprise", schema.ListingAct{List: supervision.ListTrusted, USCC: code, Step: supervision.StepApply, Day: d.today - ago, Commitment: demoPromise}},
		{"supervisor", schema.ListingAct{List: supervision.ListTrusted, USCC: code, Step: supervision.StepList, Day: d.today - ago + 5, Reason: "条件全部满足"}},
	}
}

// notice gives an enterprise with a grave penalty notice, and lists the first ones.
func (d *demoPlan) notice(ctx context.Context, code registry.USCC) error {
	records, err := d.db.RecordsOf(ctx, code)
	if err != nil {
		return err
	}
	for _, r := range registry.Standing(records, d.today) {
		if r.Kind != registry.KindPenalty || r.Severity < registry.SeverityMajor || r.OccurredOn > d.today-40 {
			continue
		}
		act := schema.ListingAct{List: supervision.ListSerious, USCC: code, Step: supervision.StepNotice, Day: d.today - 30, Reason: "较重行政处罚，情节严重",
			Basis: "《市场监督管理严重违法失信名单管理办法》（示例）", Penalty: supervision.RecordRef{Source: r.Source, Ref: r.SourceRef}}
		if d.serious == demoSerious {
			d.noticed, act.Day = true, d.today-2
			d.add(demoAct{"supervisor.nanhu", act})
			return nil
		}
		d.serious++
		list := schema.ListingAct{List: act.List, USCC: code, Step: supervision.StepList, Day: d.today - 20, Reason: "陈述申辩理由不成立"}
		d.add(demoAct{"supervisor.nanhu", act}, demoAct{"supervisor", list})
		return nil
	}
	return nil
}
