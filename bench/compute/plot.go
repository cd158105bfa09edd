package compute

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/darray-go/darray/bench/report"
)

// Sizes of the picture.
const (
	panelWidth  = 9 * vg.Centimeter
	panelHeight = 6.5 * vg.Centimeter
	barsHeight  = 9 * vg.Centimeter
	barsWidth   = 28 * vg.Centimeter // at least
	legendSpace = 1 * vg.Centimeter
	edge        = vg.Centimeter / 2
)

// WritePlot draws the result into an .svg or .png file. Suites with many cases are drawn as writeDots says; the others have on top our time in that of the fastest rival, a group of bars a case;
// below, a row a case, a panel for each type and mode, a line a contender: what it moves or computes in a second over n.
func (r *Result) WritePlot(path string) error {
	if manyCases(r.Suite) {
		return r.writeDots(path)
	}
	cases, columns := r.layout()
	if len(cases) == 0 {
		return errors.New("plot: no times to draw")
	}
	width, top := max(barsWidth, vg.Length(len(columns))*panelWidth), vg.Length(0)
	all := r.series(cases)
	if len(all) > 0 {
		top = barsHeight + legendSpace
	}
	height := top + legendSpace + vg.Length(len(cases))*panelHeight
	file, err := report.NewCanvas(path, width, height)
	if err != nil {
		return err
	}
	canvas := draw.New(file)
	canvas.FillPolygon(color.White, []vg.Point{{X: 0, Y: 0}, {X: width, Y: 0}, {X: width, Y: height}, {X: 0, Y: height}})
	if len(all) > 0 {
		bars, err := drawBars(all, cases, width)
		if err != nil {
			return err
		}
		bars.Draw(draw.Crop(canvas, edge, -edge, height-barsHeight, -edge))
		legend(draw.Crop(canvas, 0, 0, height-top, -barsHeight), len(all), 1.2*edge, func(i int, at vg.Point) string {
			canvas.FillPolygon(shade(i, len(all)), square(at))
			return all[i].String()
		})
	}
	legend(draw.Crop(canvas, 0, 0, height-top-legendSpace, -top), len(r.Contenders), 2.4*edge, func(i int, at vg.Point) string {
		line, dots := look(r.Contenders[i].Name)
		canvas.StrokeLine2(line, at.X, at.Y, at.X+2*edge, at.Y)
		canvas.DrawGlyph(dots, vg.Point{X: at.X + edge, Y: at.Y})
		return r.Contenders[i].Name
	})
	grid := draw.Crop(canvas, 0, 0, 0, -top-legendSpace)
	tiles := draw.Tiles{Rows: len(cases), Cols: len(columns), PadX: edge, PadY: edge, PadRight: edge}
	for i, name := range cases {
		for j, column := range columns {
			p, err := r.panel(name, column)
			if err != nil {
				return err
			}
			if p != nil {
				p.Draw(tiles.At(grid, j, i))
			}
		}
	}
	return report.Save(path, file)
}

// column is what the panels of one column have in common.
type column struct{ dtype, mode string }

