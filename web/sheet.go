package web

import (
	_ "embed" // the templates
	"fmt"
	"html/template"
	"io"
	"sync"
)

//go:embed reports/sheet.html
var sheetTemplate string

// A page of sheets is A4, in mm.
const (
	sheetWidth  = 210
	sheetHeight = 297
)

// SheetPage draws signs onto a page of A4, from left to right and then down, with dashed lines to cut along. Each of drawn is what
// Sign.Drawn returned; marks stand small in the corner of each, so that a sign is found in the list after it was cut.
func SheetPage(size SignSize, drawn [][]byte, marks []string) []byte {
	d := &drawing{out: make([]byte, 0, 1<<10+len(drawn)*(16<<10))}
	d.open(sheetWidth, sheetHeight, sheetWidth, sheetHeight)
	for i := range drawn {
		column, row := i%size.across, i/size.across
		d.inset(float64(column)*size.Width, float64(row)*size.Height, size.Width, size.Height, size.Width/size.scale, size.Height/size.scale)
		d.out = append(d.out, drawn[i]...)
		d.text(line{x: signWidth - margin, y: 142.8, size: 2, colour: soft, anchor: "end", text: marks[i]})
		d.raw(`</svg>`)
	}
	if size.PerPage() > 1 {
		d.raw(`<path d="M105 0v296M0 148h210M0 296h210" fill="none" stroke="#888" stroke-width=".15" stroke-dasharray="2 2"/>`)
	}
	d.raw(`</svg>`)
	return d.out
}

// SignDocument is a file of pages to print. The drawings are ours, with every text in them escaped.
type SignDocument struct {
	Lang          Language
	Title         string
	Width, Height float64 // of a page, mm
	Pages         [][]byte
}

// SheetDocument is file number n, of pages that SheetPage drew.
func SheetDocument(language Language, n int, pages [][]byte) SignDocument {
	title := fmt.Sprintf(signWords["sheet.title"].In(language), n)
	return SignDocument{Lang: language, Title: title, Width: sheetWidth, Height: sheetHeight, Pages: pages}
}

// Document returns the sign as a document of one page of its size.
func (s *Sign) Document(language Language, title string, size SignSize) SignDocument {
	return SignDocument{Lang: language, Title: title, Width: size.Width, Height: size.Height, Pages: [][]byte{s.SVG(size)}}
}

// SheetList is the list that goes with a file of signs, for handing them out.
type SheetList struct {
	Page
	Number int
	Rows   []SheetRow
}

// SheetRow is a sign in the list.
type SheetRow struct {
	Page, Place int // counted from 1: the printed page, and the sign on it
	Name, USCC  string
	Region      string
}

// SheetIndex is the table of contents of many files.
type SheetIndex struct {
	Page
	Signs   int64
	Files   []SheetFile
	Without int64 // enterprises without a valid printed code
	Unknown int64 // codes of a list that the register does not have
}

// SheetFile is a file in the table of contents. Name is empty when its pages are files of their own.
type SheetFile struct {
	Number      int
	Name, List  string
	Signs       int
	First, Last string
}

// write writes the pages as they are: they are long, and a template would copy them several times.
func (d *SignDocument) write(w io.Writer, t *template.Template) error {
	if err := t.ExecuteTemplate(w, "head", d); err != nil {
		return fmt.Errorf("write signs: %w", err)
	}
	for _, page := range d.Pages {
		for _, part := range [][]byte{[]byte(`<div class="page">`), page, []byte("</div>\n")} {
			if _, err := w.Write(part); err != nil {
				return fmt.Errorf("write signs: %w", err)
			}
		}
	}
	if err := t.ExecuteTemplate(w, "tail", d); err != nil {
		return fmt.Errorf("write signs: %w", err)
	}
	return nil
}

// WriteSheet writes one of SignDocument, SheetList and SheetIndex as a page that needs nothing else.
func WriteSheet(w io.Writer, view any) error {
	t, err := parsedSheets()
	if err != nil {
		return err
	}
	var name string
	switch view := view.(type) {
	case SignDocument:
		return view.write(w, t)
	case SheetList:
		name = "list"
	case SheetIndex:
		name = "index"
	default:
		return fmt.Errorf("%w: %T", ErrView, view)
	}
	if err := t.ExecuteTemplate(w, name, view); err != nil {
		return fmt.Errorf("write %T: %w", view, err)
	}
	return nil
}

var parsedSheets = sync.OnceValues(func() (*template.Template, error) {
	t, err := template.New("sheets").Option("missingkey=error").Funcs(functions(nil)).Parse(sheetTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse sheets: %w", err)
	}
	for _, one := range t.Templates() {
		if err := checkNames(one, nil); err != nil {
			return nil, fmt.Errorf("sheets: %w", err)
		}
	}
	return t, nil
})
