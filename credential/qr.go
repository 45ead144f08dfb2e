package credential

import (
	"errors"
	"fmt"
	"strconv"

	qrcode "github.com/skip2/go-qrcode"
)

// QuietZone is the white border of a QR code in modules (ISO/IEC 18004).
const QuietZone = 4

// MaxQRText is how many characters a QR text may have unless it is all digits. Beyond it the QR library cannot use the small symbols.
const MaxQRText = 255

// maxPixels is the longest side of a PNG, in pixels.
const maxPixels = 8192

// ErrQR means that a text or a scale cannot become a QR image.
var ErrQR = errors.New("cannot make a QR code")

// QR is a QR code, error correction level M. It never changes and is safe for concurrent use.
type QR struct {
	rows [][]bool // true is black; with the quiet zone
}

// NewQR encodes a text: printable ASCII, because scanners guess at anything else, of at most MaxQRText characters unless it is all digits.
func NewQR(text string) (*QR, error) {
	return makeQR(text, func() ([][]bool, bool) {
		code, err := qrcode.New(text, qrcode.Medium)
		if err != nil {
			return nil, false
		}
		return code.Bitmap(), true // with a border of QuietZone
	})
}

// NewBulkQR is NewQR for sheets of many: the same picture, module for module, of a URL that ends in digits, in a third of the time.
func NewBulkQR(text string) (*QR, error) {
	return makeQR(text, func() ([][]bool, bool) {
		modules, side, ok := encode(text)
		if !ok {
			return nil, false
		}
		return bordered(modules, side), true
	})
}

func makeQR(text string, draw func() ([][]bool, bool)) (q *QR, err error) {
	if err := checkQRText(text); err != nil {
		return nil, err
	}
	defer func() { // the libraries panic on what they take for their own mistakes
		if recover() != nil {
			q, err = nil, fmt.Errorf("%w: the QR library failed", ErrQR)
		}
	}()
	rows, ok := draw()
	if !ok {
		return nil, fmt.Errorf("%w: the text is too long", ErrQR)
	}
	return &QR{rows}, nil
}

// bordered puts the quiet zone around the modules.
func bordered(modules []bool, side int) [][]bool {
	whole := side + 2*QuietZone
	cells, rows := make([]bool, whole*whole), make([][]bool, whole)
	for y := range rows {
		rows[y] = cells[y*whole : (y+1)*whole]
		if inner := y - QuietZone; inner >= 0 && inner < side {
			copy(rows[y][QuietZone:], modules[inner*side:(inner+1)*side])
		}
	}
	return rows
}

func checkQRText(text string) error {
	digits := true
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return fmt.Errorf("%w: character %d is not printable ASCII", ErrQR, i+1)
		}
		digits = digits && text[i] >= '0' && text[i] <= '9'
	}
	if len(text) > MaxQRText && !digits {
		return fmt.Errorf("%w: %d characters, more than %d", ErrQR, len(text), MaxQRText)
	}
	if text == "" {
		return fmt.Errorf("%w: the text is empty", ErrQR)
	}
	return nil
}

// Modules returns the side of the symbol in modules, without the quiet zone: 45 for version 7.
func (q *QR) Modules() int { return len(q.rows) - 2*QuietZone }

// PNG draws the code in black and white, each module scale by scale pixels, all of them equal.
func (q *QR) PNG(scale int) ([]byte, error) {
	if largest := maxPixels / len(q.rows); scale < 1 || scale > largest {
		return nil, fmt.Errorf("%w: scale %d, it may be 1 to %d", ErrQR, scale, largest)
	}
	return encodePNG(q.rows, scale), nil
}

// Side returns the side with the quiet zone, in modules.
func (q *QR) Side() int { return len(q.rows) }

// SVG draws the code as one path, one unit a module, to be shown at any size.
func (q *QR) SVG() []byte {
	side := strconv.Itoa(q.Side())
	out := make([]byte, 0, 16<<10)
	out = append(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 `+side+` `+side+`" shape-rendering="crispEdges">`...)
	out = append(out, `<rect width="`+side+`" height="`+side+`" fill="#fff"/><path fill="#000" d="`...)
	out = q.AppendPath(out)
	return append(out, `"/></svg>`...)
}

// AppendPath appends the black modules as the data of an SVG path, one unit a module: each run of a row is a rectangle. The quiet zone
// is part of the drawing, so the symbol begins at QuietZone, QuietZone.
func (q *QR) AppendPath(out []byte) []byte {
	for y, row := range q.rows {
		out = appendRuns(out, y, row)
	}
	return out
}

func appendRuns(out []byte, y int, row []bool) []byte {
	for x := 0; x < len(row); x++ {
		if !row[x] {
			continue
		}
		start := x
		for x < len(row) && row[x] {
			x++
		}
		length := int64(x - start)
		out = strconv.AppendInt(append(out, 'M'), int64(start), 10)
		out = strconv.AppendInt(append(out, ' '), int64(y), 10)
		out = strconv.AppendInt(append(out, 'h'), length, 10)
		out = strconv.AppendInt(append(out, "v1h-"...), length, 10)
		out = append(out, 'z')
	}
	return out
}