// layout lists the cases and the columns that were measured.
func (r *Result) layout() (cases []string, columns []column) {
	for _, row := range r.Rows {
		if row.Rate() == 0 {
			continue
		}
		if !slices.Contains(cases, row.Case) {
			cases = append(cases, row.Case)
		}
		if c := (column{row.DType, row.Mode}); !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	slices.SortFunc(columns, func(a, b column) int {
		return strings.Compare(b.dtype+a.mode, a.dtype+b.mode) // float64 before float32, fresh before into
	})
	return cases, columns
}

// panel is the rates of one case, or nil where there are none.
func (r *Result) panel(name string, c column) (*plot.Plot, error) {
	p := plot.New()
	known, _ := findKernel(name)
	p.Title.Text = strings.Join([]string{known.title, c.dtype, c.mode}, ", ")
	if r.Simulated {
		p.Title.Text += ", SIMULATED"
	}
	p.X.Label.Text, p.Y.Label.Text = "n", "GB/s"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = report.Powers(10), report.Powers(10)
	if known.matrix {
		p.X.Tick.Marker, p.Y.Label.Text = report.Powers(2), "GFLOP/s"
	}
	p.Add(plotter.NewGrid())
	for _, by := range r.Contenders {
		var points plotter.XYs
		for _, row := range r.Rows {
			if row.By == by.Name && row.Case == name && row.DType == c.dtype && row.Mode == c.mode && row.Rate() > 0 {
				points = append(points, plotter.XY{X: float64(row.N), Y: row.Rate()})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.LineStyle, dots.GlyphStyle = look(by.Name)
		p.Add(line, dots)
	}
	if p.X.Min > p.X.Max {
		return nil, nil
	}
	// whole powers around the values, so that there are marks; what lies far below would press the rest together
	p.Y.Max = math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	p.Y.Min = max(math.Pow(10, math.Floor(math.Log10(p.Y.Min))), p.Y.Max/1000)
	if p.Y.Min == p.Y.Max {
		p.Y.Max *= 10
	}
	if p.X.Min == p.X.Max {
		p.X.Min, p.X.Max = p.X.Min/2, p.X.Max*2
	}
	return p, nil
}

// look is how a contender is drawn wherever it appears: the machine in grey, one thread dashed.
func look(name string) (draw.LineStyle, draw.GlyphStyle) {
	colors := map[string]color.RGBA{
		"darray": {R: 0xd6, G: 0x20, B: 0x28, A: 0xff}, "numpy": {R: 0x1f, G: 0x77, B: 0xb4, A: 0xff},
		"numexpr": {R: 0x2c, G: 0xa0, B: 0x2c, A: 0xff}, "numba": {R: 0xff, G: 0x7f, B: 0x0e, A: 0xff},
		"torch": {R: 0x94, G: 0x67, B: 0xbd, A: 0xff}, "dask": {R: 0x8c, G: 0x56, B: 0x4b, A: 0xff},
		"cupy": {R: 0x2c, G: 0xa0, B: 0x2c, A: 0xff}, "jax": {R: 0x8c, G: 0x56, B: 0x4b, A: 0xff},
		"torch-compiled": {R: 0x5b, G: 0x3a, B: 0x86, A: 0xff}, "darray-cpu": {R: 0xf2, G: 0xa0, B: 0xa4, A: 0xff}, "copy": {R: 0x50, G: 0x50, B: 0x50, A: 0xff},
		"stream": {R: 0xb0, G: 0xb0, B: 0xb0, A: 0xff}, "stream-past": {R: 0x50, G: 0x50, B: 0x50, A: 0xff},
	}
	base, alone := strings.CutSuffix(name, single)
	line := draw.LineStyle{Color: colors[base], Width: vg.Points(1.2)}
	dots := draw.GlyphStyle{Color: colors[base], Radius: vg.Points(2), Shape: draw.CircleGlyph{}}
	if base == "darray" {
		line.Width, dots.Radius = vg.Points(2.2), vg.Points(3)
	}
	if alone || strings.HasPrefix(base, "stream") {
		line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	return line, dots
}

// legend is one line of n marks, which mark draws, with the names that it gives.
func legend(c draw.Canvas, n int, indent vg.Length, mark func(i int, at vg.Point) string) {
	text := plot.New().Legend.TextStyle
	text.YAlign, text.Font.Size = draw.YCenter, vg.Points(9)
	step := (c.Max.X - c.Min.X) / vg.Length(n)
	for i := range n {
		at := vg.Point{X: c.Min.X + step*vg.Length(i) + edge, Y: (c.Min.Y + c.Max.Y) / 2}
		name := mark(i, at)
		c.FillText(text, vg.Point{X: at.X + indent, Y: at.Y}, name)
	}
}

// square is a mark of a legend.
func square(at vg.Point) []vg.Point {
	const half = edge / 4
	return []vg.Point{{X: at.X, Y: at.Y - half}, {X: at.X + edge, Y: at.Y - half}, {X: at.X + edge, Y: at.Y + half}, {X: at.X, Y: at.Y + half}}
}

// topRatio is where bars are cut; the number above each is whole.
const topRatio = 2.5

// series is the bars of one colour: our time in that of the fastest rival, by case; 0 where there is none.
type series struct {
	by string
	n  int
	column
	ratios []float64
}

func (s *series) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s n=%s", s.dtype, s.mode, size(s.n)), " ")
}

// series are those of darray with all threads at the two largest sizes.
func (r *Result) series(cases []string) []*series {
	var sizes []int
	for _, row := range r.Rows {
		if row.Ratio(ofBest).Median > 0 && !slices.Contains(sizes, row.N) {
			sizes = append(sizes, row.N)
		}
	}
	slices.Sort(sizes)
	sizes = sizes[max(0, len(sizes)-2):]
	var all []*series
	for _, row := range r.Rows {
		ratio := row.Ratio(ofBest).Median
		if ratio == 0 || strings.HasSuffix(row.By, single) || !slices.Contains(sizes, row.N) {
			continue
		}
		c := column{row.DType, row.Mode}
		i := slices.IndexFunc(all, func(s *series) bool { return s.by == row.By && s.n == row.N && s.column == c })
		if i < 0 {
			i = len(all)
			all = append(all, &series{row.By, row.N, c, make([]float64, len(cases))})
		}
		all[i].ratios[slices.Index(cases, row.Case)] = ratio
	}
	return all
}

// drawBars is a group of bars a case.
func drawBars(all []*series, cases []string, width vg.Length) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("our time in that of the fastest rival, by medians: below 1 we are faster; bars are cut at %g", topRatio*0.95)
	one := plotter.NewFunction(func(float64) float64 { return 1 })
	one.Width = vg.Points(1.5)
	bar := 0.8 * (width - 4*edge) / vg.Length(len(cases)*len(all))
	for i, s := range all {
		if err := drawSeries(p, s.ratios, bar, vg.Length(float64(i)-float64(len(all)-1)/2)*bar, shade(i, len(all))); err != nil {
			return nil, err
		}
	}
	p.Add(one)
	var names []string
	for _, name := range cases {
		known, _ := findKernel(name)
		names = append(names, known.title)
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.5, float64(len(cases))-0.5
	p.Y.Min, p.Y.Max = 0, topRatio
	return p, nil
}

// drawSeries adds one bar a case, with its number above it.
func drawSeries(p *plot.Plot, ratios []float64, width, offset vg.Length, fill color.Color) error {
	heights := make(plotter.Values, len(ratios))
	labels := plotter.XYLabels{}
	for i, ratio := range ratios {
		heights[i] = min(ratio, topRatio*0.95)
		if ratio > 0 {
			labels.XYs = append(labels.XYs, plotter.XY{X: float64(i), Y: heights[i]})
			labels.Labels = append(labels.Labels, fmt.Sprintf("%.2f", ratio))
		}
	}
	bars, err := plotter.NewBarChart(heights, width)
	if err != nil {
		return err
	}
	bars.Color, bars.Offset, bars.LineStyle.Width = fill, offset, 0
	p.Add(bars)
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range texts.TextStyle {
		texts.TextStyle[i].Font.Size, texts.TextStyle[i].XAlign = vg.Points(6.5), draw.XCenter
	}
	texts.Offset = vg.Point{X: offset, Y: vg.Points(1)}
	p.Add(texts)
	return nil
}

// shade is colour i of n, from dark blue to light green.
func shade(i, n int) color.Color {
	t := float64(i) / float64(max(1, n-1))
	mix := func(from, to float64) uint8 { return uint8(from + (to-from)*t) }
	return color.RGBA{R: mix(0x20, 0xa8), G: mix(0x40, 0xdb), B: mix(0x80, 0xa0), A: 0xff}
}
