package scoring

import (
	"cmp"
	"slices"

	"healthcode/registry"
)

// Bounds of the path up. Whatever an enterprise has, PathUp calls Assess at most 1 + maxActions + maxPaired·(maxPaired−1)/2 + 1 = 326
// times to find what lifts; for each of the maxLifts listed, and for time alone, the published grade is then followed ahead as
// GradeAhead does.
const (
	maxActions = 48 // single actions that are tried
	maxPaired  = 24 // of these, the most promising are tried in pairs
	maxLifts   = 10 // listed
)

// Path is the way to a better grade (升级路径), found by grading and never by a rule of thumb. A grade is better when tier or colour
// is better and neither is worse; leaving NEW for C is not, and nothing gets better by becoming NEW.
type Path struct {
	Time    *Step  `json:"time,omitempty"`   // the first day on which time alone lifts the published grade; none when it never does
	Before  *Step  `json:"before,omitempty"` // the first change of the published grade on the way there; none when there is none before Time
	Actions []Lift `json:"actions"`          // what lifts the grade, done on the day itself, best first, at most ten
}

// Step is the published grade of a day if nothing new becomes known.
type Step struct {
	On     registry.Day    `json:"on"`
	Index  int32           `json:"index"` // hundredths
	Tier   registry.Tier   `json:"tier"`
	Colour registry.Colour `json:"colour"`
}

// Lift is one action, or two together, with the grade that the evidence then earns on the day itself. Either that is better than what it
// earns now, or it earns the same with the margin that a published rise needs. A pair is listed only when it lifts further than either of
// its actions. The published grade follows by the rules of movement.
type Lift struct {
	Actions   []Action        `json:"actions"`
	Index     int32           `json:"index"` // hundredths
	Tier      registry.Tier   `json:"tier"`
	Colour    registry.Colour `json:"colour"`
	Published *Step           `json:"published,omitempty"` // the first rise of the published grade that follows; none when its next change is no rise
}

// ActionCode says what can be done about a grade. The codes are stable.
type ActionCode string

// The actions. All but ActionWait can be tried on the evidence.
const (
	ActionRectify   ActionCode = "rectify"        // the re-inspection of the record passes (整改复查合格)
	ActionRepair    ActionCode = "repair"         // credit repair of the record is granted (信用修复)
	ActionHoldItem  ActionCode = "hold_item"      // a capability item is held
	ActionReport    ActionCode = "hand_in_report" // the self-inspection report is handed in on time
	ActionRenew     ActionCode = "renew"          // a lapsed licence or certificate is renewed
	ActionRegain    ActionCode = "regain_licence" // a revoked licence is granted again
	ActionDelist    ActionCode = "delist"         // the enterprise is taken off the list of seriously unlawful enterprises
	ActionPassCheck ActionCode = "pass_check"     // one more spot check is passed
	ActionWait      ActionCode = "wait"           // nothing but time, without new bad records
)

// ActionCodes lists every action.
func ActionCodes() []ActionCode {
	return []ActionCode{ActionRectify, ActionRepair, ActionHoldItem, ActionReport, ActionRenew, ActionRegain, ActionDelist, ActionPassCheck, ActionWait}
}

// Action is one thing that can be done, with what it is about.
type Action struct {
	Code        ActionCode        `json:"code"`
	Source      string            `json:"source,omitempty"` // of the record that it is about
	SourceRef   string            `json:"source_ref,omitempty"`
	Kind        registry.Kind     `json:"kind,omitempty"`
	Severity    registry.Severity `json:"severity,omitzero"`
	OccurredOn  registry.Day      `json:"occurred_on,omitzero"`
	ProductCode string            `json:"product_code,omitempty"`
	Subject     string            `json:"subject,omitempty"` // capability item, or number of a licence or certificate
}

// trial is an action ready to be tried: it changes a fact or brings a new one.
type trial struct {
	action Action
	at     int32 // the fact that changes; -1 for a new one
	change Fact  // what it becomes, or the new one
	first  bool  // touches a veto or an item: tried before others when there are many
	weight int64 // bad mass times weight
	result Assessment
	reach  reach
	moves  bool // changes a circumstance
}

