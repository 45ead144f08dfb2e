package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// PartnerKeeper adds and changes partners and their keys.
type PartnerKeeper interface {
	Partners(ctx context.Context) ([]schema.Partner, error)
	AddPartner(ctx context.Context, p schema.Partner) (int64, error)
	DisablePartner(ctx context.Context, id int64, at time.Time) error
	PartnerKeys(ctx context.Context, partner int64) ([]schema.PartnerKey, error)
	AddPartnerKey(ctx context.Context, k schema.PartnerKey) error
	RotatePartnerKey(ctx context.Context, old string, k schema.PartnerKey, until time.Time) error
	RevokePartnerKey(ctx context.Context, prefix string, at time.Time) error
}

// What is not found, or was there already.
var (
	ErrNoPartner    = errors.New("there is no such partner")
	ErrNoPartnerKey = errors.New("the partner has no such key")
	ErrPartnerTaken = errors.New("a partner of this name is known already")
)

// How long a key lives, and how long the old one lives on after an exchange.
const (
	KeyLife    = 365 * 24 * time.Hour
	MaxKeyLife = 2 * KeyLife
	KeyOverlap = 7 * 24 * time.Hour
)

// PartnerItem is one partner as JSON.
type PartnerItem struct {
	ID         int64            `json:"id"`
	Name       string           `json:"name"`
	Purposes   []access.Purpose `json:"purposes"`
	Sources    []string         `json:"sources"`
	Addresses  []string         `json:"addresses"` // networks; none means any
	CreatedAt  time.Time        `json:"created_at"`
	DisabledAt time.Time        `json:"disabled_at,omitzero"`

	Certificates []string `json:"certificates"` // thumbprints of which the client must show one; none means none
}

// NewPartnerItem returns what lists show of a partner.
func NewPartnerItem(p *schema.Partner) PartnerItem {
	return PartnerItem{p.ID, p.Name, orNone(p.Purposes), orNone(p.Sources), orNone(p.Addresses), p.CreatedAt, p.DisabledAt, orNone(p.Certificates)}
}

func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// PartnerKeyItem is one key as JSON. Key is the whole of it, shown once when it is made.
type PartnerKeyItem struct {
	Prefix    string         `json:"prefix"`
	Key       string         `json:"key,omitempty"`
	Scopes    []access.Scope `json:"scopes"`
	CreatedAt time.Time      `json:"created_at"`
	ExpiresAt time.Time      `json:"expires_at"`
	RevokedAt time.Time      `json:"revoked_at,omitzero"`
	UsedAt    time.Time      `json:"used_at,omitzero"` // to the minute
}

// NewPartnerKeyItem returns what lists show of a key.
func NewPartnerKeyItem(k *schema.PartnerKey) PartnerKeyItem {
	return PartnerKeyItem{k.Prefix, "", k.Scopes, k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.UsedAt}
}

// PartnerBody is what POST /api/v1/partners takes.
type PartnerBody struct {
	Name      string   `json:"name"`
	Purposes  []string `json:"purposes"`
	Sources   []string `json:"sources"`
	Addresses []string `json:"addresses"`

	Certificates []string `json:"certificates"` // x5t#S256 of RFC 8705
}

// Partner checks the body; what is wrong is named by its field.
func (b *PartnerBody) Partner() (p schema.Partner, err error) {
	p = schema.Partner{Name: b.Name, Sources: b.Sources, Addresses: b.Addresses, Certificates: b.Certificates}
	if err := access.CheckName(b.Name); err != nil {
		return p, badField("name", err.Error(), "such as 某银行嘉兴分行")
	}
	for _, text := range b.Purposes {
		purpose := access.Purpose(text)
		if !purpose.Known() {
			return p, badField("purposes", "is not known", fmt.Sprintf("some of %v", access.Purposes))
		}
		p.Purposes = append(p.Purposes, purpose)
	}
	for _, source := range b.Sources {
		if access.CheckName(source) != nil || strings.ContainsAny(source, " \u3000") || source == schema.ListingSource {
			return p, badField("sources", "is not the name of a source", "one word, such as 12315")
		}
	}
	for _, thumbprint := range b.Certificates {
		if err := access.CheckThumbprint(thumbprint); err != nil {
			return p, badField("certificates", err.Error(), "the SHA-256 of its DER form in base64url, 43 characters")
		}
	}
	for _, network := range b.Addresses {
		if err := access.CheckNetwork(network); err != nil {
			return p, badField("addresses", err.Error(), "networks, such as 192.0.2.0/24")
		}
	}
	return p, nil
}

