package bench

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// CheckPlot reports a file name that WritePlot would refuse.
func CheckPlot(path string) error {
	if ext := filepath.Ext(path); ext != ".svg" && ext != ".png" {
		return fmt.Errorf("plot to %q: the name must end with .svg or .png", filepath.Base(path))
	}
	return nil
}

// WritePlot draws the curves into an .svg or .png file: a row a collective, a panel for each size and number of ranks, a
// line an algorithm, logarithms on both axes.
func (s *Simulation) WritePlot(path string) error {
	if err := CheckPlot(path); err != nil {
		return err
	}
	panels := s.panels()
	if len(panels) == 0 {
		return fmt.Errorf("nothing to draw")
	}
	columns := 0
	for _, row := range panels {
		columns = max(columns, len(row))
	}
	width, height := vg.Length(columns)*9*vg.Centimeter, vg.Length(len(panels))*7*vg.Centimeter
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	} = vgsvg.New(width, height)
	if filepath.Ext(path) == ".png" {
		canvas = vgimg.PngCanvas{Canvas: vgimg.New(width, height)}
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: columns, PadX: vg.Centimeter / 2, PadY: vg.Centimeter / 2}
	for i, row := range panels {
		for j, group := range row {
			p, err := panel(s.Model, group)
			if err != nil {
				return err
			}
			p.Draw(tiles.At(draw.New(canvas), j, i))
		}
	}
	return writeTo(path, canvas)
}

func writeTo(path string, content io.WriterTo) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err = content.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// panels are the groups of curves, by collective.
func (s *Simulation) panels() [][]curves {
	var rows [][]curves
	op := ""
	for i, c := range s.Curves {
		if slices.IndexFunc(s.Curves, c.beside) != i {
			continue // drawn with the algorithm that came first
		}
		if c.Op != op {
			rows, op = append(rows, nil), c.Op
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], s.group(c))
	}
	return rows
}

func panel(model string, group curves) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = group[0].title()
	p.X.Label.Text = "bytes"
	if group[0].OverRanks {
		p.X.Label.Text = "ranks"
	}
	p.Y.Label.Text = "seconds over " + model
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = powers(2), powers(10)
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for i, c := range group {
		var points plotter.XYs
		for k, x := range c.X {
			if x > 0 && c.Y[k].Seconds > 0 {
				points = append(points, plotter.XY{X: float64(x), Y: c.Y[k].Seconds})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		p.Add(line, dots)
		p.Legend.Add(c.Algorithm, line, dots)
	}
	if p.X.Min > p.X.Max { // no curve: the algorithms do not fit
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 1, 2, 1e-6, 1
	}
	if p.X.Min == p.X.Max {
		p.X.Max *= 2
	}
	if p.Y.Min == p.Y.Max {
		p.Y.Max *= 10
	}
	return p, nil
}

// powers marks an axis at the powers of a base, at most about eight of them with a number.
type powers float64

// Ticks gives the marks between two values above 0.
func (base powers) Ticks(lo, hi float64) []plot.Tick {
	b := float64(base)
	first, last := int(math.Ceil(math.Log(lo)/math.Log(b)-1e-9)), int(math.Floor(math.Log(hi)/math.Log(b)+1e-9))
	every := max(1, (last-first+5)/6)
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		tick := plot.Tick{Value: math.Pow(b, float64(e))}
		if (e-first)%every == 0 {
			tick.Label = powerLabel(base, e)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

func powerLabel(base powers, e int) string {
	switch {
	case base == 10:
		return fmt.Sprintf("1e%d", e)
	case e >= 30:
		return fmt.Sprintf("%dG", 1<<(e-30))
	case e >= 20:
		return fmt.Sprintf("%dM", 1<<(e-20))
	case e >= 13:
		return fmt.Sprintf("%dK", 1<<(e-10))
	}
	return fmt.Sprint(1 << max(e, 0))
}
