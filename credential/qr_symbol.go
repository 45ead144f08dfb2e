package credential

import (
	"sync"

	"rsc.io/qr/coding"
)

// The library places modules and computes error correction. What is chosen here is what goes into it: the segments of a text, the smallest
// version that holds them, and the best of the eight masks. All masks of a text differ by patterns that depend on the version alone, so a text
// is encoded once.

const (
	masks      = 8
	correction = coding.M
)

// layout is what all symbols of one version share.
type layout struct {
	plan   *coding.Plan  // of mask 0
	change [masks][]bool // where a mask differs from mask 0, row by row
}

// layouts are made when they are first needed.
var layouts = func() (all [coding.MaxVersion + 1]func() *layout) {
	for v := coding.MinVersion; v <= coding.MaxVersion; v++ {
		all[v] = sync.OnceValue(func() *layout { return newLayout(coding.Version(v)) })
	}
	return all
}()

func newLayout(v coding.Version) *layout {
	l := &layout{}
	for m := range masks {
		plan, err := coding.NewPlan(v, correction, coding.Mask(m))
		if err != nil {
			panic(err) // for a version, level or mask that does not exist only
		}
		if m == 0 {
			l.plan = plan
		}
		for y, row := range plan.Pixel {
			for x, pixel := range row {
				l.change[m] = append(l.change[m], (pixel^l.plan.Pixel[y][x])&coding.Black != 0)
			}
		}
	}
	return l
}

// segments splits a text into bytes and the digits at its end, which take a third of the space, or leaves it whole when that is shorter.
func segments(text string, v coding.Version) ([]coding.Encoding, int) {
	at := len(text)
	for at > 0 && text[at-1] >= '0' && text[at-1] <= '9' {
		at--
	}
	whole, tail := coding.String(text), coding.Num(text[at:])
	if at == 0 {
		return []coding.Encoding{tail}, tail.Bits(v)
	}
	head := coding.String(text[:at])
	if split := head.Bits(v) + tail.Bits(v); at < len(text) && split < whole.Bits(v) {
		return []coding.Encoding{head, tail}, split
	}
	return []coding.Encoding{whole}, whole.Bits(v)
}

// encode returns the modules of a text, row by row, and the side; ok is false when no version holds it.
func encode(text string) (modules []bool, side int, ok bool) {
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		parts, bits := segments(text, v)
		if bits > v.DataBytes(correction)*8 {
			continue
		}
		l := layouts[v]()
		code, err := l.plan.Encode(parts...)
		if err != nil {
			return nil, 0, false
		}
		return l.best(code), code.Size, true
	}
	return nil, 0, false
}

// best applies the mask with the lowest score, the first of equals.
func (l *layout) best(code *coding.Code) []bool {
	side := code.Size
	plain, masked, best := make([]bool, side*side), make([]bool, side*side), make([]bool, side*side)
	for y := range side {
		for x := range side {
			plain[y*side+x] = code.Black(x, y)
		}
	}
	lowest := -1
	for _, change := range l.change {
		for i, flip := range change {
			masked[i] = plain[i] != flip
		}
		if score := penalty(masked, side); lowest < 0 || score < lowest {
			lowest = score
			best, masked = masked, best
		}
	}
	return best
}

// penalty scores what confuses scanners (ISO/IEC 18004, section 7.8.3), with the weights of the standard. A run counts from its sixth
// module, as in the library that made the first codes: so a text has the picture that it always had.
func penalty(modules []bool, side int) int {
	score := 0
	for i := range side {
		score += linePenalty(modules, i*side, 1, side) + linePenalty(modules, i, side, side)
	}
	dark := 0
	for i, black := range modules {
		if black {
			dark++
		}
		if x := i % side; x > 0 && i >= side && black == modules[i-1] && black == modules[i-side] && black == modules[i-side-1] {
			score += 3 // a block of two by two
		}
	}
	all := side * side
	return score + 10*(max(all/2-dark, dark-all/2)/(all/20))
}

// The pattern of a corner, 1:1:3:1:1 with four light modules before or after, in the last eleven modules of a line.
const (
	lastSeven, lastEleven = 0x7f, 0x7ff
	corner                = 0x5d
	cornerBefore          = corner << 4
)

// linePenalty scores the runs and the false corners of one row or column.
func linePenalty(modules []bool, at, step, side int) (score int) {
	run, seen := 0, 0
	for n := range side {
		black := modules[at]
		if n == 0 || black != modules[at-step] {
			run = 0
		}
		if run++; run == 6 {
			score += 4
		} else if run > 6 {
			score++
		}
		if seen <<= 1; black {
			seen |= 1
		}
		last := seen & lastEleven
		if last == corner || last == cornerBefore || n == side-1 && seen&lastSeven == corner {
			score += 40
			seen = 0xff
		}
		at += step
	}
	return score
}
