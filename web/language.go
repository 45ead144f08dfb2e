package web

import (
	"strconv"
	"strings"
)

// Language is a language of the pages, as a BCP 47 tag.
type Language string

// The languages of the pages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Languages lists the languages, the default first.
func Languages() []Language { return []Language{Chinese, English} }

// Other returns the language that the switch on a page leads to.
func (l Language) Other() Language {
	if l == English {
		return Chinese
	}
	return English
}

// ParseLanguage reads the value of ?lang=. ok is false for a language that the pages do not speak.
func ParseLanguage(text string) (l Language, ok bool) {
	switch strings.ToLower(text) {
	case "zh-cn", "zh":
		return Chinese, true
	case "en":
		return English, true
	}
	return Chinese, false
}

// maxAccept bounds how much of an Accept-Language header is read: a browser's has a few dozen bytes.
const maxAccept = 512

// AcceptedLanguage chooses by an Accept-Language header (RFC 9110 §12.5.4): the language with the highest weight, the first of
// equals, Chinese when the header names neither.
func AcceptedLanguage(header string) Language {
	if len(header) > maxAccept {
		header = header[:maxAccept]
	}
	best, bestWeight := Chinese, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, weight := acceptedPart(part)
		if language, ok := languageOfTag(tag); ok && weight > bestWeight {
			best, bestWeight = language, weight
		}
	}
	return best
}

func languageOfTag(tag string) (Language, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	switch primary {
	case "zh", "*":
		return Chinese, true
	case "en":
		return English, true
	}
	return "", false
}

// acceptedPart splits "en-GB;q=0.8" into its tag and weight. A weight that is not a number counts as zero.
func acceptedPart(part string) (tag string, weight float64) {
	tag, parameter, weighted := strings.Cut(strings.TrimSpace(part), ";")
	if !weighted {
		return strings.TrimSpace(tag), 1
	}
	value, isWeight := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
	weight, err := strconv.ParseFloat(value, 64)
	if !isWeight || err != nil || weight > 1 {
		return strings.TrimSpace(tag), 0
	}
	return strings.TrimSpace(tag), weight
}
