package web

import (
	"io"

	"healthcode/scoring"
)

// WriteBacktest writes the report of a back-test as one self-contained page.
func WriteBacktest(w io.Writer, language Language, r *scoring.BacktestResult) error { return nil }
