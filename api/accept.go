package api

import (
	"net/http"
	"strconv"
	"strings"
)

// maxAccept bounds how much of an Accept header is read.
const maxAccept = 1024

const (
	typeHTML = "text/html"
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// prefersJSON reports whether a request for a page that also has a JSON form wants the JSON (RFC 9110 §12.5.1). A request that says
// nothing, or something that cannot be read, gets the page: it may be any scanner.
func prefersJSON(r *http.Request) bool {
	accept := joined(r)
	return weight(accept, typeJSON) > weight(accept, typeHTML)
}

// wantsPage reports whether a problem is to be shown as a page: only to those who name HTML, which browsers do.
func wantsPage(r *http.Request) bool {
	accept := joined(r)
	for part := range strings.SplitSeq(accept, ",") {
		if mediaType, q := mediaRange(part); mediaType == typeHTML && q > 0 {
			return weight(accept, typeHTML) >= weight(accept, typeJSON)
		}
	}
	return false
}

func joined(r *http.Request) string {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return accept[:min(len(accept), maxAccept)]
}

// weight returns how much a client wants a type, 0 to 1: what it says of the type itself, else of type/*, else of everything.
func weight(accept, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	found := map[string]float64{}
	for part := range strings.SplitSeq(accept, ",") {
		if name, q := mediaRange(part); name != "" {
			found[name] = max(found[name], q)
		}
	}
	for _, name := range []string{mediaType, major + "/*", "*/*"} {
		if q, ok := found[name]; ok {
			return q
		}
	}
	return 0
}

// mediaRange splits "text/html;level=1;q=0.7" into its name and weight. A weight that is not a number from 0 to 1 counts as 0.
func mediaRange(part string) (name string, q float64) {
	name, parameters, _ := strings.Cut(part, ";")
	q = 1
	for parameter := range strings.SplitSeq(parameters, ";") {
		value, isWeight := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		if !isWeight {
			continue
		}
		parsed, err := strconv.ParseFloat(value, 64)
		if err != nil || !(parsed >= 0 && parsed <= 1) {
			parsed = 0
		}
		q = parsed
	}
	return strings.ToLower(strings.TrimSpace(name)), q
}
