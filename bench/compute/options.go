package compute

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Options say what Run measures. Only Suite must be given; the rest of the zero value is that suite at full size.
type Options struct {
	Suite   string        // of Suites()
	Quick   bool          // small sizes and short batches: some seconds
	Cases   []string      // of the suite's Cases(); default all
	Sizes   []int         // elements, or the order of matrices; default those of the suite's Sets
	DTypes  []string      // default the suite's DTypes()
	Modes   []string      // default the suite's Modes()
	Rivals  []string      // of Rivals(), or none; default the suite's that are installed
	Threads int           // of every contender; default all cores
	Rounds  int           // turns of every contender at every case; default the suite's, quick 2
	Repeat  int           // counted batches in a turn; default the suite's, quick 2
	Batch   time.Duration // what a batch of calls takes at least; default 10 ms, quick 1 ms
	Turn    time.Duration // after which a turn begins no further batch; default 300 ms
	Memory  int           // bytes that the operands and results of all contenders together may take; default half of what is free
	Device  string        // what ours computes on: "cpu", the default, or as DARRAY_DEVICE; suite gpu: "cuda", the default, or "sim"
	Matrix  int           // suite gpu: the order of matrices; default 8192, quick 32
	Python  string        // the interpreter of the rivals; default the first that has their libraries
	Env     []string      // environment of the contenders
	Log     io.Writer     // progress, and the warnings about rivals that are not there; default none
}

func (o Options) withDefaults() Options {
	s, err := FindSuite(o.Suite)
	if err != nil {
		return o
	}
	rounds, repeat, batch := s.Rounds, s.Repeat, 10*time.Millisecond
	if o.Quick {
		rounds, repeat, batch = 2, 2, time.Millisecond
	}
	for _, field := range []struct {
		n       *int
		instead int
	}{{&o.Rounds, rounds}, {&o.Repeat, repeat}, {&o.Threads, runtime.NumCPU()}} {
		if *field.n == 0 {
			*field.n = field.instead
		}
	}
	for _, field := range []struct {
		names   *[]string
		instead []string
	}{{&o.Cases, s.Cases()}, {&o.DTypes, s.dtypes}, {&o.Modes, s.modes}, {&o.Rivals, s.rivals}} {
		if len(*field.names) == 0 {
			*field.names = field.instead
		}
	}
	if o.Batch == 0 {
		o.Batch = batch
	}
	if o.Turn == 0 {
		o.Turn = cmp.Or(s.turn, 300*time.Millisecond)
	}
	if o.Device == "" {
		o.Device = onProcessor
		if s.gpu {
			o.Device = onGPU
		}
	}
	if s.gpu && o.Device == simulated { // its times are beside nobody's
		o.Rivals = []string{"none"}
		if o.Batch == batch {
			o.Batch = time.Nanosecond // one call
		}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// sizes are those that a case is measured at.
func (o Options) sizes(s Suite, name string) []int {
	for _, set := range s.Sets {
		switch {
		case !slices.Contains(set.Cases, name):
		case set.fixed && o.Matrix > 0 && name == "matmul":
			return []int{o.Matrix}
		case len(o.Sizes) > 0 && !set.fixed:
			return o.Sizes
		case o.Quick:
			return set.quick
		default:
			return set.Sizes
		}
	}
	return nil
}

// Check says what of the options makes no sense.
func (o Options) Check() error {
	s, err := FindSuite(o.Suite)
	if err != nil {
		return err
	}
	if o.Rounds < 0 || o.Repeat < 0 || o.Threads < 0 || o.Batch < 0 || o.Turn < 0 {
		return fmt.Errorf("%d rounds of %d batches of %v in %v by %d threads: none can be negative", o.Rounds, o.Repeat, o.Batch, o.Turn, o.Threads)
	}
	if s.gpu && o.Device != "" && o.Device != onGPU && o.Device != simulated {
		return fmt.Errorf("device %q: suite gpu measures cuda or sim", o.Device)
	}
	if o.Matrix < 0 || o.Matrix > 1<<15 {
		return fmt.Errorf("matrices of order %d: from 1 to %d", o.Matrix, 1<<15)
	}
	for _, n := range o.Sizes {
		if err := s.checkSize(n, o.withDefaults().Cases); err != nil {
			return err
		}
	}
	return errors.Join(
		allKnown("case", o.Cases, s.Cases()),
		allKnown("type", o.DTypes, s.dtypes),
		allKnown("mode", o.Modes, s.modes),
		allKnown("rival", o.Rivals, append(s.Rivals(), "none")),
	)
}

// maxElements keeps sizes within what 32 bits of the operands' formula count.
const maxElements = 1 << 31

func (s Suite) checkSize(n int, cases []string) error {
	if n < 1 || n > maxElements || s.Name == "matmul" && n > 1<<15 {
		return fmt.Errorf("size %d: it counts elements from 1 to %d, of matmul rows from 1 to %d", n, maxElements, 1<<15)
	}
	for _, name := range cases {
		if strings.HasPrefix(name, "sum-axis") && n%row != 0 {
			return fmt.Errorf("size %d: %s has rows of %d elements; take a multiple, or leave the case out by --cases", n, name, row)
		}
	}
	return nil
}

func allKnown(what string, names, known []string) error {
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no %s %q; there are %s", what, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// how says in a line how it was measured.
func (o Options) how() string {
	if o.Suite == "gpu" {
		return fmt.Sprintf(`%d rounds in which the contenders take turns. In a turn of %v: one call that does not count, then up to %d batches of at least %v,
or of one call; a run is the time of a batch, divided by its calls. resident: by the host's clock, up to the end of the last call; kernel: by
the GPU's events; host: with the ways to the GPU and back. Where the operands of all do not fit into half of the host's free memory there are %d
rounds at most, in which each makes and drops its own. Every result was checked once`, o.Rounds, o.Turn, o.Repeat, o.Batch, apartRounds)
	}
	return fmt.Sprintf(`%d rounds in which the contenders take turns, by %d threads each but where the name ends with -1. In a turn of %v: one call that
does not count, then up to %d batches of at least %v, or of one call; a run is the time of a batch, divided by its calls. Where the
operands of all do not fit into half of the free memory there are %d rounds at most, in which each makes and drops its own. A turn ends
when the contender's threads have come to rest; how they wait inside it (OMP_WAIT_POLICY and the like) is left as it comes. Every result
was checked once`,
		o.Rounds, o.Threads, o.Turn, o.Repeat, o.Batch, apartRounds)
}
