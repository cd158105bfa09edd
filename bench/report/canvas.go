package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// CheckPlot reports a file name that NewCanvas would refuse.
func CheckPlot(path string) error {
	if ext := filepath.Ext(path); ext != ".svg" && ext != ".png" {
		return fmt.Errorf("plot to %q: the name must end with .svg or .png", filepath.Base(path))
	}
	return nil
}

// Canvas is a picture that can be written to a file.
type Canvas interface {
	vg.CanvasSizer
	io.WriterTo
}

// NewCanvas is an empty picture of the kind that path's name says, .svg or .png.
func NewCanvas(path string, width, height vg.Length) (Canvas, error) {
	if err := CheckPlot(path); err != nil {
		return nil, err
	}
	if filepath.Ext(path) == ".png" {
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(96))
		return vgimg.PngCanvas{Canvas: c}, nil
	}
	return vgsvg.New(width, height), nil
}

// Save writes a picture to a file.
func Save(path string, c Canvas) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err = c.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// Powers marks an axis at the powers of a base, at most about eight of them with a number.
type Powers float64

// Ticks gives the marks between two values above 0.
func (base Powers) Ticks(lo, hi float64) []plot.Tick {
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

func powerLabel(base Powers, e int) string {
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
