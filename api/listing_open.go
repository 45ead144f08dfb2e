package api

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"healthcode/exchange"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"

	"github.com/gin-gonic/gin"
)

// OpenListingReader reads what everybody may know of lists.
type OpenListingReader interface {
	PublicListing(ctx context.Context, list string) iter.Seq2[schema.ListingItem, error]
	PublicListingMark(ctx context.Context, list string) (string, error)
}

// publicListingPath is where the public reads lists: NAME a page, NAME.csv and NAME.json open data.
const publicListingPath = "/public/listings/"

// Licence says under which terms open data may be used.
type Licence struct {
	Name        string // such as CC BY 4.0
	URL         string
	Attribution string // whom to name; may be empty
}

// DefaultLicence is Creative Commons Attribution 4.0 International.
var DefaultLicence = Licence{Name: "CC BY 4.0", URL: "https://creativecommons.org/licenses/by/4.0/"}

// publicListing answers GET /public/listings/NAME, NAME.csv and NAME.json.
func (s *server) publicListing(c *gin.Context) {
	name, ext, dotted := strings.Cut(c.Param("name"), ".")
	list, err := readList(name)
	switch {
	case err != nil:
		s.fail(c, err)
	case !dotted:
		s.publicListingPage(c, list)
	case ext == "csv" || ext == "json":
		s.openData(c, list, ext)
	default:
		s.fail(c, ErrNoRoute)
	}
}

// openData answers with a list as open data, a row at a time: a long list takes no more memory than a short one.
func (s *server) openData(c *gin.Context, list, ext string) {
	if _, err := readQuery(c.Request); err != nil {
		s.fail(c, err)
		return
	}
	mark, err := s.store.PublicListingMark(c.Request.Context(), list)
	if err != nil {
		s.fail(c, err)
		return
	}
	_, names, err := s.divisions(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(list, ext, mark, s.Licence, s.today(), len(names))))
	packed := acceptsGzip(c.GetHeader("Accept-Encoding"))
	s.openDataHeaders(c, list, ext, `"`+hex.EncodeToString(sum[:16])+map[bool]string{true: "-gzip"}[packed]+`"`)
	if isKnown(c.GetHeader("If-None-Match"), c.Writer.Header().Get("ETag")) {
		c.Status(http.StatusNotModified)
		return
	}
	if c.Status(http.StatusOK); c.Request.Method == http.MethodHead {
		return
	}
	if err := s.writeOpenData(c, list, ext, names, packed); err != nil {
		s.log.LogAttrs(c.Request.Context(), slog.LevelError, "open data broke off", slog.String("list", list), slog.String("error", err.Error()))
		panic(http.ErrAbortHandler) // half a list must not look whole
	}
}

func (s *server) openDataHeaders(c *gin.Context, list, ext, tag string) {
	allowEveryone(c)
	c.Header("Content-Type", map[string]string{"csv": "text/csv; charset=utf-8; header=present", "json": "application/json; charset=utf-8"}[ext])
	c.Header("Content-Disposition", `attachment; filename="`+list+`-`+s.today().String()+`.`+ext+`"`)
	c.Header("Cache-Control", "public, max-age=300")
	c.Header("Vary", "Accept-Encoding")
	c.Header("ETag", tag)
	c.Header("Link", `<`+s.Licence.URL+`>; rel="license", <`+publicListingPath+list+`.json>; rel="describedby"`)
}

// isKnown reports whether an If-None-Match header names a tag.
func isKnown(header, tag string) bool {
	return slices.ContainsFunc(strings.Split(header, ","), func(known string) bool {
		known = strings.TrimPrefix(strings.TrimSpace(known), "W/")
		return known == tag || known == "*"
	})
}

func (s *server) writeOpenData(c *gin.Context, list, ext string, names map[string]string, packed bool) (err error) {
	var to io.Writer = c.Writer
	if packed {
		c.Header("Content-Encoding", "gzip")
		pressed := gzip.NewWriter(c.Writer)
		to = pressed
		defer func() {
			if err == nil {
				err = pressed.Close()
			}
		}()
	}
	w, err := s.listingWriter(to, list, ext)
	if err != nil {
		return err
	}
	for item, err := range s.store.PublicListing(c.Request.Context(), list) {
		if err != nil {
			return err
		}
		row := exchange.ListingRow{USCC: item.USCC, Name: item.Name, RegionCode: item.Region, Region: fullName(names, item.Region, ""), State: string(item.State),
			Since: item.Since, Until: item.Until, LegalBasis: item.Basis, Commitment: item.Commitment}
		if err := w.Write(&row); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (s *server) listingWriter(to io.Writer, list, ext string) (*exchange.ListingWriter, error) {
	if ext == "csv" {
		return exchange.NewListingCSV(to)
	}
	title := listingTitle(list)
	return exchange.NewListingJSON(to, exchange.ListingHead{List: list, TitleZh: title.ZhCN, TitleEn: title.En, Licence: s.Licence.Name, LicenceURL: s.Licence.URL,
		Attribution: s.Licence.Attribution, AsOf: s.today(), Fields: exchange.ListingFields})
}

// ListedTold is a list on which an enterprise stands, as purposes tell it: one of ours, or one that another body keeps.
type ListedTold struct {
	List  string                   `json:"list"`
	Body  string                   `json:"body,omitempty"` // who keeps it; empty: this bureau
	State supervision.ListingState `json:"state"`          // listed or suspended
	Since registry.Day             `json:"since"`
	Until registry.Day             `json:"until,omitzero"` // the first day after its term
}

// listedTold returns the lists on which an enterprise stands, by name: ours, and those of others according to standing records.
func (s *server) listedTold(ctx context.Context, code registry.USCC, standing []registry.Record) ([]ListedTold, error) {
	own, err := s.store.ListingsOf(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("read listings: %w", err)
	}
	told := []ListedTold{}
	for i := range own {
		if l := &own[i]; l.State.Public() {
			told = append(told, ListedTold{List: l.List, State: l.State, Since: l.Since, Until: l.Until})
		}
	}
	for _, l := range registry.ListedOn(standing) {
		if !slices.ContainsFunc(told, func(ours ListedTold) bool { return ours.List == l.List }) {
			told = append(told, ListedTold{List: l.List, Body: l.Body, State: supervision.StateListed, Since: l.Since})
		}
	}
	slices.SortFunc(told, func(a, b ListedTold) int { return strings.Compare(a.List, b.List) })
	return told, nil
}
