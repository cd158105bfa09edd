package compute

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/darray-go/darray/bench/report"
)

// Sizes of the picture of dots.
const (
	dotsWidth  = 38 * vg.Centimeter
	dotsHead   = 2.6 * vg.Centimeter
	nameWidth  = 3.2 * vg.Centimeter
	ratioWidth = 0.95 * vg.Centimeter // of a column of ratios
	lineHeight = 0.56 * vg.Centimeter
	panelHead  = 1.5 * vg.Centimeter
	panelFoot  = 1.1 * vg.Centimeter
	panelGap   = 0.7 * vg.Centimeter
	dotRadius  = 2.3 // points
	oursRadius = 3.6
	smallText  = 8.5
)

// Colours: of a case at which we are faster, and of one at which a rival is.
func winning() color.Color { return color.RGBA{R: 0x1b, G: 0x7f, B: 0x3b, A: 0xff} }
func losing() color.Color  { return color.RGBA{R: 0xc0, G: 0x39, B: 0x1b, A: 0xff} }
func grey(v uint8) color.Color {
	return color.RGBA{R: v, G: v, B: v, A: 0xff}
}

// panelOf is the sheets of one set, type and size, in which modes differ: a panel of dots, a line a case.
type panelOf struct {
	sheets []*sheet // the first is drawn, and all have their ratios written beside it
}

// writeDots draws, for each set, type and size, a line a case: the time an element of every contender as a dot, ours red
// and large, joined with the fastest rival's in green where we are faster and in red where that is; beside it our time in the
// rival's.
func (r *Result) writeDots(path string) error {
	rows := r.panelRows()
	if len(rows) == 0 {
		return errors.New("plot: no times to draw")
	}
	height := dotsHead
	for _, panels := range rows {
		height += panelHead + panelFoot + lineHeight*vg.Length(len(linesOf(panels)))
	}
	file, err := report.NewCanvas(path, dotsWidth, height)
	if err != nil {
		return err
	}
	d := &dots{Result: r, c: draw.New(file)}
	d.c.FillPolygon(color.White, box(0, 0, dotsWidth, height))
	d.head(height)
	top := height - dotsHead
	for _, panels := range rows {
		lines := linesOf(panels)
		d.row(panels, lines, top)
		top -= panelHead + panelFoot + lineHeight*vg.Length(len(lines))
	}
	return report.Save(path, file)
}

// abreast is how many panels have room side by side.
const abreast = 4

// panelRows are the panels that stand side by side: those of a set, in rows as long as one another.
func (r *Result) panelRows() [][]panelOf {
	var rows [][]panelOf
	for _, panels := range r.panels() {
		n := (len(panels) + abreast - 1) / abreast
		rows = append(rows, slices.Collect(slices.Chunk(panels, (len(panels)+n-1)/n))...)
	}
	return rows
}

// panels are those with times, by set.
func (r *Result) panels() [][]panelOf {
	var rows [][]panelOf
	last := ""
	for _, s := range r.sheets() {
		if r.fastest(s) == 0 {
			continue
		}
		if len(rows) == 0 || s.set != last {
			rows, last = append(rows, nil), s.set
		}
		row := &rows[len(rows)-1]
		i := slices.IndexFunc(*row, func(p panelOf) bool { return p.sheets[0].key.DType == s.key.DType && p.sheets[0].key.N == s.key.N })
		if i < 0 {
			*row = append(*row, panelOf{[]*sheet{s}})
			continue
		}
		(*row)[i].sheets = append((*row)[i].sheets, s)
	}
	return rows
}

// linesOf are the cases of a row of panels.
func linesOf(panels []panelOf) []string {
	var lines []string
	for _, p := range panels {
		for _, name := range p.sheets[0].cases {
			if !slices.Contains(lines, name) {
				lines = append(lines, name)
			}
		}
	}
	return lines
}

// label names a line: a function by its name, an expression by its text.
func label(name string) string {
	k, known := findKernel(name)
	if !known || strings.HasPrefix(k.title, name+"(") {
		return name
	}
	return k.title
}

// fastest is the least time an element of a sheet; 0 where nothing was measured.
func (r *Result) fastest(s *sheet) float64 {
	least, _ := r.extent(s)
	return least
}

