// Package supervision holds the rules of what follows from a record or a grade: how an enterprise may answer (救济), by when each side acts, and
// for how long a bad fact may be published. It imports registry and nothing else of ours, and never reads the clock. See docs/recourse.md.
package supervision
