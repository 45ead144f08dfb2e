package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// WebhookReader reads webhooks and what became of their deliveries.
type WebhookReader interface {
	Webhooks(ctx context.Context, partner int64) ([]schema.Webhook, error)
	Webhook(ctx context.Context, id string) (*schema.Webhook, error)
	Deliveries(ctx context.Context, id string, below int64, limit int) ([]schema.Delivery, error)
}

// WebhookKeeper adds and changes webhooks.
type WebhookKeeper interface {
	AddWebhook(ctx context.Context, w schema.Webhook, sealed string) error
	DeleteWebhook(ctx context.Context, id string) error
	RotateWebhookSecret(ctx context.Context, id, sealed string, until time.Time) error
	MoveWebhook(ctx context.Context, id string, after int64) error
	EnableWebhook(ctx context.Context, id string) error
}

// ErrNoWebhook is the answer about a webhook that is not there, or is another partner's.
var ErrNoWebhook = errors.New("there is no such webhook")

// How long an exchanged secret lives on, in days.
const (
	secretOverlap    = 7
	maxSecretOverlap = 30
)

// WebhookItem is one webhook as JSON. Secret is shown once, when it is made.
type WebhookItem struct {
	ID           string    `json:"id"`
	PartnerID    int64     `json:"partner_id"`
	URL          string    `json:"url"`
	Topics       []string  `json:"topics"` // none: every topic
	State        string    `json:"state"`  // active, failing or disabled
	Position     int64     `json:"position"`
	Attempts     int       `json:"attempts,omitempty"` // failed ones of the next change
	NextAt       time.Time `json:"next_at,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero"`
	DisabledAt   time.Time `json:"disabled_at,omitzero"`
	CreatedAt    time.Time `json:"created_at"`
	Secret       string    `json:"secret,omitempty"`
}

// NewWebhookItem returns what lists show of a webhook.
func NewWebhookItem(w *schema.Webhook) WebhookItem {
	state := "active"
	switch {
	case !w.DisabledAt.IsZero():
		state = "disabled"
	case !w.FailingSince.IsZero():
		state = "failing"
	}
	return WebhookItem{w.ID, w.PartnerID, w.URL, orNone(w.Topics), state, w.Position, w.Attempts, w.NextAt, w.FailingSince, w.DisabledAt, w.CreatedAt, ""}
}

// DeliveryItem is one attempt as JSON.
type DeliveryItem struct {
	Number   int64     `json:"number"`
	Position int64     `json:"position"`
	Attempt  int       `json:"attempt"`
	Outcome  string    `json:"outcome"` // delivered, status, redirect, timeout, address, tls or connect
	Status   int       `json:"status,omitempty"`
	TookMS   int64     `json:"took_ms"`
	At       time.Time `json:"at"`
}

// webhookOwner returns the partner whose webhooks a caller sees; 0 for all.
func (s *server) webhookOwner(c *gin.Context) (int64, error) {
	caller, err := s.caller(c)
	if err != nil || caller.Kind != access.Partner {
		return 0, err
	}
	return caller.ID, nil
}

