package supervision

import (
	"fmt"

	"healthcode/registry"
)

// ObjectUntil returns the last day for an objection against a notice or an entry of the serious-violation list; 0 when there is nothing to object to. A
// notice is answered within its own days, an entry as a record is: 15 days after it began.
func (e *ListingEntry) ObjectUntil(days *Calendar) registry.Day {
	switch {
	case e.List != ListSerious:
	case e.State == StateNoticed:
		return e.AnswerBy
	case e.State == StateListed:
		return Objection.FileUntil(e.Since, days)
	}
	return 0
}

// CanObject says why an objection against a notice or an entry may not be filed on a day, or nil.
func (e *ListingEntry) CanObject(on registry.Day, days *Calendar) error {
	switch until := e.ObjectUntil(days); {
	case until == 0:
		return fmt.Errorf("%w: the enterprise is %q in the list %s", ErrRecord, e.State, e.List)
	case on > until:
		return fmt.Errorf("%w: it ended on %s", ErrLate, until)
	}
	return nil
}

// Undo is the step that an upheld objection leads to; none when neither notice nor entry is there any more.
func (e *ListingEntry) Undo() ListingStep {
	switch {
	case e.List == ListSerious && e.State == StateNoticed:
		return StepRefuse
	case e.List == ListSerious && e.State == StateListed:
		return StepRemove
	}
	return ""
}
