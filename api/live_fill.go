package api

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"healthcode/registry"
	"healthcode/schema"
)

// LiveStream reads what Live returns of all codes in force.
type LiveStream interface {
	LiveRows(ctx context.Context, now time.Time, most int) iter.Seq2[schema.LiveRow, error]
	LiveClock
}

const (
	fillBatch = 256         // rows that are added under one lock
	fillRest  = time.Second // between the signal and the reading: what changes everything seldom comes alone
	fillShare = 10          // reading everything takes at most a tenth of the time
)

// fill reads everything in. What was touched meanwhile is left out, and all of it when everything was let go.
func (l *LiveRegister) fill(ctx context.Context, stream LiveStream, now time.Time) error {
	if _, known := l.advance(ctx, stream); !known {
		return errLiveUnknown
	}
	era := l.beginFill()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.touched = nil
	}()
	batch := make([]schema.LiveRow, 0, fillBatch)
	for row, err := range stream.LiveRows(ctx, now, l.most) {
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) == fillBatch {
			if !l.add(era, batch) {
				return nil
			}
			batch = batch[:0]
		}
	}
	l.add(era, batch)
	return nil
}

// beginFill begins to note what is touched, and returns which emptying is made good for.
func (l *LiveRegister) beginFill() (era int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.emptied:
	default:
	}
	l.touched = map[registry.USCC]bool{}
	return l.era
}

var errLiveUnknown = errors.New("it cannot be told now what changes in the register")

// add holds rows of a fill; false when everything was let go since it began.
func (l *LiveRegister) add(era int, rows []schema.LiveRow) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.era != era {
		return false
	}
	for i := range rows {
		if row := &rows[i]; l.held < l.most && !l.touched[row.USCC] {
			l.hold(codePlace{row.USCC, row.Index}, row.Live)
		}
	}
	return true
}

// Run reads everything in at once, and again after everything was let go, until ctx ends.
func (l *LiveRegister) Run(ctx context.Context, stream LiveStream, now func() time.Time, log *slog.Logger) {
	rest := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.emptied:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
		began := time.Now()
		err := l.fill(ctx, stream, now())
		rest = max(fillRest, (fillShare-1)*time.Since(began))
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !errors.Is(err, errLiveUnknown) { // that passes by itself, as a rule while the connection is made
			log.WarnContext(ctx, "the register was not read into memory; codes are looked up one by one", "error", err.Error())
			rest = time.Minute
		}
		l.wantFill()
	}
}
