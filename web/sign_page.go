package web

import (
	"fmt"
	"html/template"
	"net/url"

	"healthcode/registry"
)

// SignPage shows the sign of an enterprise, to be printed from the browser.
type SignPage struct {
	Page
	USCC registry.USCC
	Name string
	Size SignSize
	Sign *Sign // nil when the enterprise has no printed code that is valid now
}

// Drawing returns the sign as markup.
func (s SignPage) Drawing() template.HTML {
	return template.HTML(s.Sign.SVG(s.Size)) //nolint:gosec // drawn by this package, which escapes every text
}

// Side is what the black part of the code measures in print, mm.
func (s SignPage) Side() string { return fmt.Sprintf("%.1f", s.Size.CodeSide(s.Sign.QR)) }

// Sizes lists the sizes to choose from.
func (SignPage) Sizes() []SignSize { return SignSizes() }

// OfSize returns this page for another size.
func (s SignPage) OfSize(size SignSize) string { return s.with("size", size.Name) }

// StyleSheet names the asset that tells the printer the size of the paper: a page cannot say it without a style of its own.
func (s SignPage) StyleSheet() string { return "sign-" + s.Size.Name + ".css" }

// PathToSign returns where the sign of an enterprise is printed.
func PathToSign(code registry.USCC, size SignSize) string {
	return "/enterprises/" + url.PathEscape(string(code)) + "/sign?size=" + size.Name
}
