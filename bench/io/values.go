package files

import (
	"math"
	"math/rand/v2"
	"sync"
)

// valueBytes is the size of a value, a float64.
const valueBytes = 8

// measured is a column of measurements with two decimals: they swing by the day around a level, with noise. All in hundredths.
type measured struct {
	name                string
	level, swing, noise int
}

// measures are the columns. The first three have so few different values that Parquet stores them by a dictionary; the last has millions.
func measures() []measured {
	return []measured{
		{"temperature", 1500, 900, 60},
		{"humidity", 6000, 2500, 200},
		{"pressure", 101_325, 400, 30},
		{"power", 2_500_000, 500_000, 2_000_000},
	}
}

func columns() []string {
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	return names
}

// A row is a second, the level changes by the minute.
const (
	minute = 60
	day    = 24 * 60 // minutes
)

// each gives the hundredths of column k, row by row, the same ones always.
func (m measured) each(k, rows int, put func(row, hundredths int)) {
	noise := rand.New(rand.NewPCG(2013, uint64(k)))
	var level int
	for row := range rows {
		if row%minute == 0 {
			level = m.level - m.noise + int(math.Round(float64(m.swing)*math.Sin(2*math.Pi*float64(row/minute%day)/day)))
		}
		put(row, level+noise.IntN(2*m.noise+1))
	}
}

// fill writes the values of a column to dst, step apart.
func (m measured) fill(k, rows int, dst []float64, step int) {
	m.each(k, rows, func(row, hundredths int) { dst[row*step] = float64(hundredths) / 100 })
}

// everyColumn does something for each column, all at once, and waits.
func everyColumn(do func(k int, m measured)) {
	var all sync.WaitGroup
	for k, m := range measures() {
		all.Go(func() { do(k, m) })
	}
	all.Wait()
}

// sums are those of the columns, exact but for the last rounding.
func sums(rows int) []float64 {
	out := make([]float64, len(measures()))
	everyColumn(func(k int, m measured) {
		sum := 0
		m.each(k, rows, func(_, hundredths int) { sum += hundredths })
		out[k] = float64(sum) / 100
	})
	return out
}
