// Package supervision holds what follows from a grade: rules that are pure. A day is a parameter, so that every decision can be computed again.
package supervision
