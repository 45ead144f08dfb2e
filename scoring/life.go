package scoring

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"healthcode/registry"
)

// ModelState is where a model version stands in its life.
type ModelState string

// The states of a model version: draft → proposed → approved → active → retired. One version is active at a time.
const (
	ModelDraft    ModelState = "draft"
	ModelProposed ModelState = "proposed"
	ModelApproved ModelState = "approved"
	ModelActive   ModelState = "active"
	ModelRetired  ModelState = "retired"
)

// ModelAction is what a person does with a model version.
type ModelAction string

// The actions. docs/models.md draws them between the states.
const (
	Propose  ModelAction = "propose"  // draft → proposed
	Reject   ModelAction = "reject"   // proposed or approved → draft
	Approve  ModelAction = "approve"  // proposed → approved
	Activate ModelAction = "activate" // approved → active; the version before retires
	Retire   ModelAction = "retire"   // draft, proposed or approved → retired: it will never be used
)

// The names that no person may take.
const (
	AuthorShipped = "shipped" // of the model that came with the program
	BySystem      = "system"  // of the job that activates what has been approved
)

// Reasons for refusing a step in a model's life.
var (
	ErrStep       = errors.New("the model is not in a state for this")
	ErrPerson     = errors.New("a name is missing or wrong")
	ErrSamePerson = errors.New("who wrote or proposed a model may not approve it")
	ErrReason     = errors.New("a reason is missing or too long")
	ErrDate       = errors.New("a date is wrong")
	ErrTooEarly   = errors.New("it is too early for this")
	ErrSimulate   = errors.New("no simulation against the active model was recorded since the proposal")
)

// Life is where a version stands, who brought it there, and from when on it may be used.
type Life struct {
	State        ModelState   `json:"state"`
	Author       string       `json:"author"`
	Proposer     string       `json:"proposer,omitempty"`
	Approver     string       `json:"approver,omitempty"`
	Reason       string       `json:"reason,omitempty"` // of the newest step that needs one
	EffectiveOn  registry.Day `json:"effective_on,omitzero"`
	PreviewUntil registry.Day `json:"preview_until,omitzero"` // last day on which enterprises see their own before and after
}

// ModelStep is one action of one person.
type ModelStep struct {
	Action       ModelAction
	By           string
	Reason       string       // needed to propose, reject and retire
	Today        registry.Day // the day on which the step is taken
	EffectiveOn  registry.Day // of a proposal: today or later
	PreviewUntil registry.Day // of a proposal: no day, or from today to the day before it takes effect
	Simulated    bool         // of an approval: a simulation against the active model was recorded since the proposal
}

// Draft starts a life: somebody wrote a version for a reason.
func Draft(author, reason string) (Life, error) {
	if err := checkPerson(author); err != nil {
		return Life{}, err
	}
	if err := wantReason(reason); err != nil {
		return Life{}, err
	}
	return Life{State: ModelDraft, Author: strings.TrimSpace(author), Reason: reason}, nil
}

// Take returns the life after a step, or why the step is refused: one of the Err values of this file.
func (l Life) Take(s ModelStep) (Life, error) {
	allowed := map[ModelAction][]ModelState{Propose: {ModelDraft}, Reject: {ModelProposed, ModelApproved}, Approve: {ModelProposed},
		Activate: {ModelApproved}, Retire: {ModelDraft, ModelProposed, ModelApproved}}[s.Action]
	for _, from := range allowed {
		if l.State == from {
			return l.take(s)
		}
	}
	return l, fmt.Errorf("%w: it is %s; to %s it must be %s", ErrStep, l.State, s.Action, words(allowed))
}

func (l Life) take(s ModelStep) (Life, error) {
	if err := l.checkStep(&s); err != nil {
		return l, err
	}
	by := strings.TrimSpace(s.By)
	switch s.Action {
	case Propose:
		l.State, l.Proposer, l.Reason, l.EffectiveOn, l.PreviewUntil = ModelProposed, by, s.Reason, s.EffectiveOn, s.PreviewUntil
	case Reject:
		l = Life{State: ModelDraft, Author: l.Author, Reason: s.Reason}
	case Approve:
		l.State, l.Approver = ModelApproved, by
	case Activate:
		l.State = ModelActive
	case Retire:
		l.State, l.Reason = ModelRetired, s.Reason
	}
	return l, nil
}

// checkStep looks at everything but the state.
func (l *Life) checkStep(s *ModelStep) error {
	if s.Action != Activate || s.By != BySystem {
		if err := checkPerson(s.By); err != nil {
			return err
		}
	}
	switch s.Action {
	case Propose:
		return errors.Join(wantReason(s.Reason), checkDates(s))
	case Approve:
		return l.checkApproval(s)
	case Activate:
		if s.Today < l.EffectiveOn {
			return fmt.Errorf("%w: it takes effect on %s", ErrTooEarly, l.EffectiveOn)
		}
		return nil
	}
	return wantReason(s.Reason)
}

func checkDates(s *ModelStep) error {
	if s.EffectiveOn == 0 || s.EffectiveOn < s.Today {
		return fmt.Errorf("%w: the model must take effect on a day from %s on", ErrDate, s.Today)
	}
	if s.PreviewUntil != 0 && (s.PreviewUntil < s.Today || s.PreviewUntil >= s.EffectiveOn) {
		return fmt.Errorf("%w: a preview must end on a day from %s on and before the model takes effect", ErrDate, s.Today)
	}
	return nil
}

func (l *Life) checkApproval(s *ModelStep) error {
	switch {
	case samePerson(s.By, l.Author) || samePerson(s.By, l.Proposer):
		return fmt.Errorf("%w: %s did", ErrSamePerson, strings.TrimSpace(s.By))
	case l.PreviewUntil != 0 && s.Today <= l.PreviewUntil:
		return fmt.Errorf("%w: enterprises may comment until %s", ErrTooEarly, l.PreviewUntil)
	case !s.Simulated:
		return ErrSimulate
	}
	return nil
}

// samePerson compares names in any case: "Li Hua" is "li hua".
func samePerson(a, b string) bool {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return fold(a) == fold(b)
}

func checkPerson(name string) error {
	name = strings.TrimSpace(name)
	if !oneLine(name, 100) || samePerson(name, AuthorShipped) || samePerson(name, BySystem) {
		return fmt.Errorf("%w: want the name of a person, one line of 1 to 100 characters, neither %q nor %q", ErrPerson, AuthorShipped, BySystem)
	}
	return nil
}

func wantReason(reason string) error {
	if !oneLine(strings.TrimSpace(reason), 1000) {
		return fmt.Errorf("%w: want one line of 1 to 1000 characters", ErrReason)
	}
	return nil
}

func oneLine(text string, most int) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, unicode.IsControl)
}

func words(states []ModelState) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return strings.Join(names, " or ")
}
