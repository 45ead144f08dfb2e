package supervision

import (
	"errors"
	"fmt"
	"slices"

	"healthcode/registry"
)

// Kind is what an enterprise asks for with a recourse (救济申请).
type Kind string

// The kinds.
const (
	Objection Kind = "objection" // 异议, against a record
	Appeal    Kind = "appeal"    // 申诉, against what was decided before, or the grade
	Repair    Kind = "repair"    // 信用修复, of a penalty or a broken commitment
	Reply     Kind = "reply"     // 申辩, a text beside the grade
)

// Kinds lists the kinds in the order of screens.
var Kinds = []Kind{Objection, Repair, Appeal, Reply}

// State is where a recourse stands.
type State string

// The states.
const (
	Filed     State = "filed"     // waits for acceptance
	Accepted  State = "accepted"  // waits for a decision
	Returned  State = "returned"  // waits for its author, who is to complete it
	Decided   State = "decided"   // and may be appealed, while there is time
	Appealed  State = "appealed"  // an appeal has taken over
	Withdrawn State = "withdrawn" // by its author
	Lapsed    State = "lapsed"    // its author let the time pass
	Published State = "published" // a reply that everybody reads
	Hidden    State = "hidden"    // a reply that the law does not allow
	Revoked   State = "revoked"   // a repair that was got by fraud
)

// States lists the states in the order of a life.
var States = []State{Filed, Accepted, Returned, Decided, Appealed, Withdrawn, Lapsed, Published, Hidden, Revoked}

// Step is what somebody does with a recourse.
type Step string

// The steps.
const (
	File     Step = "file"
	Accept   Step = "accept"
	Return   Step = "return"
	Complete Step = "complete" // what was returned
	Decide   Step = "decide"
	Contest  Step = "appeal" // noted at what the appeal is about
	Reverse  Step = "reverse"
	Withdraw Step = "withdraw"
	Lapse    Step = "lapse"
	Hide     Step = "hide"
	Revoke   Step = "revoke"
)

// Outcome is how a recourse was decided.
type Outcome string

// The outcomes.
const (
	Upheld    Outcome = "upheld"
	Partly    Outcome = "partly" // upheld in part
	Dismissed Outcome = "dismissed"
	Granted   Outcome = "granted"
	Refused   Outcome = "refused"
)

// Outcomes returns how a recourse of a kind may be decided; a reply is not.
func (k Kind) Outcomes() []Outcome {
	switch k {
	case Objection:
		return []Outcome{Upheld, Partly, Dismissed}
	case Appeal:
		return []Outcome{Upheld, Partly, Dismissed}
	case Repair:
		return []Outcome{Granted, Refused}
	case Reply:
	}
	return nil
}

// Favours reports whether an outcome gives the enterprise something.
func (o Outcome) Favours() bool { return o == Upheld || o == Partly || o == Granted }

// Side is who takes a step.
type Side string

// The sides.
const (
	Author  Side = "author"  // the enterprise's own people, or a supervisor on their behalf
	Officer Side = "officer" // a supervisor
	System  Side = "system"  // time, or another step
)

// Move is one line of the state machine.
type Move struct {
	Step   Step
	Kinds  []Kind
	From   []State // empty: it begins a life
	To     State
	Side   Side
	Reason bool // it needs one
}

var handled = []Kind{Objection, Appeal, Repair}

// Moves is the whole state machine.
var Moves = []Move{
	{File, handled, nil, Filed, Author, true},
	{File, []Kind{Reply}, nil, Published, Author, true},
	{Accept, handled, []State{Filed}, Accepted, Officer, false},
	{Return, handled, []State{Filed, Accepted}, Returned, Officer, true},
	{Complete, handled, []State{Returned}, Filed, Author, true},
	{Decide, handled, []State{Accepted}, Decided, Officer, true},
	{Contest, []Kind{Objection, Repair}, []State{Decided}, Appealed, System, false},
	{Contest, []Kind{Reply}, []State{Hidden}, Appealed, System, false},
	{Reverse, []Kind{Objection, Repair}, []State{Appealed}, Appealed, System, true},
	{Reverse, []Kind{Reply}, []State{Appealed}, Published, System, true},
	{Withdraw, handled, []State{Filed, Accepted, Returned}, Withdrawn, Author, false},
	{Withdraw, []Kind{Reply}, []State{Published}, Withdrawn, Author, false},
	{Lapse, handled, []State{Returned}, Lapsed, System, false},
	{Hide, []Kind{Reply}, []State{Published}, Hidden, Officer, true},
	{Revoke, []Kind{Repair}, []State{Decided, Appealed}, Revoked, Officer, true},
}

// moveOf returns the line of a step, or nil when the state does not allow it.
func moveOf(kind Kind, from State, step Step) *Move {
	for i := range Moves {
		m := &Moves[i]
		begins := from == "" && len(m.From) == 0
		if m.Step == step && slices.Contains(m.Kinds, kind) && (begins || slices.Contains(m.From, from)) {
			return m
		}
	}
	return nil
}

