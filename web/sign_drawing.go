package web

import (
	"encoding/xml"
	"math"
	"strconv"

	"healthcode/registry"
)

// drawing collects an SVG. Units are millimetres.
type drawing struct{ out []byte }

// The families name what Windows, macOS, Android and Linux bring for Chinese; the last word is the machine's own choice.
const (
	signFont = `'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','WenQuanYi Micro Hei',SimHei,Arial,sans-serif`
	monoFont = `Consolas,Menlo,'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace`
)

// open begins a drawing of a true size, with its own units inside.
func (d *drawing) open(width, height, unitsWide, unitsHigh float64) {
	d.raw(`<svg xmlns="http://www.w3.org/2000/svg" width="`).number(width).raw(`mm" height="`).number(height)
	d.raw(`mm" viewBox="0 0 `).number(unitsWide).raw(` `).number(unitsHigh).raw(`" font-family="` + signFont + `" lang="zh-CN">`)
}

// inset begins a part of a drawing with its own origin, and cuts off what leaves it.
func (d *drawing) inset(x, y, width, height, unitsWide, unitsHigh float64) {
	d.raw(`<svg x="`).number(x).raw(`" y="`).number(y).raw(`" width="`).number(width).raw(`" height="`).number(height)
	d.raw(`" viewBox="0 0 `).number(unitsWide).raw(` `).number(unitsHigh).raw(`">`)
}

func (d *drawing) raw(text string) *drawing {
	d.out = append(d.out, text...)
	return d
}

// number writes a length to the micrometre.
func (d *drawing) number(mm float64) *drawing {
	d.out = strconv.AppendFloat(d.out, math.Round(mm*1000)/1000, 'f', -1, 64)
	return d
}

// Write appends, so that text can be escaped into the drawing.
func (d *drawing) Write(p []byte) (int, error) {
	d.out = append(d.out, p...)
	return len(p), nil
}

// line is one line of text.
type line struct {
	x, y, size float64 // of the baseline's begin, or of what anchor says; the height of the letters
	bold, mono bool
	colour     string
	anchor     string   // none, middle or end
	lang       Language // none: Chinese or both
	text       string
}

func (d *drawing) text(l line) {
	d.raw(`<text x="`).number(l.x).raw(`" y="`).number(l.y).raw(`" font-size="`).number(l.size).raw(`" fill="`).raw(l.colour).raw(`"`)
	if l.bold {
		d.raw(` font-weight="700"`)
	}
	if l.mono {
		d.raw(` font-family="` + monoFont + `"`)
	}
	if l.anchor != "" {
		d.raw(` text-anchor="` + l.anchor + `"`)
	}
	if l.lang != "" {
		d.raw(` lang="` + string(l.lang) + `"`)
	}
	d.raw(`>`)
	_ = xml.EscapeText(d, []byte(l.text)) // writing to memory cannot fail
	d.raw(`</text>`)
}

// shapes are the marks of the pages, 32 units wide: circle, square, triangle, octagon, each with its sign.
var shapes = map[registry.Colour][2]string{
	registry.ColourGreen:  {`<circle cx="16" cy="16" r="15"`, `M9 16.5l4.8 4.8L23 12`},
	registry.ColourBlue:   {`<rect x="1.5" y="1.5" width="29" height="29" rx="4"`, `M9 16h14`},
	registry.ColourYellow: {`<path d="M16 2L31 29H1z"`, `M16 12v8M16 24.6v.2`},
	registry.ColourRed:    {`<path d="M10 1.5h12l8.5 8.5v12l-8.5 8.5H10L1.5 22V10z"`, `M10.5 10.5l11 11M21.5 10.5l-11 11`},
}

// shape draws the mark of a colour with a black outline, so that it keeps its form on any printer.
func (d *drawing) shape(c registry.Colour) {
	stroke := "#fff"
	if c == registry.ColourYellow {
		stroke = "#3b2d00"
	}
	d.raw(shapes[c][0] + ` fill="` + signColours[c] + `" stroke="#000" stroke-width="1"/><path d="` + shapes[c][1] + `" fill="none" stroke="` + stroke +
		`" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"/>`)
}
