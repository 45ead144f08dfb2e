package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	logDelay = 100 * time.Millisecond // for which ordinary lines may wait
	logRoom  = 32 << 10               // bytes that may wait
)

// gatheredLog returns a log whose ordinary lines are written together: one write for each of them would take a tenth of the time of an answer. What
// is more than ordinary is written at once, with all before it. Whoever is killed loses the ordinary lines of a tenth of a second; end writes the last ones.
func gatheredLog(to io.Writer) (log *slog.Logger, end func()) {
	lines := &logLines{to: to}
	return slog.New(gatheredHandler{slog.NewTextHandler(lines, nil), lines}), lines.write
}

// gatheredHandler writes what waits when a line is more than ordinary.
type gatheredHandler struct {
	slog.Handler
	lines *logLines
}

// Handle implements slog.Handler.
func (h gatheredHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level > slog.LevelInfo {
		h.lines.write()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h gatheredHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return gatheredHandler{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements slog.Handler.
func (h gatheredHandler) WithGroup(name string) slog.Handler {
	return gatheredHandler{h.Handler.WithGroup(name), h.lines}
}

// logLines are lines that wait to be written.
type logLines struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
}

// Write keeps a line, for a while.
func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		time.AfterFunc(logDelay, l.write)
	}
	l.waiting = append(l.waiting, line...)
	if len(l.waiting) >= logRoom {
		l.writeLocked()
	}
	return len(line), nil
}

func (l *logLines) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeLocked()
}

func (l *logLines) writeLocked() {
	if len(l.waiting) > 0 {
		_, _ = l.to.Write(l.waiting) // there is nobody to tell that the log cannot be written
		l.waiting = l.waiting[:0]
	}
}