// Open reports whether the state waits for somebody's step before a decision.
func (s State) Open() bool { return s == Filed || s == Accepted || s == Returned }

// Recourse is what the rules need to know of one. The zero value is one that begins.
type Recourse struct {
	Kind    Kind
	State   State
	Outcome Outcome
	Due     registry.Day // by when the next step is to be taken; none when nothing is to come
	Filer   string       // login of who filed it
	// Deciders are the logins of everybody who decided, hid or revoked before: here, and in what an appeal is about.
	Deciders []string
}

// Act is a step that somebody takes.
type Act struct {
	Step    Step
	By      string // login; "system" for time
	Side    Side
	On      registry.Day
	Outcome Outcome // for Decide, and for Reverse
	Reason  string
}

// Why a step may not be taken.
var (
	ErrStep    = errors.New("the state of the recourse does not allow this step")
	ErrSide    = errors.New("the step is for somebody else")
	ErrReason  = errors.New("the step needs a reason")
	ErrOutcome = errors.New("the recourse cannot be decided so")
	ErrSame    = errors.New("who decided before, or filed, does not decide")
	ErrLate    = errors.New("the time for this step has passed")
	ErrEarly   = errors.New("the time for this step has not come")
)

// Take returns the recourse after a step, or why it may not be taken. The recourse itself does not change.
func (r Recourse) Take(act Act, days *Calendar) (Recourse, error) {
	move := moveOf(r.Kind, r.State, act.Step)
	if move == nil {
		return r, fmt.Errorf("%w: %s of %s in state %q", ErrStep, act.Step, r.Kind, r.State)
	}
	if err := r.check(move, &act); err != nil {
		return r, err
	}
	after := r
	after.State = move.To
	if act.Step == File {
		after.Filer = act.By
	}
	if act.Step == Decide || act.Step == Reverse {
		after.Outcome = act.Outcome
	}
	if slices.Contains([]Step{Decide, Reverse, Hide, Revoke}, act.Step) {
		after.Deciders = append(slices.Clone(r.Deciders), act.By)
	}
	after.Due = dueAfter(r.Kind, move, act.On, days)
	if !after.Contestable() && after.State == Decided {
		after.Due = 0
	}
	return after, nil
}

func (r Recourse) check(move *Move, act *Act) error {
	judges := act.Step == Decide || act.Step == Hide || act.Step == Revoke
	switch {
	case move.Side != act.Side:
		return fmt.Errorf("%w: %s is the %s's", ErrSide, act.Step, move.Side)
	case move.Reason && act.Reason == "":
		return ErrReason
	case act.Step == Decide && !slices.Contains(r.Kind.Outcomes(), act.Outcome):
		return fmt.Errorf("%w: %q", ErrOutcome, act.Outcome)
	case act.Step == Reverse && r.Kind == Reply != (act.Outcome == ""):
		return fmt.Errorf("%w: %q", ErrOutcome, act.Outcome)
	case act.Step == Revoke && r.Outcome != Granted:
		return fmt.Errorf("%w: it was not granted", ErrStep)
	case judges && act.By == r.Filer:
		return fmt.Errorf("%w: %s filed it", ErrSame, act.By)
	case act.Step == Decide && slices.Contains(r.Deciders, act.By):
		return fmt.Errorf("%w: %s decided before", ErrSame, act.By)
	case act.Step == Contest && !r.Contestable():
		return fmt.Errorf("%w: it gave all that was asked for", ErrStep)
	case (act.Step == Complete || act.Step == Contest) && act.On > r.Due:
		return fmt.Errorf("%w: it ended on %s", ErrLate, r.Due)
	case act.Step == Lapse && act.On <= r.Due:
		return fmt.Errorf("%w: it ends on %s", ErrEarly, r.Due)
	}
	return nil
}

// Contestable reports whether there is anything to appeal against: a decision that gave all that was asked for leaves nothing.
func (r Recourse) Contestable() bool {
	return r.State == Hidden || r.State == Decided && r.Kind != Appeal && r.Outcome != Upheld && r.Outcome != Granted
}

// Next lists the steps that a side may take now, on a day, in the order of Moves. Steps of the system are not chosen by anybody.
func (r Recourse) Next(side Side, by string, on registry.Day) []Step {
	next := []Step{}
	for i := range Moves {
		m := &Moves[i]
		if m.Side != side && m.Step != Contest || m.Step == Contest && side != Author || !slices.Contains(m.Kinds, r.Kind) || !slices.Contains(m.From, r.State) {
			continue
		}
		act := Act{Step: m.Step, By: by, Side: m.Side, On: on, Reason: "x"}
		if m.Step == Decide {
			act.Outcome = r.Kind.Outcomes()[0]
		}
		if r.check(m, &act) == nil {
			next = append(next, m.Step)
		}
	}
	return next
}