// mark is a grade to be compared.
type mark struct {
	tier   registry.Tier
	colour registry.Colour
}

func (x *Assessment) mark() mark { return mark{x.Tier, x.Colour} }
func (s *Standing) mark() mark   { return mark{s.Tier, s.Colour} }

// PathUp returns the path up from the grade of a day. It is a pure function of model, evidence and day. Every grade in it was computed by
// Assess and Grade; nothing that happens after the day is looked at.
func PathUp(a *Assessor, e *Evidence, asOf registry.Day) Path {
	g, outlook := a.GradeAhead(e, asOf)
	return a.pathUp(e, asOf, g.Standing, outlook.GradeOn)
}

// pathUp is PathUp for a caller who knows how the published grade stands and when it changes next.
func (a *Assessor) pathUp(e *Evidence, asOf registry.Day, published Standing, next registry.Day) Path {
	all := e.facts
	defer func() { e.facts = all }()
	e.facts = happened(all, asOf)
	path := Path{Actions: a.lifts(e, asOf, published.mark())}
	path.Time, path.Before = a.timeAlone(e, asOf, next, published.mark())
	return path
}

// timeAlone walks from change to change of the published grade, as far as the records of the day and the last rises reach.
func (a *Assessor) timeAlone(e *Evidence, asOf, next registry.Day, now mark) (lift, before *Step) {
	last := asOf + registry.Day(a.model.Window+1+8*a.model.Movement.Cycle)
	for day := next; day != 0 && day <= last; {
		then := a.Grade(e, day)
		step := newStep(day, &then)
		if better(now, then.mark()) {
			return step, before
		}
		if before == nil {
			before = step
		}
		day, _ = a.moves(e, day, then.Standing)
	}
	return nil, before
}

func newStep(day registry.Day, g *Grade) *Step {
	return &Step{On: day, Index: g.Earned.Index, Tier: g.Tier, Colour: g.Colour}
}

// better reports whether a grade is better than another: tier or colour better, neither worse.
func better(from, to mark) bool {
	switch {
	case to.colour > from.colour:
		return false
	case to.tier == from.tier:
		return to.colour < from.colour
	case to.tier == registry.TierNew:
		return false
	case from.tier == registry.TierNew:
		return to.tier != registry.TierC || to.colour < from.colour
	}
	return to.tier < from.tier
}

// reach is how far a grade gets: what is earned, and what is earned with the margin, where that leads beyond what is published.
type reach struct{ earned, ahead mark }

func (r reach) beyond(s reach) bool { return better(s.earned, r.earned) || better(s.ahead, r.ahead) }

// reachOf returns how far the grade gets that was assessed last.
func (a *Assessor) reachOf(x *Assessment, risk registry.RiskLevel, published mark) reach {
	tier := a.tierAt(x, x.Index-a.model.Movement.Margin)
	r := reach{x.mark(), mark{tier, max(a.t.matrix[risk][tier], a.floor(x))}}
	if !better(published, r.ahead) {
		r.ahead = published
	}
	return r
}

// found is a lift with what brings it.
type found struct {
	Lift
	reach reach
	by    []*trial
}

// lifts tries single actions and pairs and lists what gets further than now.
func (a *Assessor) lifts(e *Evidence, asOf registry.Day, published mark) []Lift {
	earned := a.Assess(e, asOf)
	now, state, trials := a.reachOf(&earned, e.Risk, published), a.state, a.trials(e)
	scratch := Evidence{facts: make([]Fact, 0, len(e.facts)+2)}
	for i := range trials {
		t := &trials[i]
		t.result = a.try(&scratch, e, asOf, t)
		t.moves, t.reach = a.state != state, a.reachOf(&t.result, e.Risk, published)
	}
	slices.SortStableFunc(trials, compareTrials)
	var list []found
	for i := range trials {
		if t := &trials[i]; t.reach.beyond(now) {
			list = append(list, newLift(&t.result, t.reach, t))
		}
	}
	list = a.pairs(list, &scratch, e, published, now, trials[:min(len(trials), maxPaired)])
	slices.SortStableFunc(list, compareLifts)
	lifts := []Lift{}
	for _, f := range list[:min(len(list), maxLifts)] {
		a.try(&scratch, e, asOf, f.by...)
		f.Published = a.nextRise(&scratch, asOf, published)
		if f.Published != nil || better(now.earned, f.reach.earned) {
			lifts = append(lifts, f.Lift)
		}
	}
	return lifts
}

