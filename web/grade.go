package web

import (
	"cmp"
	"time"

	"healthcode/registry"
)

// Grade is the live grade of an enterprise.
type Grade struct {
	Index    int32 // hundredths, 0 to 10000
	Tier     registry.Tier
	Colour   registry.Colour
	Evidence registry.EvidenceLevel
	AsOf     registry.Day // the day that the grade is of
	KnownAt  time.Time    // the records that it knows
	Model    string       // name and version of the model
}

// Mark is a colour to be drawn: as colour, shape and word.
type Mark struct {
	Lang   Language
	Colour registry.Colour
	Large  bool

	Vocabulary string // of the word; none: that of codes
}

// Word returns the colour's word.
func (m Mark) Word() string {
	vocabulary := cmp.Or(m.Vocabulary, "colour")
	if m.Colour == registry.ColourNone {
		return Term(m.Lang, vocabulary, "none")
	}
	return Term(m.Lang, vocabulary, m.Colour.String())
}

// Mark returns the small mark of a colour.
func (p Page) Mark(c registry.Colour) Mark { return Mark{Lang: p.Lang, Colour: c} }

// LargeMark returns the mark that a whole page is about.
func (p Page) LargeMark(c registry.Colour) Mark { return Mark{Lang: p.Lang, Colour: c, Large: true} }
