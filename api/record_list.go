package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// recordsListed answers GET /api/v1/records: the newest revision of each record within the caller's bounds, what came in last first.
func (s *server) recordsListed(c *gin.Context) {
	list, err := s.listRecords(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, list)
}

func (s *server) listRecords(c *gin.Context) (*List[RecordItem], error) {
	query := s.query(c)
	f, err := readRecordFilter(query)
	if err != nil {
		return nil, err
	}
	_, bounds, err := s.boundsOf(c)
	if err != nil {
		return nil, err
	}
	page, err := s.store.RecordPage(c.Request.Context(), bounds, *f)
	if errors.Is(err, schema.ErrCursor) {
		return nil, badField("cursor", "is not of this list", "next of the page before")
	}
	if err != nil {
		return nil, err
	}
	list := newList[RecordItem](len(page.Items))
	for i := range page.Items {
		list.Items = append(list.Items, newRecordItem(&page.Items[i], ""))
	}
	list.Next = page.Next
	return list, nil
}

// recordSorts lists the orders of records.
var recordSorts = []schema.RecordSort{schema.RecordsByKnownDown, schema.RecordsByKnown, schema.RecordsByDayDown, schema.RecordsByDay}

func readRecordFilter(query url.Values) (f *schema.RecordFilter, err error) {
	f = &schema.RecordFilter{Source: query.Get("source"), Kind: registry.Kind(query.Get("kind")), State: registry.State(query.Get("state")),
		Sort: schema.RecordSort(query.Get("sort")), Cursor: query.Get("cursor")}
	if f.Limit, err = readLimit(query.Get("limit")); err != nil {
		return nil, err
	}
	if text := query.Get("uscc"); text != "" {
		if f.USCC, err = readUSCC(text); err != nil {
			return nil, err
		}
	}
	if _, known := registry.Kinds[f.Kind]; f.Kind != "" && !known {
		return nil, badField("kind", "is not known", "one of "+strings.Join(registry.KindNames(), ", "))
	}
	states := []registry.State{registry.StateProvisional, registry.StateFinal, registry.StateVoided, registry.StateRepaired}
	if f.State != "" && !slices.Contains(states, f.State) {
		return nil, badField("state", "is not known", "provisional, final, voided or repaired")
	}
	if f.Sort != "" && !slices.Contains(recordSorts, f.Sort) {
		return nil, badField("sort", "is not known", "known_at, -known_at, occurred_on or -occurred_on")
	}
	if strings.HasSuffix(string(f.Sort), string(schema.RecordsByDay)) && f.USCC == "" { // across everybody it would read every record
		return nil, badField("sort", "goes only with uscc", "known_at or -known_at, or one enterprise")
	}
	return f, readRecordSpans(query, f)
}

func readRecordSpans(query url.Values, f *schema.RecordFilter) (err error) {
	for name, into := range map[string]*registry.Day{"from": &f.From, "to": &f.To} {
		if *into, err = registry.ParseDay(query.Get(name)); err != nil {
			return badField(name, "is not a date", "YYYY-MM-DD")
		}
	}
	for name, into := range map[string]*time.Time{"known_from": &f.KnownFrom, "known_to": &f.KnownTil} {
		if text := query.Get(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil || into.Year() < 1970 || into.Year() > 2199 {
				return badField(name, "is not an instant", "RFC 3339, such as 2026-11-26T08:00:00Z")
			}
		}
	}
	return nil
}
