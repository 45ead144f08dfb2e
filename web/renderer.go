package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"reflect"
)

//go:embed templates/*.html
var templateFiles embed.FS

// ErrView is the reason for a view that no template was declared for.
var ErrView = errors.New("no template was declared for this view")

// views declares which template shows which view. "public" pages load only our own style sheet: a phone in a market has little
// bandwidth. The checker among them loads its scripts too. "console" pages load Tabler; the "print" page is itself on the paper.
var views = []struct {
	view     any
	template string
	layout   string
}{
	{VerdictPage{}, "verdict.html", "public.html"},
	{ProblemPage{}, "problem.html", "public.html"},
	{SignInPage{}, "sign_in.html", "public.html"},
	{AccountPage{}, "account.html", "console.html"},
	{ScreenPage{}, "screen.html", "public.html"},
	{VerifyPage{}, "verify.html", "public.html"},
	{DocsPage{}, "docs.html", "public.html"},
	{HomePage{}, "home.html", "console.html"},
	{EnterprisePage{}, "enterprise.html", "console.html"},
	{RegionsPage{}, "regions.html", "console.html"},
	{AuditPage{}, "audit.html", "console.html"},
	{RecoursesPage{}, "recourses.html", "console.html"},
	{RecoursePage{}, "recourse.html", "console.html"},
	{PublicListingPage{}, "public_listing.html", "public.html"},
	{ListingDeskPage{}, "listing_desk.html", "console.html"},
	{SignPage{}, "sign.html", "print.html"},
}

// partials are the templates that others include.
const partials = "partials.html"

// Renderer turns views into pages. It is safe for concurrent use.
type Renderer struct {
	templates map[reflect.Type]*template.Template
}

// NewRenderer parses every template. It fails when a declared view has no template, when a template shows no view, or when a
// template names a phrase or an asset that does not exist.
func NewRenderer() (*Renderer, error) {
	assets, err := Assets()
	if err != nil {
		return nil, err
	}
	return newRenderer(templateFiles, assets)
}

func newRenderer(files fs.FS, assets *AssetSet) (*Renderer, error) {
	r := &Renderer{templates: map[reflect.Type]*template.Template{}}
	declared := map[string]bool{partials: true}
	for _, v := range views {
		t, err := parseView(files, assets, v.layout, v.template)
		if err != nil {
			return nil, err
		}
		r.templates[reflect.TypeOf(v.view)] = t
		declared[v.layout], declared[v.template] = true, true
	}
	return r, checkDeclared(files, declared)
}

func parseView(files fs.FS, assets *AssetSet, layout, name string) (*template.Template, error) {
	t := template.New(layout).Option("missingkey=error").Funcs(functions(assets))
	t, err := t.ParseFS(files, "templates/"+layout, "templates/"+partials, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("parse template %s: %w", name, err)
	}
	for _, one := range t.Templates() {
		if err := checkNames(one, assets); err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
	}
	return t, nil
}

func checkDeclared(files fs.FS, declared map[string]bool) error {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return fmt.Errorf("list templates: %w", err)
	}
	for _, name := range names {
		if !declared[path.Base(name)] {
			return fmt.Errorf("template %s shows no declared view", name)
		}
	}
	return nil
}

func functions(assets *AssetSet) template.FuncMap {
	return template.FuncMap{
		"asset":       assets.URL,
		"hundredths":  func(n any) string { return Hundredths(integer(n)) },
		"signed":      func(n any) string { return Signed(integer(n)) },
		"millionths":  func(n any) string { return Millionths(integer(n)) },
		"thousandths": func(n any) string { return Thousandths(integer(n)) },
		"count":       func(n any) string { return Count(integer(n)) },
		"share":       func(part, whole any) string { return Share(integer(part), integer(whole)) },
		"tone":        func(n any) string { return tone(integer(n)) },
	}
}

// integer widens any whole number, so that templates need no conversions.
func integer(n any) int64 {
	v := reflect.ValueOf(n)
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint()) //nolint:gosec // tiers, colours and counts are far below 2^63
	}
	return 0
}

// Render returns the page of a view. The view must be one of the declared types, by value.
func (r *Renderer) Render(view any) ([]byte, error) {
	t, ok := r.templates[reflect.TypeOf(view)]
	if !ok {
		return nil, fmt.Errorf("%w: %T", ErrView, view)
	}
	var page bytes.Buffer
	if err := t.Execute(&page, view); err != nil {
		return nil, fmt.Errorf("render %T: %w", view, err)
	}
	return page.Bytes(), nil
}

// tone is the class of a number of points.
func tone(points int64) string {
	switch {
	case points > 0:
		return "hc-gain"
	case points < 0:
		return "hc-loss"
	}
	return ""
}