// webhooksListed answers GET /api/v1/webhooks: a partner's own, or all.
func (s *server) webhooksListed(c *gin.Context) {
	owner, err := s.webhookOwner(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	found, err := s.store.Webhooks(c.Request.Context(), owner)
	if err != nil {
		s.fail(c, fmt.Errorf("list webhooks: %w", err))
		return
	}
	page := newList[WebhookItem](limit)
	for i := range found {
		if found[i].ID > query.Get("cursor") && !page.add(NewWebhookItem(&found[i]), found[i].ID) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
}

// webhookBody is what POST /api/v1/webhooks takes.
type webhookBody struct {
	URL       string   `json:"url"`
	Topics    []string `json:"topics"`
	PartnerID int64    `json:"partner_id"` // for an administrator: whose it is to be
}

func (s *server) readWebhook(c *gin.Context) (w schema.Webhook, err error) {
	owner, err := s.webhookOwner(c)
	if err != nil {
		return w, err
	}
	var body webhookBody
	if err := decodeJSON(c.Request, &body); err != nil {
		return w, err
	}
	if err := access.CheckWebhookURL(body.URL, s.WebhookAllow); err != nil {
		return w, badField("url", err.Error(), "such as https://bank.example/health-codes")
	}
	topics, err := readTopics("topics", body.Topics)
	if err != nil {
		return w, err
	}
	switch {
	case owner == 0 && body.PartnerID <= 0:
		return w, badField("partner_id", "is missing", "the number of a partner")
	case owner != 0 && body.PartnerID != 0 && body.PartnerID != owner:
		return w, badField("partner_id", "is another partner", "nothing, or one's own number")
	case owner == 0:
		owner = body.PartnerID
	}
	return schema.Webhook{ID: access.NewWebhookID(), PartnerID: owner, URL: body.URL, Topics: topics}, nil
}

// webhookAdded answers POST /api/v1/webhooks with 201 and the secret, which is never shown again.
func (s *server) webhookAdded(c *gin.Context) {
	w, err := s.readWebhook(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	secret, sealed, err := s.newWebhookSecret(w.ID)
	if err == nil {
		err = s.store.AddWebhook(c.Request.Context(), w, sealed)
	}
	if errors.Is(err, schema.ErrNotFound) {
		err = ErrNoPartner
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Location", "/api/v1/webhooks/"+w.ID)
	s.answerWebhook(c, http.StatusCreated, w.ID, secret)
}

func (s *server) newWebhookSecret(id string) (secret, sealed string, err error) {
	if s.Seal == (access.SealKey{}) {
		return "", "", fmt.Errorf("%w: there is no key to seal secrets with", errUnavailable)
	}
	secret = access.NewWebhookSecret()
	sealed, err = s.Seal.Seal(secret, access.PurposeWebhook(id))
	if err != nil {
		return "", "", fmt.Errorf("seal the secret of a webhook: %w", err)
	}
	return secret, sealed, nil
}

func (s *server) answerWebhook(c *gin.Context, status int, id, secret string) {
	w, err := s.store.Webhook(c.Request.Context(), id)
	if err != nil {
		s.fail(c, unknownWebhook(err))
		return
	}
	item := NewWebhookItem(w)
	item.Secret = secret
	uncompressed(c)
	c.Header("Cache-Control", "no-store")
	c.JSON(status, item)
}

func unknownWebhook(err error) error {
	if errors.Is(err, schema.ErrNotFound) {
		return ErrNoWebhook
	}
	return err
}

// pathWebhook reads the webhook that the path names. Another partner's is not even known to exist.
func (s *server) pathWebhook(c *gin.Context) (*schema.Webhook, error) {
	owner, err := s.webhookOwner(c)
	if err != nil {
		return nil, err
	}
	w, err := s.store.Webhook(c.Request.Context(), c.Param("id"))
	if err != nil {
		return nil, unknownWebhook(err)
	}
	if owner != 0 && w.PartnerID != owner {
		return nil, ErrNoWebhook
	}
	return w, nil
}

// webhookShown answers GET /api/v1/webhooks/:id.
func (s *server) webhookShown(c *gin.Context) {
	w, err := s.pathWebhook(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, NewWebhookItem(w))
}

// webhookDeleted answers DELETE /api/v1/webhooks/:id with 204.
func (s *server) webhookDeleted(c *gin.Context) {
	w, err := s.pathWebhook(c)
	if err == nil {
		err = s.store.DeleteWebhook(c.Request.Context(), w.ID)
	}
	if err != nil {
		s.fail(c, unknownWebhook(err))
		return
	}
	c.Status(http.StatusNoContent)
}

// webhookRotation is what POST /api/v1/webhooks/:id/rotate takes.
type webhookRotation struct {
	Overlap int `json:"overlap_days" minimum:"0" maximum:"30" doc:"How long messages are signed by the old secret too; 7 if nothing is said."`
}

// webhookRotated answers POST /api/v1/webhooks/:id/rotate: {"overlap_days": 7}. The new secret is shown once; messages are signed by both until the old
// one ends.
func (s *server) webhookRotated(c *gin.Context) {
	body := webhookRotation{secretOverlap}
	w, err := s.pathWebhook(c)
	if err == nil {
		err = decodeJSON(c.Request, &body)
	}
	if err == nil && (body.Overlap < 0 || body.Overlap > maxSecretOverlap) {
		err = badField("overlap_days", "is out of range", "0 to "+strconv.Itoa(maxSecretOverlap))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	secret, sealed, err := s.newWebhookSecret(w.ID)
	if err == nil {
		err = s.store.RotateWebhookSecret(c.Request.Context(), w.ID, sealed, s.now().AddDate(0, 0, body.Overlap))
	}
	if err != nil {
		s.fail(c, unknownWebhook(err))
		return
	}
	s.answerWebhook(c, http.StatusCreated, w.ID, secret)
}

// webhookEnabled answers POST /api/v1/webhooks/:id/enable: it goes on where it was, at once.
func (s *server) webhookEnabled(c *gin.Context) {
	w, err := s.pathWebhook(c)
	if err == nil {
		err = decodeNothing(c.Request)
	}
	if err == nil {
		err = s.store.EnableWebhook(c.Request.Context(), w.ID)
	}
	if err != nil {
		s.fail(c, unknownWebhook(err))
		return
	}
	s.answerWebhook(c, http.StatusOK, w.ID, "")
}

// webhookReplay is what POST /api/v1/webhooks/:id/redeliver takes.
type webhookReplay struct {
	After int64 `json:"after" minimum:"0" doc:"A place in the feed: everything after it is sent."`
}

// webhookRedelivered answers POST /api/v1/webhooks/:id/redeliver: {"after": 17} sends everything after that place in the feed, again or for the first time.
func (s *server) webhookRedelivered(c *gin.Context) {
	body := webhookReplay{-1}
	w, err := s.pathWebhook(c)
	if err == nil {
		err = decodeJSON(c.Request, &body)
	}
	if err == nil && body.After < 0 {
		err = badField("after", "is missing or no place in the feed", "a whole number from 0")
	}
	if err == nil {
		err = s.store.MoveWebhook(c.Request.Context(), w.ID, body.After)
	}
	if err != nil {
		s.fail(c, unknownWebhook(err))
		return
	}
	s.answerWebhook(c, http.StatusOK, w.ID, "")
}

// deliveriesListed answers GET /api/v1/webhooks/:id/deliveries, newest first.
func (s *server) deliveriesListed(c *gin.Context) {
	w, err := s.pathWebhook(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	below, err := readPosition("cursor", query.Get("cursor"))
	if err != nil {
		s.fail(c, err)
		return
	}
	found, err := s.store.Deliveries(c.Request.Context(), w.ID, below, limit+1)
	if err != nil {
		s.fail(c, fmt.Errorf("list deliveries: %w", err))
		return
	}
	page := newList[DeliveryItem](limit)
	for _, d := range found {
		if !page.add(DeliveryItem{d.Number, d.Position, d.Attempt, d.Outcome, d.Status, d.Took.Milliseconds(), d.At}, strconv.FormatInt(d.Number, 10)) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
}
