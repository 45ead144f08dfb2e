package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far long work is, on a terminal only. It is safe for concurrent use.
type progress struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

// newProgress starts a bar over total units named unit, with the time left.
func (p *program) newProgress(what, unit string, total int64) *progress {
	if !isTerminal(p.err) {
		return &progress{}
	}
	options := []progressbar.Option{progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish()}
	if unit == bytesUnit {
		options = append(options, progressbar.OptionShowBytes(true))
	} else {
		options = append(options, progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit))
	}
	return &progress{bar: progressbar.NewOptions64(total, options...)}
}

// bytesUnit is the unit of files.
const bytesUnit = "bytes"

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// set moves the bar to a value of a total that may have become known later. A bar that cannot be drawn is no reason to stop working.
func (b *progress) set(done, total int64) {
	if b.bar == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if total > 0 && b.bar.GetMax64() != total {
		b.bar.ChangeMax64(total)
	}
	_ = b.bar.Set64(min(done, b.bar.GetMax64()))
}

// describe changes the words before the bar.
func (b *progress) describe(text string) {
	if b.bar != nil {
		b.bar.Describe(text)
	}
}

// finish takes the bar away.
func (b *progress) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
