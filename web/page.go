package web

import (
	"net/url"
	"strings"
	"time"

	"healthcode/registry"
)

// Page is what every view needs to know of the request that it answers.
type Page struct {
	Lang   Language
	Chosen bool       // the language came with ?lang=, so links keep it
	Path   string     // path of this page
	Query  url.Values // query of this page, may be nil
	Demo   bool       // the data is invented: a banner says so
	ID     string     // request id, shown where something failed

	Account string // login name of who is signed in, empty for nobody
	Audits  bool   // who may read the audit log: a link leads there
}

// T returns the text of a key in the page's language.
func (p Page) T(key string, args ...any) (string, error) { return Translate(p.Lang, key, args...) }

// Term returns the word for a value of a vocabulary.
func (p Page) Term(vocabulary, value string) string { return Term(p.Lang, vocabulary, value) }

// Date writes a day in the page's language.
func (p Page) Date(day registry.Day) string { return Date(p.Lang, day) }

// Moment writes an instant in the page's language.
func (p Page) Moment(t time.Time) string { return Moment(p.Lang, t) }

// Link keeps a language that the reader chose on the way to another page of ours.
func (p Page) Link(path string) string {
	if !p.Chosen {
		return path
	}
	if strings.Contains(path, "?") {
		return path + "&lang=" + string(p.Lang)
	}
	return path + "?lang=" + string(p.Lang)
}

// Switch returns this page in the other language.
func (p Page) Switch() string { return p.with("lang", string(p.Lang.Other())) }

// with returns this page with one value of its query changed, and its cursor dropped when the change is of the list itself.
func (p Page) with(key, value string) string {
	query := url.Values{}
	for k, v := range p.Query {
		query[k] = v
	}
	query.Set(key, value)
	if value == "" {
		query.Del(key)
	}
	if len(query) == 0 {
		return p.Path
	}
	return p.Path + "?" + query.Encode()
}