// pairs adds the pairs that get further than now and than either of their actions.
func (a *Assessor) pairs(list []found, scratch, e *Evidence, published mark, now reach, trials []trial) []found {
	asOf := a.asOf
	for i := range trials {
		for j := range i + 1 {
			x, y := &trials[j], &trials[i]
			if !x.pairsWith(y, i == j) {
				continue
			}
			both := a.try(scratch, e, asOf, x, y)
			if r := a.reachOf(&both, e.Risk, published); r.beyond(now) && r.beyond(x.reach) && r.beyond(y.reach) {
				list = append(list, newLift(&both, r, x, y))
			}
		}
	}
	return list
}

// nextRise returns the first rise of the published grade above what it is now, on the day itself or at its next change.
func (a *Assessor) nextRise(e *Evidence, asOf registry.Day, now mark) *Step {
	g, outlook := a.GradeAhead(e, asOf)
	if better(now, g.mark()) {
		return newStep(asOf, &g)
	}
	if outlook.GradeOn == 0 {
		return nil
	}
	if g = a.Grade(e, outlook.GradeOn); better(now, g.mark()) {
		return newStep(outlook.GradeOn, &g)
	}
	return nil
}

// pairsWith reports whether two actions can be done together: not twice on one record, and only a check can be passed twice.
func (t *trial) pairsWith(y *trial, same bool) bool {
	if same {
		return t.action.Code == ActionPassCheck
	}
	return t.at < 0 || t.at != y.at
}

// try grades a copy of the evidence in which the actions are done.
func (a *Assessor) try(scratch, e *Evidence, asOf registry.Day, trials ...*trial) Assessment {
	facts := append(scratch.facts[:0], e.facts...)
	for _, t := range trials {
		if t.at >= 0 {
			facts[t.at] = t.change
		} else {
			facts = append(facts, t.change)
		}
	}
	scratch.Set(e.Enterprise, facts)
	return a.Assess(scratch, asOf)
}

// compareTrials puts first what changes a circumstance, then what lifts the index most.
func compareTrials(x, y trial) int {
	if x.moves != y.moves {
		if x.moves {
			return -1
		}
		return 1
	}
	return cmp.Compare(y.result.IndexPPM, x.result.IndexPPM)
}

func newLift(x *Assessment, r reach, trials ...*trial) found {
	l := found{Lift: Lift{Index: x.Index, Tier: x.Tier, Colour: x.Colour}, reach: r, by: trials}
	for _, t := range trials {
		l.Actions = append(l.Actions, t.action)
	}
	return l
}

// compareLifts puts the best earned grade first, then the best that can be published, the fewest actions, the highest index.
func compareLifts(x, y found) int {
	return cmp.Or(x.reach.earned.compare(y.reach.earned), x.reach.ahead.compare(y.reach.ahead),
		cmp.Compare(len(x.Actions), len(y.Actions)), cmp.Compare(y.Index, x.Index))
}

// compare puts the best colour first, then the best tier.
func (m mark) compare(n mark) int {
	return cmp.Or(cmp.Compare(m.colour, n.colour), cmp.Compare(tierOrder(m.tier), tierOrder(n.tier)))
}

// tierOrder is 1 for AA to 5 for NEW.
func tierOrder(t registry.Tier) int { return (int(t)+4)%5 + 1 }
