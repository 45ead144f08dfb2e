package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// AuditReader reads the audit log and its checkpoints.
type AuditReader interface {
	// AuditLog returns the lines that a filter chooses, newest first.
	AuditLog(ctx context.Context, f schema.AuditFilter) ([]schema.AuditEntry, error)
	// AuditCheckpoints returns checkpoints with a number below one (0: the newest), newest first.
	AuditCheckpoints(ctx context.Context, below int64, limit int) ([]schema.AuditCheckpoint, error)
	// AuditCheckpoint returns the checkpoint of a line, or an error that wraps schema.ErrNotFound.
	AuditCheckpoint(ctx context.Context, number int64) (*schema.AuditCheckpoint, error)
}

// auditRoutes lists the routes of the audit log. Who reads it reads all of it, so it takes an auditor of the whole register.
func (s *server) auditRoutes() []Route {
	const get = http.MethodGet
	public := access.Rule{Public: true}
	auditor := access.Rule{Roles: []access.Role{access.Auditor}, Everywhere: true}
	own := access.Rule{Roles: []access.Role{access.Auditor}, Enterprise: true}
	return []Route{
		{get, "/audit", auditor, s.auditPage},
		{get, "/audit/checkpoints", public, s.checkpointsListed},
		{get, "/audit/checkpoints/:number", public, s.checkpointShown},
		{get, "/api/v1/audit", auditor, s.auditListed},
		{get, "/api/v1/enterprises/:uscc/audit", own, s.enterpriseAudit},
	}
}

// AuditItem is a line of the audit log as JSON. Its exact bytes are in the export (healthcode audit export).
type AuditItem struct {
	Number int64           `json:"number"`
	At     time.Time       `json:"at"`
	Actor  schema.Actor    `json:"actor"`
	Action string          `json:"action"` // such as account.disabled
	Noun   string          `json:"noun"`
	ID     string          `json:"id,omitempty"` // which of them; empty for several at once
	USCC   registry.USCC   `json:"uscc,omitempty"`
	Before json.RawMessage `json:"before,omitempty"` // masked
	After  json.RawMessage `json:"after,omitempty"`  // masked
	Hash   string          `json:"hash"`             // of the chain up to this line
}

