package web

import (
	"strings"
	"unicode"
)

// A drawing does not wrap its text, and the font that will be there is not known when it is drawn. So widths are estimated, rather too
// wide than too narrow.

// lineHeight is the distance of two lines, in heights of a letter.
const lineHeight = 1.25

// shrink is how much smaller letters may become before a text takes one line more.
const shrink = 0.78

// fit returns a size of letters up to most at which a text fits a box, and its lines: few lines rather than large letters.
func fit(text string, width, height, most float64) (size float64, lines []string) {
	whole := widthOf(text)
	for n := 1.0; ; n++ {
		largest := min(most, height/(lineHeight*n))
		for size = largest; size >= shrink*largest; size *= 0.97 {
			if whole*size > n*(width+2*size) { // blanks at the ends of lines count for nothing; wrap need not be asked
				continue
			}
			if lines = wrap(text, width/size); float64(len(lines)) <= n {
				return size, lines
			}
		}
	}
}

// wrap breaks a text into lines of at most width, counted in heights of a letter. It breaks at blanks and between Chinese characters, never
// before closing punctuation, and within a word only when the word alone is wider than a line.
func wrap(text string, width float64) []string {
	var lines []string
	current, used := "", 0.0
	for _, piece := range pieces(text) {
		wide := widthOf(piece)
		if current != "" && used+widthOf(strings.TrimRight(piece, " ")) > width {
			lines, current, used = append(lines, strings.TrimRight(current, " ")), "", 0
		}
		for wide > width && len([]rune(piece)) > 1 {
			head, tail := split(piece, width)
			lines, piece, wide = append(lines, head), tail, widthOf(tail)
		}
		current, used = current+piece, used+wide
	}
	return append(lines, strings.TrimRight(current, " "))
}

// split cuts off as much of a word as a line takes, at least one character.
func split(word string, width float64) (head, tail string) {
	used := 0.0
	for i, r := range word {
		used += runeWidth(r)
		if used > width && i > 0 {
			return word[:i], word[i:]
		}
	}
	return word, ""
}

// pieces are what a line is not broken within: words with the blank after them, Chinese characters with the punctuation after them.
func pieces(text string) []string {
	var found []string
	start := 0
	var before rune
	for i, r := range text {
		if i > 0 && mayBreak(before, r) {
			found = append(found, text[start:i])
			start = i
		}
		before = r
	}
	return append(found, text[start:])
}

func mayBreak(before, next rune) bool {
	if isHan(before) && isHan(next) {
		return true
	}
	switch {
	case before == ' ':
		return next != ' '
	case next == ' ' || isClosing(next) || isOpening(before) || unicode.Is(unicode.Mn, next):
		return false
	}
	return isFull(before) || isFull(next)
}

// isHan knows the characters that most names are made of without a look into tables.
func isHan(r rune) bool { return r >= 0x4E00 && r < 0xA000 }

func isClosing(r rune) bool {
	return strings.ContainsRune("）】》」』〉〕，。、；：？！·”’)]},.;:!?%", r)
}

func isOpening(r rune) bool { return strings.ContainsRune("（【《「『〈〔“‘([{", r) }

// isFull says that a character takes a square: Chinese, Japanese, Korean, full-width forms, and whatever lies beyond them.
func isFull(r rune) bool { return r >= 0x2E80 && !(r >= 0xFB00 && r < 0xFE30) }

func widthOf(text string) (width float64) {
	for _, r := range text {
		width += runeWidth(r)
	}
	return width
}

// runeWidth estimates the width of a bold character in heights of a letter.
func runeWidth(r rune) float64 {
	switch {
	case isHan(r):
		return 1
	case unicode.Is(unicode.Mn, r):
		return 0
	case isFull(r), strings.ContainsRune("mwMW@%—…", r):
		return 1
	case strings.ContainsRune(" iljtfrI.,:;'|!()[]-·", r):
		return 0.42
	case unicode.IsUpper(r):
		return 0.78
	case r < 0x80:
		return 0.65
	}
	return 0.8
}
