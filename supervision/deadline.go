package supervision

import "healthcode/registry"

// Clock says how much time each side has. Calendar days begin the day after and end on a working day (Calendar.End).
type Clock struct {
	File     int // calendar days after notice, for the enterprise to file; 0: no end
	Accept   int // working days for the bureau to accept or return
	Decide   int // working days for the bureau to decide, once accepted
	Complete int // calendar days for the enterprise to complete what was returned
	Contest  int // calendar days for the enterprise to appeal
}

// Clocks are the terms of each kind; docs/recourse.md names the source of each number.
var Clocks = map[Kind]Clock{
	Objection: {File: 15, Accept: 3, Decide: 20, Complete: 14, Contest: 21},
	Repair:    {Accept: 2, Decide: 15, Complete: 14, Contest: 21},
	Appeal:    {File: 21, Accept: 3, Decide: 15, Complete: 14},
	Reply:     {Contest: 21},
}

// dueAfter returns by when the next step is to be taken once a move was made on a day.
func dueAfter(kind Kind, move *Move, on registry.Day, days *Calendar) registry.Day {
	clock := Clocks[kind]
	switch move.To {
	case Filed:
		return days.Add(on, clock.Accept)
	case Accepted:
		return days.Add(on, clock.Decide)
	case Returned:
		return days.End(on, clock.Complete)
	case Decided, Hidden:
		if clock.Contest > 0 {
			return days.End(on, clock.Contest)
		}
	case Appealed, Withdrawn, Lapsed, Published, Revoked:
	}
	return 0
}

// Overdue reports whether the bureau has let the time for its step pass.
func (r Recourse) Overdue(on registry.Day) bool {
	return (r.State == Filed || r.State == Accepted) && r.Due != 0 && on > r.Due
}

// FileUntil returns the last day on which a recourse may be filed against what became known on a day; 0 when there is no end.
func (k Kind) FileUntil(noticed registry.Day, days *Calendar) registry.Day {
	if Clocks[k].File == 0 || noticed == 0 {
		return 0
	}
	return days.End(noticed, Clocks[k].File)
}