func (r *Result) extent(s *sheet) (least, most float64) {
	for _, name := range s.cases {
		for _, c := range r.Contenders {
			if row := r.row(s, name, c.Name); row != nil {
				t := perElement(row.Median, row.N)
				least, most = cmp.Or(min(least, t), t), max(most, t)
			}
		}
	}
	return least, most
}

// dots is a picture that is being drawn.
type dots struct {
	*Result
	c draw.Canvas
}

func (d *dots) head(height vg.Length) {
	d.text(edge, height-0.9*vg.Centimeter, 15, draw.XLeft, grey(0x20), "Time an element, by medians: further left is faster")
	about := fmt.Sprintf("%s, %s, %s, a logarithmic scale; the numbers are our time in that of the fastest rival", d.Machine, d.Go, d.Time.Format(time.DateOnly))
	d.text(edge, height-1.5*vg.Centimeter, smallText, draw.XLeft, grey(0x60), about)
	x := edge
	for _, c := range d.Contenders {
		d.dot(vg.Point{X: x, Y: height - 2.1*vg.Centimeter}, c.Name)
		d.text(x+0.3*vg.Centimeter, height-2.1*vg.Centimeter, 10, draw.XLeft, grey(0x20), c.Name)
		x += 2.4 * vg.Centimeter
	}
	for _, mark := range []struct {
		fill color.Color
		says string
	}{{winning(), "we are faster than the fastest rival"}, {losing(), "the fastest rival is faster"}} {
		y := height - 2.1*vg.Centimeter
		d.c.StrokeLine2(draw.LineStyle{Color: mark.fill, Width: vg.Points(2.4)}, x, y, x+vg.Centimeter, y)
		d.text(x+1.2*vg.Centimeter, y, 10, draw.XLeft, grey(0x20), mark.says)
		x += 7.6 * vg.Centimeter
	}
}

// row draws panels side by side, from top down.
func (d *dots) row(panels []panelOf, lines []string, top vg.Length) {
	scale := scaleOf(d.Result, panels)
	above := top - panelHead
	below := above - lineHeight*vg.Length(len(lines))
	for i, name := range lines {
		y := above - lineHeight*(vg.Length(i)+0.5)
		if i%2 == 0 {
			d.c.FillPolygon(grey(0xf5), box(edge, y-lineHeight/2, dotsWidth-edge, y+lineHeight/2))
		}
		d.text(edge+nameWidth-0.25*vg.Centimeter, y, 9.5, draw.XRight, grey(0x20), label(name))
	}
	wide := (dotsWidth - 2*edge - nameWidth) / vg.Length(len(panels))
	for i, p := range panels {
		scale.left = edge + nameWidth + wide*vg.Length(i)
		scale.right = scale.left + wide - panelGap - ratioWidth*vg.Length(len(p.sheets))
		d.axis(p, scale, above, below)
		for j, name := range lines {
			d.line(p, name, scale, above-lineHeight*(vg.Length(j)+0.5))
		}
	}
}

// axis draws a panel's title, marks and heads of ratios.
func (d *dots) axis(p panelOf, s scale, above, below vg.Length) {
	key := p.sheets[0].key
	title := fmt.Sprintf("%s, n=%s, %s", key.DType, size(key.N), key.Mode)
	d.text(s.left, above+0.95*vg.Centimeter, 11, draw.XLeft, grey(0x20), title)
	for i, sheet := range p.sheets {
		d.text(s.ratio(i), above+0.35*vg.Centimeter, smallText, draw.XRight, grey(0x60), sheet.key.Mode)
	}
	for _, tick := range s.ticks() {
		x := s.at(tick)
		shade, whole := grey(0xe2), math.Abs(math.Log10(tick)-math.Round(math.Log10(tick))) < 1e-9
		if whole {
			shade = grey(0xb8)
		}
		d.c.StrokeLine2(draw.LineStyle{Color: shade, Width: vg.Points(0.6)}, x, below, x, above)
		if whole || s.decades() < 2.5 {
			d.text(x, above+0.3*vg.Centimeter, smallText, draw.XCenter, grey(0x60), fmt.Sprint(tick))
			d.text(x, below-0.3*vg.Centimeter, smallText, draw.XCenter, grey(0x60), fmt.Sprint(tick))
		}
	}
	d.text((s.left+s.right)/2, below-0.7*vg.Centimeter, smallText, draw.XCenter, grey(0x60), "ns an element")
}

