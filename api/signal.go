package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// SignalReader reads counts of scans and the signals that followed.
type SignalReader interface {
	// Signals returns the signals since an instant, newest first, at most limit.
	Signals(ctx context.Context, sight access.Sight, since time.Time, limit int) ([]schema.Signal, error)
	// SignalsOf returns those of one enterprise.
	SignalsOf(ctx context.Context, code registry.USCC, since time.Time) ([]schema.Signal, error)
	// ScansOf returns how often each code of an enterprise was scanned since an hour.
	ScansOf(ctx context.Context, code registry.USCC, since int64) (map[uint32]int64, error)
}

// How much of the past the console shows.
const (
	signalPast = 30 * 24 * time.Hour
	scanPast   = 7 * 24 * time.Hour
	homeSignal = 10 // lines
)

// signalsListed answers GET /api/v1/signals: printed codes that were scanned in many places in the last 30 days, newest first.
func (s *server) signalsListed(c *gin.Context) {
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	signals, err := s.store.Signals(c.Request.Context(), s.sight(c), s.now().Add(-signalPast), limit)
	if err != nil {
		s.fail(c, fmt.Errorf("read signals: %w", err))
		return
	}
	c.JSON(http.StatusOK, List[schema.Signal]{Items: signals})
}

// homeSignals shows the newest signals on the first page.
func (s *server) homeSignals(ctx context.Context, sight access.Sight, view *web.HomePage) error {
	if view.Filtered() || view.Filter.After != "" { // who looks for something wants the list
		return nil
	}
	signals, err := s.store.Signals(ctx, sight, s.now().Add(-signalPast), homeSignal)
	if err != nil {
		return fmt.Errorf("read signals: %w", err)
	}
	for i := range signals {
		e, err := s.store.Enterprise(ctx, signals[i].USCC)
		if errors.Is(err, schema.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read enterprise of a signal: %w", err)
		}
		view.Signals = append(view.Signals, signalLine(&signals[i], e.Name))
	}
	return nil
}

func signalLine(s *schema.Signal, name string) web.SignalLine {
	return web.SignalLine{USCC: s.USCC, Name: name, Index: s.Index, Day: s.Day, Areas: s.Areas, Scans: s.Scans, Most: s.Most}
}

// enterpriseCodes fills the codes of an enterprise's page, with their history, counts and signals.
func (s *server) enterpriseCodes(ctx context.Context, code registry.USCC, view *web.EnterprisePage) error {
	codes, err := s.store.CodesOf(ctx, code)
	if err != nil {
		return fmt.Errorf("read codes: %w", err)
	}
	scans, err := s.store.ScansOf(ctx, code, schema.HourOf(s.now().Add(-scanPast)))
	if err != nil {
		return fmt.Errorf("read counts of scans: %w", err)
	}
	for i := range codes {
		one := &codes[i]
		if one.State != schema.CodeIssued {
			continue
		}
		detail, err := ReadCodeDetail(ctx, s.store, one)
		if err != nil {
			return err
		}
		line := web.CodeLine{Index: one.Index, Form: one.Form, Status: one.Status.String(), IssuedAt: one.IssuedAt, ExpiresAt: one.ExpiresAt,
			Expired: !one.ExpiresAt.IsZero() && !one.ExpiresAt.After(s.now()), Scans: scans[one.Index]}
		for _, step := range detail.Steps {
			line.Steps = append(line.Steps, web.CodeStepLine{Step: string(step.Step), By: step.By, Reason: step.Reason, At: step.At})
		}
		view.Codes = append(view.Codes, line)
	}
	signals, err := s.store.SignalsOf(ctx, code, s.now().Add(-signalPast))
	if err != nil {
		return fmt.Errorf("read signals: %w", err)
	}
	for i := range signals {
		view.Signals = append(view.Signals, signalLine(&signals[i], view.Name))
	}
	return nil
}
