package files

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/bench"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/bench/talk"
)

// run is one run of the suite.
type run struct {
	o          Options
	report     *report.Comparison
	contenders []contender
	maker      *talk.Process // ours, that makes the files and reads those that others write
	dir        string
	programs   string // the rivals'
	source     string // the Parquet file whose columns rivals write
	sums       []float64
	failed     []error
}

// Run measures reading and writing. It blocks for minutes, and ends soon after ctx. The report is complete but for what failed, which the error
// names; it is nil only if nothing could be measured. The program needs the format Parquet: see darray.UseFormat.
func Run(ctx context.Context, o Options) (_ *Result, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r := &run{o: o, report: report.New("io", o.how()), sums: sums(o.rows())}
	if r.dir, err = os.MkdirTemp(o.Dir, "darray-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	r.programs, r.source = filepath.Join(r.dir, "programs"), filepath.Join(r.dir, "values.parquet")
	if err := os.Mkdir(r.programs, 0o700); err != nil {
		return nil, err
	}
	if err := bench.WriteRivals(r.programs); err != nil {
		return nil, err
	}
	if err := r.introduce(ctx); err != nil {
		return nil, err
	}
	if r.maker, _, err = r.launch(ctx, r.contenders[0]); err != nil {
		return nil, err
	}
	defer func() { r.end(ctx, r.maker) }()
	if slices.ContainsFunc(o.cases(), func(c Case) bool { return c.write }) {
		if _, err := r.make(ctx, file{format: "parquet", compression: "snappy"}, r.source); err != nil {
			return nil, err
		}
	}
	for _, f := range kinds() {
		if err := r.kind(ctx, f); err != nil {
			r.fail(f.name(), "", err)
		}
	}
	r.report.Summarise()
	r.order()
	r.ratios()
	return &Result{r.report}, errors.Join(append(r.failed, context.Cause(ctx))...)
}

// kind measures the cases of one kind of file, which is made first and removed afterwards.
func (r *run) kind(ctx context.Context, f file) error {
	cases := slices.DeleteFunc(r.o.cases(), func(c Case) bool { return c.file != f })
	if len(cases) == 0 || ctx.Err() != nil {
		return nil
	}
	path := f.path(r.dir, "read")
	stored, err := r.make(ctx, f, path)
	if err != nil {
		return err
	}
	for _, c := range cases {
		if ctx.Err() == nil {
			start := time.Now()
			fmt.Fprintf(r.o.Log, "%s", c.Title)
			r.measure(ctx, c, path, stored)
			fmt.Fprintf(r.o.Log, ": %.1f s\n", time.Since(start).Seconds())
		}
	}
	return remove(path)
}

// make has a file made, and gives its size.
func (r *run) make(ctx context.Context, f file, path string) (int, error) {
	start := time.Now()
	q := Case{file: f, write: true}.question(path, "", r.o.rows(), 0)
	if _, err := r.ask(ctx, r.maker, q); err != nil {
		return 0, err
	}
	if _, err := r.ask(ctx, r.maker, talk.Question{Do: "check"}); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(r.o.Log, "%s of %d rows made, %d bytes: %.1f s\n", f.title(), r.o.rows(), info.Size(), time.Since(start).Seconds())
	return int(info.Size()), nil
}

// player is a contender at a case.
type player struct {
	contender
	process *talk.Process
	path    string
	row     *report.Row
	out     bool
}

// measure has all contenders take turns at a case. Each round begins with the next one.
func (r *run) measure(ctx context.Context, c Case, path string, stored int) {
	var players []*player
	defer func() {
		for _, p := range players {
			if p.process != nil {
				r.end(ctx, p.process)
			}
			if c.write {
				_ = remove(p.path) // the folder goes as well
			}
		}
	}()
	for _, who := range r.contenders {
		if !who.takesPart(c) {
			continue
		}
		p := &player{contender: who, path: path, row: r.row(c, who, stored)}
		if c.write {
			p.path = c.file.path(r.dir, "write-"+who.name)
		}
		players = append(players, p)
		if err := r.prepare(ctx, c, p, stored); err != nil {
			r.drop(ctx, c, p, err)
		}
	}
	for round := range r.o.Rounds {
		for i := range players {
			p := players[(i+round)%len(players)]
			if p.out {
				continue
			}
			a, err := r.ask(ctx, p.process, talk.Question{Do: "run", Inner: 1, Repeat: r.o.Repeat, Warm: true, Limit: r.o.Turn.Seconds()})
			if err != nil {
				r.drop(ctx, c, p, err)
				continue
			}
			p.row.Runs, p.row.Peak = append(p.row.Runs, a.Runs...), max(p.row.Peak, a.Peak)
		}
	}
}

// row is where a contender's times of a case go.
func (r *run) row(c Case, who contender, stored int) *report.Row {
	row := r.report.Row(report.Key{Case: c.Name, DType: "float64", N: r.o.rows()}, who.name)
	row.Bytes = float64(c.moved(r.o.rows()))
	if c.file.format == "csv" && !c.write {
		row.Bytes = float64(stored) // of text: what there is to do
	}
	if who.side != limit {
		row.Stored = float64(stored)
	}
	return row
}

// prepare starts a contender and has it make the call that does not count; what that gives is held against the sums of the values.
func (r *run) prepare(ctx context.Context, c Case, p *player, stored int) (err error) {
	if p.process, _, err = r.launch(ctx, p.contender); err != nil {
		return err
	}
	q := c.question(p.path, r.source, r.o.rows(), stored)
	switch p.name {
	case byStream:
		q = talk.Question{Do: "prepare", Kernel: "sum", DType: "float64", N: int(p.row.Bytes) / valueBytes}
	case byMmap:
		q.File.Bytes = int(p.row.Bytes)
	}
	if _, err := r.ask(ctx, p.process, q); err != nil {
		return err
	}
	a, err := r.ask(ctx, p.process, talk.Question{Do: "check"})
	if err != nil || p.side == limit {
		return err
	}
	got := a.Check
	if c.write {
		info, err := os.Stat(p.path)
		if err != nil {
			return err
		}
		p.row.Stored = float64(info.Size())
		if got, err = r.read(ctx, c, p.path); err != nil {
			return fmt.Errorf("what it wrote is not read: %w", err)
		}
	}
	return agree(got, c.want(r.sums))
}

// read gives the sums of a file that a contender wrote.
func (r *run) read(ctx context.Context, c Case, path string) ([]float64, error) {
	c.write, c.columns = false, c.file.holds()
	if _, err := r.ask(ctx, r.maker, c.question(path, "", 0, 0)); err != nil {
		return nil, err
	}
	a, err := r.ask(ctx, r.maker, talk.Question{Do: "check"})
	return a.Check, err
}

// tolerance is the relative error of a sum of 1e10 values in any order and twice as much: 2**-53 times the logarithm of their number, in blocks.
const tolerance = 1e-9

// agree reports sums that are not those of the values.
func agree(got, want []float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("wrong result: %d sums, not %d", len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance*math.Abs(want[i])) {
			return fmt.Errorf("wrong result: sum %d is %.12g, not %.12g", i, got[i], want[i])
		}
	}
	return nil
}

// drop takes a contender out of a case: one that it does not have is no failure.
func (r *run) drop(ctx context.Context, c Case, p *player, err error) {
	p.out = true
	if ctx.Err() != nil {
		return // all of them end now, which is no contender's failure
	}
	p.row.Unavailable, p.row.Runs = err.Error(), nil
	if !errors.Is(err, talk.ErrUnavailable) {
		r.fail(c.Name, p.name, err)
	}
}

// fail notes what broke off.
func (r *run) fail(what, who string, err error) {
	if who != "" {
		what += ": " + who
	}
	err = fmt.Errorf("%s: %w", what, err)
	fmt.Fprintln(r.o.Log, "\nFAILED:", err)
	r.failed = append(r.failed, err)
	line, _, _ := strings.Cut(err.Error(), "\n")
	r.report.Failed = append(r.report.Failed, line)
}

// order puts the cases into the order of Cases: they are measured by files.
func (r *run) order() {
	names := CaseNames()
	slices.SortStableFunc(r.report.Rows, func(a, b *report.Row) int {
		return slices.Index(names, a.Case) - slices.Index(names, b.Case)
	})
}
