package bench

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/darray-go/darray/bench/report"
)

// WritePlot draws the curves into an .svg or .png file: a row a collective, a panel for each size and number of ranks, a
// line an algorithm, logarithms on both axes.
func (s *Simulation) WritePlot(path string) error {
	if err := report.CheckPlot(path); err != nil {
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
	canvas, err := report.NewCanvas(path, width, height)
	if err != nil {
		return err
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
	return report.Save(path, canvas)
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
	p.X.Tick.Marker, p.Y.Tick.Marker = report.Powers(2), report.Powers(10)
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
