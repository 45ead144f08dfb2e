// Package supervision holds the rules of what follows from a record or a grade: how an enterprise may answer (救济), by when each side acts, for how
// long a bad fact may be published, and who stands on a list. It imports registry and nothing else of ours, and never reads the clock: a day is a
// parameter, so that every decision can be computed again. See docs/recourse.md and docs/listings.md.
package supervision
