package exchange

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// Bounds of an XLSX file. Excel itself allows 32,767 characters in a cell.
const (
	maxUnzipped  = 4 << 30  // bytes of all parts together, unpacked
	maxInMemory  = 64 << 20 // bytes of the parts that are kept in memory: styles, pictures, …
	maxTextRun   = 16 << 20 // bytes between two tags of a sheet
	maxZipParts  = 5000
	maxSheetMeta = 1 << 20 // bytes of the workbook's own parts
)

// workbookShape is what the inspection of an XLSX file finds.
type workbookShape struct {
	sheets  []string // names in order
	paths   map[string]string
	lastRow map[string]int // by path of the sheet
}

// inspectXLSX reads every part once and keeps none. It finds what the streaming reader would pass over in silence or pay for with
// memory: a part cut short or with a wrong checksum, a bomb, a cell of gigabytes. It also counts the rows.
func inspectXLSX(in io.ReaderAt, size int64) (*workbookShape, error) {
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return nil, fmt.Errorf("%w: the XLSX file is cut short or not an XLSX file: %w", ErrBroken, err)
	}
	if len(archive.File) > maxZipParts {
		return nil, fmt.Errorf("%w: it has %d parts", ErrTooLarge, len(archive.File))
	}
	shape := &workbookShape{paths: map[string]string{}, lastRow: map[string]int{}}
	var unzipped, inMemory int64
	for _, part := range archive.File {
		n, err := shape.inspectPart(part, maxUnzipped-unzipped)
		if err != nil {
			return nil, err
		}
		unzipped += n
		if !streamed(part.Name) {
			inMemory += n
		}
		if inMemory > maxInMemory {
			return nil, fmt.Errorf("%w: more than 64 MiB of pictures and other parts beside the sheets; save the sheet alone", ErrTooLarge)
		}
	}
	return shape, shape.readSheets(archive)
}

func (w *workbookShape) inspectPart(part *zip.File, budget int64) (int64, error) {
	in, err := part.Open()
	if err != nil {
		return 0, fmt.Errorf("%w: part %.80q: %w", ErrBroken, part.Name, err)
	}
	scan := tagScanner{}
	n, err := io.Copy(&scan, io.LimitReader(in, budget+1))
	err = errors.Join(err, in.Close())
	switch {
	case errors.Is(err, ErrTooLarge):
		return 0, err
	case err != nil:
		return 0, fmt.Errorf("%w: part %.80q: %w", ErrBroken, part.Name, err)
	case n > budget:
		return 0, fmt.Errorf("%w: more than 4 GiB unpacked", ErrTooLarge)
	}
	w.lastRow[part.Name] = scan.lastRow
	return n, nil
}

// streamed reports whether excelize keeps a part in a temporary file instead of memory.
func streamed(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "\\", "/"))
	return name == "xl/sharedstrings.xml" || strings.HasPrefix(name, "xl/worksheets/sheet")
}

// tagScanner follows the tags of an XML text: the number of the last row and the longest text between two tags.
type tagScanner struct {
	run     int
	inTag   bool
	tag     [tagHead]byte // the beginning of the tag at hand
	n       int           // bytes of it
	lastRow int
}

const tagHead = 96 // bytes of a tag that are looked at

// Write implements io.Writer.
func (t *tagScanner) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if t.inTag {
			rest = t.readTag(rest)
			continue
		}
		at := bytes.IndexByte(rest, '<')
		if at < 0 {
			at = len(rest)
		}
		if t.run += at; t.run > maxTextRun {
			return 0, fmt.Errorf("%w: a cell holds more than 16 MiB", ErrTooLarge)
		}
		if at < len(rest) {
			t.run, t.inTag, t.n, at = 0, true, 0, at+1
		}
		rest = rest[at:]
	}
	return len(p), nil
}

func (t *tagScanner) readTag(rest []byte) []byte {
	n := min(len(rest), tagHead-t.n)
	end := bytes.IndexByte(rest[:n], '>')
	if end < 0 {
		end = n
	}
	t.n += copy(t.tag[t.n:], rest[:end])
	if end < n || t.n == tagHead {
		t.countRow(t.tag[:t.n])
		t.inTag = false
	}
	return rest[end:]
}

// countRow reads <row r="12" …>. Without r a row follows the one before it.
func (t *tagScanner) countRow(tag []byte) {
	name, attributes, _ := bytes.Cut(bytes.TrimSuffix(tag, []byte("/")), []byte(" "))
	if _, local, prefixed := bytes.Cut(name, []byte(":")); prefixed {
		name = local
	}
	if string(name) != "row" {
		return
	}
	t.lastRow++
	if _, value, ok := bytes.Cut(attributes, []byte(`r="`)); ok {
		number, _, _ := bytes.Cut(value, []byte(`"`))
		if n, err := strconv.Atoi(string(number)); err == nil && n > 0 {
			t.lastRow = n
		}
	}
}

// readSheets reads which sheet lies in which part.
func (w *workbookShape) readSheets(archive *zip.Reader) error {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		}
	}
	if err := readPart(archive, "xl/workbook.xml", &book); err != nil {
		return err
	}
	if err := readPart(archive, "xl/_rels/workbook.xml.rels", &links); err != nil {
		return err
	}
	target := map[string]string{}
	for _, link := range links.Relationship {
		target[link.ID] = link.Target
	}
	for _, sheet := range book.Sheets {
		w.sheets = append(w.sheets, sheet.Name)
		w.paths[sheet.Name] = strings.TrimPrefix(path.Join("/xl", target[sheet.ID]), "/")
		if strings.HasPrefix(target[sheet.ID], "/") {
			w.paths[sheet.Name] = strings.TrimPrefix(target[sheet.ID], "/")
		}
	}
	return nil
}

func readPart(archive *zip.Reader, name string, into any) error {
	in, err := archive.Open(name)
	if err != nil {
		return fmt.Errorf("%w: not an XLSX workbook: %w", ErrFormat, err)
	}
	err = xml.NewDecoder(bufio.NewReader(io.LimitReader(in, maxSheetMeta))).Decode(into)
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("%w: part %s: %w", ErrBroken, name, err)
	}
	return nil
}