// OwnAuditItem is a line of the audit log as the enterprise sees it that it is about: without who of the bureau it was.
type OwnAuditItem struct {
	Number int64           `json:"number"`
	At     time.Time       `json:"at"`
	By     string          `json:"by"` // the kind of actor: staff, enterprise, partner, system, command or operator
	Action string          `json:"action"`
	Noun   string          `json:"noun"`
	ID     string          `json:"id,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// readAuditFilter reads the query of the audit log.
func readAuditFilter(query url.Values) (f schema.AuditFilter, err error) {
	f = schema.AuditFilter{Noun: query.Get("noun"), ID: query.Get("id"), Action: query.Get("action"), Kind: query.Get("kind"), Actor: query.Get("actor")}
	if f.Limit, err = readLimit(query.Get("limit")); err != nil {
		return f, err
	}
	if f.Before, err = readPosition("cursor", query.Get("cursor")); err != nil {
		return f, err
	}
	if text := query.Get("uscc"); text != "" {
		if f.USCC, err = readUSCC(text); err != nil {
			return f, badField("uscc", "is no code of an enterprise", "18 characters")
		}
	}
	from, err := readAuditDay(query, "from")
	if err != nil {
		return f, err
	}
	to, err := readAuditDay(query, "to")
	if err != nil {
		return f, err
	}
	if from > 0 {
		f.From = from.Time()
	}
	if to > 0 {
		f.Until = (to + 1).Time()
	}
	return f, nil
}

func readAuditDay(query url.Values, name string) (registry.Day, error) {
	day, err := registry.ParseDay(query.Get(name))
	if err != nil {
		return 0, badField(name, "is no day", "YYYY-MM-DD")
	}
	return day, nil
}

// auditPart returns the lines of a filter and the cursor of the next page, empty on the last.
func (s *server) auditPart(ctx context.Context, f schema.AuditFilter) ([]schema.AuditEntry, string, error) {
	limit := f.Limit
	f.Limit++
	found, err := s.store.AuditLog(ctx, f)
	if err != nil {
		return nil, "", fmt.Errorf("read the audit log: %w", err)
	}
	if len(found) <= limit {
		return found, "", nil
	}
	return found[:limit], strconv.FormatInt(found[limit-1].Number, 10), nil
}

// auditListed answers GET /api/v1/audit, newest first.
func (s *server) auditListed(c *gin.Context) {
	query := s.query(c)
	f, err := readAuditFilter(query)
	if err != nil {
		s.fail(c, err)
		return
	}
	found, next, err := s.auditPart(c.Request.Context(), f)
	if err != nil {
		s.fail(c, err)
		return
	}
	list := newList[AuditItem](f.Limit)
	for i := range found {
		list.Items = append(list.Items, newAuditItem(&found[i]))
	}
	list.Next = next
	c.JSON(http.StatusOK, list)
}

func newAuditItem(e *schema.AuditEntry) AuditItem {
	return AuditItem{e.Number, e.At, e.Actor, e.Action, e.Noun, e.ID, e.USCC, e.Before, e.After, e.Hash}
}

// enterpriseAudit answers GET /api/v1/enterprises/:uscc/audit: the lines about one enterprise, newest first.
func (s *server) enterpriseAudit(c *gin.Context) {
	query := s.query(c)
	f, err := readAuditFilter(query)
	if err != nil {
		s.fail(c, err)
		return
	}
	if f.USCC, err = readUSCC(c.Param("uscc")); err != nil {
		s.fail(c, err)
		return
	}
	found, next, err := s.auditPart(c.Request.Context(), f)
	if err != nil {
		s.fail(c, err)
		return
	}
	list := newList[OwnAuditItem](f.Limit)
	for i := range found {
		e := &found[i]
		list.Items = append(list.Items, OwnAuditItem{e.Number, e.At, e.Actor.Kind, e.Action, e.Noun, e.ID, e.Before, e.After})
	}
	list.Next = next
	c.JSON(http.StatusOK, list)
}

// CheckpointItem is a checkpoint of the audit log as JSON. Its signed token is at /audit/checkpoints/NUMBER.
type CheckpointItem struct {
	Number   int64     `json:"number"` // of the last line that it covers
	Hash     string    `json:"hash"`
	IssuedAt time.Time `json:"issued_at"`
	KID      string    `json:"kid"`
	Token    string    `json:"token"`
}

// CheckpointList is a page of checkpoints, newest first, with the public keys that signed them: also those that no longer verify codes.
type CheckpointList struct {
	Items []CheckpointItem   `json:"items"`
	Next  string             `json:"next,omitempty"`
	Keys  *credential.KeySet `json:"keys"`
}

// typeJWT is the media type of a token.
const typeJWT = "application/jwt"

// checkpointsListed answers GET /audit/checkpoints, newest first.
func (s *server) checkpointsListed(c *gin.Context) {
	query := s.query(c)
	below, err := readPosition("cursor", query.Get("cursor"))
	if err != nil {
		s.fail(c, err)
		return
	}
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	answer, err := s.listCheckpoints(c.Request.Context(), below, limit)
	if err != nil {
		s.fail(c, err)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		s.fail(c, fmt.Errorf("write checkpoints: %w", err))
		return
	}
	answerShared(c, newShared(typeJSON, body), minFresh)
}

func (s *server) listCheckpoints(ctx context.Context, below int64, limit int) (*CheckpointList, error) {
	found, err := s.store.AuditCheckpoints(ctx, below, limit+1)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	answer := &CheckpointList{Items: []CheckpointItem{}}
	if len(found) > limit {
		found, answer.Next = found[:limit], strconv.FormatInt(found[limit-1].Number, 10)
	}
	signed := map[string]bool{}
	for i := range found {
		one := &found[i]
		signed[one.KID] = true
		answer.Items = append(answer.Items, CheckpointItem{one.Number, one.Hash, one.At, one.KID, one.Token})
	}
	answer.Keys, err = s.signersOf(ctx, signed)
	return answer, err
}

// signersOf returns the public keys of some kids, removed ones too.
func (s *server) signersOf(ctx context.Context, kids map[string]bool) (*credential.KeySet, error) {
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var signed []schema.SigningKey
	for i := range rows {
		if kids[rows[i].KID] {
			signed = append(signed, rows[i])
		}
	}
	return schema.EveryKey(signed) //nolint:wrapcheck // it says what failed
}

// checkpointShown answers GET /audit/checkpoints/:number with the signed token.
func (s *server) checkpointShown(c *gin.Context) {
	number, err := readPosition("number", c.Param("number"))
	if err != nil {
		s.fail(c, err)
		return
	}
	found, err := s.store.AuditCheckpoint(c.Request.Context(), number)
	if errors.Is(err, schema.ErrNotFound) {
		err = ErrNoCheckpoint
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	answerShared(c, newShared(typeJWT, []byte(found.Token)), minFresh)
}

// auditPage answers GET /audit: the log with filters.
func (s *server) auditPage(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "noun", "id", "actor", "uscc", "from", "to", "cursor")
	if err != nil {
		s.fail(c, err)
		return
	}
	f, err := readAuditFilter(query)
	if err != nil {
		s.fail(c, err)
		return
	}
	found, next, err := s.auditPart(c.Request.Context(), f)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := web.AuditPage{Page: s.page(c), Next: next, Filter: web.AuditFilter{Noun: f.Noun, ID: f.ID, Actor: f.Actor, USCC: query.Get("uscc"), From: query.Get("from"),
		To: query.Get("to"), Cursor: query.Get("cursor")}}
	for i := range found {
		view.Lines = append(view.Lines, auditLine(&found[i]))
	}
	newest, err := s.store.AuditCheckpoints(c.Request.Context(), 0, 1)
	if err != nil {
		s.fail(c, fmt.Errorf("read checkpoints: %w", err))
		return
	}
	if len(newest) == 1 {
		view.Checkpoint = &web.AuditCheckpoint{Number: newest[0].Number, At: newest[0].At}
	}
	s.render(c, http.StatusOK, view)
}

func auditLine(e *schema.AuditEntry) web.AuditLine {
	return web.AuditLine{Number: e.Number, At: e.At, Kind: e.Actor.Kind, Actor: e.Actor.Name, Doing: e.Actor.Doing, Request: e.Actor.RequestID, Action: e.Action, Noun: e.Noun,
		ID: e.ID, USCC: string(e.USCC), Before: auditValues(e.Before), After: auditValues(e.After), Hash: e.Hash}
}

// auditValues takes an object apart into its members, in the order of the text.
func auditValues(text json.RawMessage) []web.AuditValue {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil
	}
	return web.AuditValues(members)
}