// KeyBody is what POST /api/v1/partners/:id/keys takes.
type KeyBody struct {
	Scopes []string `json:"scopes"`
	Days   int      `json:"days"` // 0: a year
}

// Key checks the body and makes a key that it asks for; the row holds its hash, the key itself is shown once.
func (b *KeyBody) Key(now time.Time) (row schema.PartnerKey, key access.APIKey, err error) {
	if len(b.Scopes) == 0 {
		return row, key, badField("scopes", "is missing", fmt.Sprintf("some of %v", access.Scopes))
	}
	for _, text := range b.Scopes {
		scope := access.Scope(text)
		if !scope.Known() {
			return row, key, badField("scopes", "is not known", fmt.Sprintf("some of %v", access.Scopes))
		}
		row.Scopes = append(row.Scopes, scope)
	}
	life := time.Duration(b.Days) * 24 * time.Hour
	if b.Days == 0 {
		life = KeyLife
	}
	if b.Days < 0 || b.Days > int(MaxKeyLife/(24*time.Hour)) {
		return row, key, badField("days", "is out of range", "1 to "+strconv.Itoa(int(MaxKeyLife/(24*time.Hour))))
	}
	row, key = NewKeyRow(row, now.Add(life))
	return row, key, nil
}

// NewKeyRow makes a key and fills in its row.
func NewKeyRow(row schema.PartnerKey, expires time.Time) (schema.PartnerKey, access.APIKey) {
	key := access.NewAPIKey()
	row.Prefix, row.Hash, row.ExpiresAt = key.Prefix, key.Secret.Hash(), expires
	return row, key
}

// partnersListed answers GET /api/v1/partners in the order of their names.
func (s *server) partnersListed(c *gin.Context) {
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	found, err := s.store.Partners(c.Request.Context())
	if err != nil {
		s.fail(c, fmt.Errorf("list partners: %w", err))
		return
	}
	page := newList[PartnerItem](limit)
	for i := range found {
		if found[i].Name > query.Get("cursor") && !page.add(NewPartnerItem(&found[i]), found[i].Name) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
}

// partnerAdded answers POST /api/v1/partners with 201.
func (s *server) partnerAdded(c *gin.Context) {
	var body PartnerBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	p, err := body.Partner()
	if err == nil {
		p.ID, err = s.store.AddPartner(c.Request.Context(), p)
	}
	if errors.Is(err, schema.ErrConflict) {
		err = ErrPartnerTaken
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Location", "/api/v1/partners/"+strconv.FormatInt(p.ID, 10))
	s.answerPartner(c, http.StatusCreated, p.ID)
}

func (s *server) answerPartner(c *gin.Context, status int, id int64) {
	p, err := s.store.Partner(c.Request.Context(), id)
	if err != nil {
		s.fail(c, fmt.Errorf("read partner: %w", err))
		return
	}
	c.JSON(status, NewPartnerItem(p))
}

// pathPartner reads the partner that the path names.
func (s *server) pathPartner(c *gin.Context) (*schema.Partner, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return nil, ErrNoPartner
	}
	p, err := s.store.Partner(c.Request.Context(), id)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoPartner
	}
	if err != nil {
		return nil, fmt.Errorf("read partner: %w", err)
	}
	return p, nil
}

// partnerShown answers GET /api/v1/partners/:id.
func (s *server) partnerShown(c *gin.Context) {
	p, err := s.pathPartner(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, NewPartnerItem(p))
}

