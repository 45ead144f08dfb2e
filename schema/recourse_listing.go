package schema

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"healthcode/registry"
	"healthcode/supervision"
)

// ListOf returns the list whose notice or entry a recourse is about; empty when it is about something else. Such a recourse names a record of the source
// ListingSource: that of the entry, or the one that the notice would have, which is numbered by its step.
func ListOf(source, ref string) string {
	list, _, found := strings.Cut(ref, "/")
	if !found || source != ListingSource || list != supervision.ListSerious {
		return ""
	}
	return list
}

// List is the list whose notice or entry the recourse is about; empty for something else.
func (r *Recourse) List() string {
	if r.Kind != supervision.Objection {
		return ""
	}
	return ListOf(r.Source, r.SourceRef)
}

// ContestedRef returns the source_ref by which an objection names the notice or the entry as it stands; empty when there is neither.
func (l *Listing) ContestedRef() string {
	switch {
	case l.Undo() == "":
		return ""
	case l.State == supervision.StateNoticed:
		return listingRef(l.List, l.USCC, l.Steps)
	}
	return l.recordRef
}

func listingRef(list string, code registry.USCC, step int) string {
	return fmt.Sprintf("%s/%s/%d", list, code, step)
}

// concerns reports whether an objection by this name is about the notice or the entry as it stands: an entry follows the notice before it.
func (l *Listing) concerns(ref string) bool {
	now, err := strconv.Atoi(stepOf(l.ContestedRef()))
	if err != nil {
		return false
	}
	return ref == listingRef(l.List, l.USCC, now) || l.State == supervision.StateListed && ref == listingRef(l.List, l.USCC, now-1)
}

// stepOf returns the number of the step that a name ends with.
func stepOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// nameListing fills in what a filing against a list is about: the notice or the entry as it stands.
func (w *recourseWriter) nameListing(ctx context.Context, f *RecourseFiling) error {
	l, err := w.lockListing(ctx, f.List, f.USCC)
	if err != nil {
		return err
	}
	if err := l.CanObject(f.On, f.Days); err != nil {
		return err
	}
	f.Source, f.SourceRef = ListingSource, l.ContestedRef()
	return nil
}

// mayObjectToListing asks whether an objection may be filed against a notice or an entry: while it stands, in time, once.
func (w *recourseWriter) mayObjectToListing(ctx context.Context, f *RecourseFiling) error {
	l, err := w.lockListing(ctx, ListOf(f.Source, f.SourceRef), f.USCC)
	if err != nil {
		return err
	}
	if l.Undo() == "" || f.SourceRef != l.ContestedRef() {
		return fmt.Errorf("%w: it does not stand", supervision.ErrRecord)
	}
	if err := l.CanObject(f.On, w.days); err != nil {
		return err
	}
	return w.none(ctx, `source = ? AND source_ref = ? AND state IN ('filed', 'accepted', 'returned', 'decided', 'appealed')`, f.Source, f.SourceRef)
}

// undoListing makes an upheld objection true: the notice leads to nothing, the entry is as if it had never been. What has ended meanwhile stays as it is.
func (w *recourseWriter) undoListing(ctx context.Context, r *Recourse, act *RecourseAct) error {
	if act.Outcome == supervision.Partly {
		return fmt.Errorf("%w: an entry of a list stands or does not", supervision.ErrOutcome)
	}
	if !act.Correction.Voids() {
		return fmt.Errorf("%w: %w", ErrCannotCount, registry.Problems{{Field: "record_outcome", Problem: "does not go with a list", Want: "nothing"}})
	}
	l, err := w.lockListing(ctx, r.List(), r.USCC)
	if err != nil {
		return err
	}
	step := l.Undo()
	if step == "" || !l.concerns(r.SourceRef) {
		return nil
	}
	_, err = w.takeListingStep(ctx, l, &ListingAct{List: l.List, USCC: l.USCC, Step: step, Day: act.On, Reason: supervision.ReasonObjectionUpheld})
	return err
}

// listingAuthors returns who gave the notice and who decided on the entry that a recourse is about.
func (t *tx) listingAuthors(ctx context.Context, r *Recourse) (who []string, err error) {
	list := r.List()
	if list == "" {
		return nil, nil
	}
	number, err := strconv.Atoi(stepOf(r.SourceRef))
	if err != nil {
		return nil, nil //nolint:nilerr // no name of ours: nobody took such a step
	}
	const query = `SELECT author FROM listing_step WHERE uscc = ? AND list = ? AND number BETWEEN ? AND ? AND step IN ('notice', 'list') ORDER BY number`
	if err := t.SelectContext(ctx, &who, t.Rebind(query), string(r.USCC), list, number-1, number+1); err != nil {
		return nil, fmt.Errorf("read who listed: %w", err)
	}
	return who, nil
}

// answered refuses to list whoever has answered the notice and waits for the decision.
func (t *tx) answered(ctx context.Context, l *Listing) error {
	var n int
	const query = `SELECT count(*) FROM recourse WHERE source = ? AND source_ref = ? AND state IN ('filed', 'accepted', 'returned')`
	if err := t.GetContext(ctx, &n, t.Rebind(query), ListingSource, l.ContestedRef()); err != nil {
		return fmt.Errorf("look for answers to the notice: %w", err)
	}
	if n > 0 {
		return ErrAnswerOpen
	}
	return nil
}