// line draws one case.
func (d *dots) line(p panelOf, name string, s scale, y vg.Length) {
	var ours, best *report.Row
	least, most := math.Inf(1), 0.0
	for _, c := range d.Contenders {
		row := d.Result.row(p.sheets[0], name, c.Name)
		if row == nil {
			continue
		}
		least, most = min(least, row.Median), max(most, row.Median)
		if c.Name == "darray" {
			ours = row
		}
	}
	if most == 0 {
		return
	}
	key := p.sheets[0].key
	at := func(seconds float64) vg.Length { return s.at(perElement(seconds, key.N)) }
	d.c.StrokeLine2(draw.LineStyle{Color: grey(0xd0), Width: vg.Points(0.8)}, at(least), y, at(most), y)
	if ours != nil && ours.Ratio(ofBest).Median > 0 {
		best = d.Result.row(p.sheets[0], name, ours.Ratio(ofBest).Than)
		d.c.StrokeLine2(draw.LineStyle{Color: verdict(ours), Width: vg.Points(2.4)}, at(ours.Median), y, at(best.Median), y)
	}
	for _, c := range slices.Backward(d.Contenders) { // ours on top
		if row := d.Result.row(p.sheets[0], name, c.Name); row != nil {
			d.dot(vg.Point{X: at(row.Median), Y: y}, c.Name)
		}
	}
	for i, sheet := range p.sheets {
		if row := d.Result.row(sheet, name, "darray"); row != nil && row.Ratio(ofBest).Median > 0 {
			d.text(s.ratio(i), y, smallText, draw.XRight, verdict(row), fmt.Sprintf("%.2f", row.Ratio(ofBest).Median))
		}
	}
}

// verdict is the colour of a row of ours.
func verdict(row *report.Row) color.Color {
	if row.Ratio(ofBest).Median <= 1 {
		return winning()
	}
	return losing()
}

// dot is a contender's, with a rim that keeps it apart from those that it covers.
func (d *dots) dot(at vg.Point, name string) {
	_, look := look(strings.TrimSuffix(name, single))
	radius := vg.Points(dotRadius)
	if name == "darray" {
		radius = vg.Points(oursRadius)
	}
	d.c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: radius + vg.Points(0.8), Shape: draw.CircleGlyph{}}, at)
	d.c.DrawGlyph(draw.GlyphStyle{Color: look.Color, Radius: radius, Shape: draw.CircleGlyph{}}, at)
}

func (d *dots) text(x, y vg.Length, points float64, align text.XAlignment, fill color.Color, says string) {
	style := text.Style{
		Color: fill, Font: font.From(plot.DefaultFont, vg.Points(points)), XAlign: align, YAlign: draw.YCenter,
		Handler: plot.DefaultTextHandler,
	}
	style.Font.Variant = "Sans"
	d.c.FillText(style, vg.Point{X: x, Y: y}, says)
}

// scale is a logarithmic axis of ns.
type scale struct {
	least, most float64
	left, right vg.Length
}

// scaleOf has room for all panels of a row, so that they can be compared.
func scaleOf(r *Result, panels []panelOf) scale {
	s := scale{least: math.Inf(1)}
	for _, p := range panels {
		least, most := r.extent(p.sheets[0])
		s.least, s.most = min(s.least, least), max(s.most, most)
	}
	s.least, s.most = s.least/1.25, s.most*1.25
	return s
}

func (s scale) decades() float64 { return math.Log10(s.most / s.least) }

func (s scale) at(ns float64) vg.Length {
	return s.left + (s.right-s.left)*vg.Length(math.Log10(ns/s.least)/s.decades())
}

// ratio is the right end of a column of ratios.
func (s scale) ratio(column int) vg.Length {
	return s.right + 0.2*vg.Centimeter + ratioWidth*vg.Length(column+1)
}

// ticks are 1, 2 and 5 times the powers of ten.
func (s scale) ticks() []float64 {
	var marks []float64
	for e := math.Floor(math.Log10(s.least)); e <= math.Log10(s.most); e++ {
		for _, digit := range []string{"1", "2", "5"} {
			var x float64
			if _, err := fmt.Sscan(fmt.Sprintf("%se%.0f", digit, e), &x); err == nil && x >= s.least && x <= s.most {
				marks = append(marks, x)
			}
		}
	}
	return marks
}

func box(left, below, right, above vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: below}, {X: right, Y: below}, {X: right, Y: above}, {X: left, Y: above}}
}
