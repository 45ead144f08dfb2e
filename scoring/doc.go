// Package scoring turns what is known about an enterprise into an index, a tier and a colour, and says why.
//
// It is mathematics and rules only: no database, no network, no clock, no floating point on the way to a grade. The same
// evidence, model and day give the same bytes on any machine. docs/method.md works the calculation out by hand.
//
//	facts    what is read of each record revision (Fact), collected per enterprise (Evidence)
//	model    weights, masses, peers, cuts, gates, vetoes: data that a regulator edits (Model)
//	assess   index, tier, colour (Assessor.Assess); the points of every record (Assessor.Explain)
package scoring