// partnerDisabled answers POST /api/v1/partners/:id/disable: all its keys end.
func (s *server) partnerDisabled(c *gin.Context) {
	p, err := s.pathPartner(c)
	if err == nil {
		err = decodeNothing(c.Request)
	}
	if err == nil {
		err = s.store.DisablePartner(c.Request.Context(), p.ID, s.now())
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerPartner(c, http.StatusOK, p.ID)
}

// partnerKeysListed answers GET /api/v1/partners/:id/keys, newest first, without secrets.
func (s *server) partnerKeysListed(c *gin.Context) {
	p, err := s.pathPartner(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	keys, err := s.store.PartnerKeys(c.Request.Context(), p.ID)
	if err != nil {
		s.fail(c, fmt.Errorf("list keys: %w", err))
		return
	}
	list := List[PartnerKeyItem]{Items: make([]PartnerKeyItem, len(keys))}
	for i := range keys {
		list.Items[i] = NewPartnerKeyItem(&keys[i])
	}
	c.JSON(http.StatusOK, list)
}

// partnerKeyAdded answers POST /api/v1/partners/:id/keys with 201 and the whole key, which is never shown again.
func (s *server) partnerKeyAdded(c *gin.Context) {
	p, err := s.pathPartner(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	var body KeyBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	row, key, err := body.Key(s.now())
	row.PartnerID = p.ID
	if err == nil {
		err = s.store.AddPartnerKey(c.Request.Context(), row)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerNewKey(c, key)
}

func (s *server) answerNewKey(c *gin.Context, key access.APIKey) {
	row, err := s.store.PartnerKey(c.Request.Context(), key.Prefix)
	if err != nil {
		s.fail(c, fmt.Errorf("read the new key: %w", err))
		return
	}
	item := NewPartnerKeyItem(row)
	item.Key = key.Text()
	uncompressed(c)
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusCreated, item)
}

// keyRotation is what POST /api/v1/partners/:id/keys/:prefix/rotate takes.
type keyRotation struct {
	Overlap int `json:"overlap_hours" minimum:"0" maximum:"2160" doc:"How long the old key lives on; 168 if nothing is said."`
}

// partnerKeyRotated answers POST /api/v1/partners/:id/keys/:prefix/rotate: {"overlap_hours": 168}. The new key is shown once, the old one
// lives on for the overlap.
func (s *server) partnerKeyRotated(c *gin.Context) {
	body := keyRotation{int(KeyOverlap / time.Hour)}
	prefix, err := s.pathKey(c)
	if err == nil {
		err = decodeJSON(c.Request, &body)
	}
	if err == nil && (body.Overlap < 0 || body.Overlap > 24*90) {
		err = badField("overlap_hours", "is out of range", "0 to 2160")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	row, key := NewKeyRow(schema.PartnerKey{}, s.now().Add(KeyLife))
	err = s.store.RotatePartnerKey(c.Request.Context(), prefix, row, s.now().Add(time.Duration(body.Overlap)*time.Hour))
	if errors.Is(err, schema.ErrNotFound) {
		err = ErrNoPartnerKey
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerNewKey(c, key)
}

// partnerKeyRevoked answers POST /api/v1/partners/:id/keys/:prefix/revoke.
func (s *server) partnerKeyRevoked(c *gin.Context) {
	prefix, err := s.pathKey(c)
	if err == nil {
		err = decodeNothing(c.Request)
	}
	if err == nil {
		err = s.store.RevokePartnerKey(c.Request.Context(), prefix, s.now())
	}
	if errors.Is(err, schema.ErrNotFound) {
		err = ErrNoPartnerKey
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.partnerKeysListed(c)
}

// pathKey reads the key that the path names, which must be the partner's.
func (s *server) pathKey(c *gin.Context) (string, error) {
	p, err := s.pathPartner(c)
	if err != nil {
		return "", err
	}
	keys, err := s.store.PartnerKeys(c.Request.Context(), p.ID)
	if err != nil {
		return "", fmt.Errorf("list keys: %w", err)
	}
	prefix := c.Param("prefix")
	if !slices.ContainsFunc(keys, func(k schema.PartnerKey) bool { return k.Prefix == prefix }) {
		return "", ErrNoPartnerKey
	}
	return prefix, nil
}
