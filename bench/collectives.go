package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/launch"
)

// CollectivesOptions say what Collectives measures. The zero value measures everything at full size, which takes a
// quarter of an hour on two cores.
type CollectivesOptions struct {
	Quick    bool          // small sizes and short batches: some seconds a link
	Ranks    []int         // numbers of ranks, each 2 or more; default 2 and 4
	Links    []string      // of ours: mem, shm, quic, tcp; default all
	Rivals   []string      // c, c-tcp, mpi4py or none; default all
	Cases    []string      // of operations(); default all
	Largest  int           // bytes of the largest message that is measured; 0: no limit
	Launches int           // turns of every contender at every group of cases; default 3
	Repeat   int           // counted batches of a case in each launch; default 5, quick 3
	Batch    time.Duration // what a batch takes at least; default 20 ms, quick 2 ms
	Block    int           // bytes of the block beside a bare loop; default 64 MiB, quick 8 MiB
	Source   string        // the module's folder, where scatteradd is built; default "."
	Env      []string      // environment of the programs that are started
	Log      io.Writer     // progress, and the warnings about rivals that are not there; default none
}

func (o CollectivesOptions) withDefaults() CollectivesOptions {
	repeat, batch, block := 5, 20*time.Millisecond, 64<<20
	if o.Quick {
		repeat, batch, block = 3, 2*time.Millisecond, 8<<20
	}
	for _, field := range []struct {
		n       *int
		instead int
	}{{&o.Launches, 3}, {&o.Repeat, repeat}, {&o.Block, block}} {
		if *field.n == 0 {
			*field.n = field.instead
		}
	}
	if o.Batch == 0 {
		o.Batch = batch
	}
	if len(o.Ranks) == 0 {
		o.Ranks = []int{2, 4}
	}
	if len(o.Links) == 0 {
		o.Links = allLinks()
	}
	if o.Source == "" {
		o.Source = "."
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// Check says what of the options makes no sense.
func (o CollectivesOptions) Check() error {
	for _, p := range o.Ranks {
		if p < 2 || p > launch.MaxRanks {
			return fmt.Errorf("%d ranks: a message takes 2, and %d are the most", p, launch.MaxRanks)
		}
	}
	for _, n := range []int{o.Launches, o.Repeat, o.Block, o.Largest, int(o.Batch)} {
		if n < 0 {
			return fmt.Errorf("%d launches, %d batches of %v, blocks of %d bytes, messages of up to %d: none can be negative", o.Launches, o.Repeat, o.Batch, o.Block, o.Largest)
		}
	}
	return errors.Join(
		allKnown("link", o.Links, allLinks()),
		allKnown("rival", o.Rivals, []string{"c", "c-tcp", "mpi4py", "none"}),
		allKnown("case", o.Cases, operations()),
	)
}

func allLinks() []string { return []string{"mem", "shm", "quic", "tcp"} }

func allKnown(what string, names, known []string) error {
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no %s %q; there are %s", what, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// suite is one run of Collectives.
type suite struct {
	o          CollectivesOptions
	self       string // this executable, which runs our ranks
	contenders []contender
	report     *report.Comparison
	unusable   map[string]bool // contenders that said that they are not in this build
	failed     []error
}

// Collectives measures point-to-point messages, collectives and the tutorial beside C and mpi4py on Open MPI. For each
// group of cases the contenders take turns, o.Launches times. It blocks for as long as that takes. The report is
// complete but for what failed, which the error names; it is nil only if nothing could be measured.
func Collectives(ctx context.Context, o CollectivesOptions) (*report.Comparison, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &suite{o: o, self: self, report: newComparison(o), unusable: make(map[string]bool)}
	dir, err := os.MkdirTemp("", "darray-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var rivals []contender
	if !slices.Equal(o.Rivals, []string{"none"}) {
		if rivals, err = s.rivals(ctx, dir); err != nil {
			return nil, err
		}
	}
	s.contenders = s.ours()
	for _, c := range rivals {
		if len(o.Rivals) > 0 && !slices.Contains(o.Rivals, c.name) {
			continue
		}
		if c.missing != "" {
			s.leaveOut(o.Log, c)
			continue
		}
		s.contenders = append(s.contenders, c)
	}
	for _, c := range s.contenders {
		s.report.Contenders = append(s.report.Contenders, report.Contender{Name: c.name, About: c.about})
		if c.command != nil {
			s.report.Rivals = append(s.report.Rivals, c.name+": "+strings.ReplaceAll(strings.Join(c.command(o.Ranks[0], []string{"CASES..."}), " "), dir+string(os.PathSeparator), ""))
		}
	}
	for _, op := range chosen(o) {
		ranks := o.Ranks
		if op.pair {
			ranks = ranks[:1]
		}
		for _, p := range ranks {
			s.group(ctx, op, p)
		}
	}
	if s.wants(opLaunch) {
		s.launches(ctx, dir)
	}
	if s.wants(opBare) {
		s.bare(ctx)
	}
	summarise(s.report)
	return s.report, errors.Join(append(s.failed, context.Cause(ctx))...)
}

func (s *suite) wants(name string) bool {
	return len(s.o.Cases) == 0 || slices.Contains(s.o.Cases, name)
}

// launchLimit ends one launch of one contender: a group of cases takes seconds.
const launchLimit = 5 * time.Minute

// group measures the sizes of one operation: all contenders in turn, several times.
func (s *suite) group(ctx context.Context, op operation, p int) {
	for turn := range s.o.Launches {
		for _, c := range s.contenders {
			if s.unusable[c.name] || ctx.Err() != nil {
				continue
			}
			fmt.Fprintf(s.o.Log, "%s, %d ranks, %s, launch %d of %d\n", op.name, p, c.name, turn+1, s.o.Launches)
			limited, cancel := context.WithTimeout(ctx, launchLimit)
			out, err := c.start(limited, p, op.cases())
			cancel()
			if err == nil {
				err = s.take(c, op.name, p, out)
			}
			if err != nil {
				s.fail(c, fmt.Sprintf("%s, %d ranks", op.name, p), err)
			}
		}
	}
}

// take adds the lines that a contender printed to the report.
func (s *suite) take(c contender, op string, p int, out []byte) error {
	lines := json.NewDecoder(bytes.NewReader(out))
	for lines.More() {
		var line CaseLine
		if err := lines.Decode(&line); err != nil {
			return fmt.Errorf("%w in %q", err, out)
		}
		switch {
		case line.Link != "" && !carries(line.Link, c.name):
			s.leaveOut(s.o.Log, contender{name: c.name, about: c.about, missing: fmt.Sprintf("not available in this build, whose ranks talk over %s instead", line.Link)})
			s.unusable[c.name] = true
			return nil
		case line.Link != "":
		default:
			row := s.report.Row(report.Key{Case: line.Case, Ranks: p}, c.name)
			row.Bytes, row.Runs, row.CPU = moved(op, line.Bytes), append(row.Runs, line.Runs...), append(row.CPU, line.CPU...)
			if op == "pingpong" {
				row.Bytes /= 2 // a run is half of a round trip
			}
			row.Moved = moved(op, line.Bytes)
		}
	}
	return nil
}

// carries reports whether every scheme between the ranks is the link that was asked for. A session of QUIC stands behind
// shared memory and the TCP lane, too: by itself it has to be all there is.
func carries(schemes, link string) bool {
	for scheme := range strings.SplitSeq(schemes, ",") {
		if scheme != link && (link == "quic" || !slices.Contains(strings.Split(scheme, "+"), link)) {
			return false
		}
	}
	return true
}

func (s *suite) fail(c contender, what string, err error) {
	err = fmt.Errorf("%s: %s: %w", what, c.name, err)
	fmt.Fprintln(s.o.Log, "FAILED:", err)
	s.failed = append(s.failed, err)
	if exit := (*launch.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%s: %s: %s", what, c.name, exit.State)
	}
	s.report.Failed = append(s.report.Failed, firstLine([]byte(err.Error())))
}
