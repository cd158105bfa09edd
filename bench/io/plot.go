package files

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/darray-go/darray/bench/report"
)

// Sizes of the picture.
const (
	rateWidth = 24 * vg.Centimeter // with the names of cases
	peakWidth = 14 * vg.Centimeter
	lineSpace = 0.75 * vg.Centimeter // of a case
	around    = 6 * vg.Centimeter    // title, axis and legend
)

// drawn are the contenders that have dots, and how.
func drawn() []struct {
	by, name string
	color    color.RGBA
	radius   vg.Length
} {
	limit := color.RGBA{R: 0x60, G: 0x60, B: 0x60, A: 0xff}
	return []struct {
		by, name string
		color    color.RGBA
		radius   vg.Length
	}{
		{byStream, "limit", limit, 2.5},
		{byDisk, "", limit, 2.5},
		{byMmap, byMmap, color.RGBA{R: 0xb8, G: 0xb8, B: 0xb8, A: 0xff}, 2.5},
		{byAgain, byAgain, color.RGBA{R: 0xf2, G: 0xa0, B: 0xa4, A: 0xff}, 3.2},
		{byPolars, byPolars, color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}, 3.2},
		{byDuckDB, byDuckDB, color.RGBA{R: 0xe0, G: 0xa8, B: 0x00, A: 0xff}, 3.2},
		{ourName, ourName, color.RGBA{R: 0xd6, G: 0x20, B: 0x28, A: 0xff}, 4.2},
	}
}

// WritePlot draws the result into an .svg or .png file: a line a case, a dot a contender. On the left GB/s by medians, with a bar from
// the slowest to the fastest run; on the right the peak of memory.
func (r *Result) WritePlot(path string) error {
	var cases []string
	known := Cases()
	slices.Reverse(known) // the first on top
	at := make(map[string]float64)
	for _, c := range known {
		if slices.ContainsFunc(r.Rows, func(row *report.Row) bool { return row.Case == c.Name && row.Rate() > 0 }) {
			at[c.Name] = float64(len(cases))
			cases = append(cases, c.Title)
		}
	}
	if len(cases) == 0 {
		return errors.New("plot: no times to draw")
	}
	height := around + lineSpace*vg.Length(len(cases))
	file, err := report.NewCanvas(path, rateWidth+peakWidth, height)
	if err != nil {
		return err
	}
	rates, peaks := axes("GB/s", cases), axes("peak of memory, MB", make([]string, len(cases)))
	rates.Title.Text = fmt.Sprintf("Files: GB/s of values by medians, further right is faster. %s, %s", r.Machine, r.Time.Format(time.DateOnly))
	peaks.Title.Text = "further left takes less"
	for _, who := range drawn() {
		glyph := draw.GlyphStyle{Color: who.color, Radius: vg.Points(float64(who.radius)), Shape: draw.CircleGlyph{}}
		var rate, peak plotter.XYs
		var spread plotter.XErrors
		for _, row := range r.Rows {
			y, ok := at[row.Case]
			if row.By != who.by || !ok || row.Rate() == 0 {
				continue
			}
			x := row.Rate()
			rate = append(rate, plotter.XY{X: x, Y: y})
			spread = append(spread, struct{ Low, High float64 }{x - x*row.Median/row.Max, x*row.Median/row.Min - x})
			if row.Peak > 0 && who.by != byStream && who.by != byDisk && who.by != byMmap && who.by != byAgain {
				peak = append(peak, plotter.XY{X: row.Peak / 1e6, Y: y})
			}
		}
		if err := dots(rates, rate, spread, glyph, who.name); err != nil {
			return err
		}
		if err := dots(peaks, peak, nil, glyph, ""); err != nil {
			return err
		}
	}
	rounded(&rates.X)
	rounded(&peaks.X)
	canvas := draw.New(file)
	canvas.FillPolygon(color.White, []vg.Point{{X: 0, Y: 0}, {X: canvas.Max.X, Y: 0}, canvas.Max, {X: 0, Y: canvas.Max.Y}})
	const edge = vg.Centimeter / 2
	rates.Draw(draw.Crop(canvas, edge, -peakWidth-edge, edge, -edge))
	peaks.Draw(draw.Crop(canvas, rateWidth, -edge, edge, -edge))
	return report.Save(path, file)
}

// axes are those of one picture: a line a case, and a logarithmic scale.
func axes(label string, cases []string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text = label
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, report.Powers(10)
	p.NominalY(cases...)
	p.Y.Min, p.Y.Max = -0.5, float64(len(cases))+2.5 // the legend's room
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.ThumbnailWidth = vg.Centimeter / 2
	p.Add(plotter.NewGrid())
	return p
}

// dots adds one contender to a picture.
func dots(p *plot.Plot, at plotter.XYs, spread plotter.XErrors, glyph draw.GlyphStyle, name string) error {
	if len(at) == 0 {
		return nil
	}
	if spread != nil {
		bars, err := plotter.NewXErrorBars(struct {
			plotter.XYs
			plotter.XErrors
		}{at, spread})
		if err != nil {
			return err
		}
		bars.LineStyle = draw.LineStyle{Color: glyph.Color, Width: vg.Points(0.8)}
		bars.CapWidth = vg.Points(3)
		p.Add(bars)
	}
	points, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	points.GlyphStyle = glyph
	if p.Add(points); name != "" {
		p.Legend.Add(name, points)
	}
	return nil
}

// rounded has an axis begin and end at powers of ten, so that it has marks.
func rounded(a *plot.Axis) {
	if a.Min > a.Max { // nothing is drawn
		a.Min, a.Max = 1, 10
	}
	a.Min, a.Max = math.Pow(10, math.Floor(math.Log10(a.Min))), math.Pow(10, math.Ceil(math.Log10(a.Max)))
	if a.Min == a.Max {
		a.Max *= 10
	}
}
