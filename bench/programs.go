package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/launch"
)

// tutorialSays is what scatteradd prints, whoever wrote it.
const tutorialSays = "Result of A + B = [1 2 3 ... 100]\n"

// launches times the tutorial on 4 ranks from the start of its launcher to the launcher's end.
func (s *suite) launches(ctx context.Context, dir string) {
	const name, ranks = "launch to exit of scatteradd", 4
	program := filepath.Join(dir, "scatteradd-darray")
	if err := buildExample(ctx, s.o.Source, program); err != nil {
		s.fail(contender{name: "darray"}, name, err)
		return
	}
	type starter struct {
		by   string
		argv []string
	}
	starters := []starter{{"darray", []string{s.self, "run", "-n", strconv.Itoa(ranks), program}}}
	for _, c := range s.contenders {
		if c.tutor != nil {
			starters = append(starters, starter{c.name, c.tutor})
		}
	}
	for turn := range s.o.Launches*s.o.Repeat + 1 {
		for _, st := range starters {
			took, err := timed(func() error {
				out, err := s.output(ctx, st.argv)
				if err == nil && string(out) != tutorialSays {
					err = fmt.Errorf("printed %q", out)
				}
				return err
			})
			if err != nil {
				s.fail(contender{name: st.by}, name, err)
				return
			}
			if row := s.report.Row(report.Key{Case: name, Ranks: ranks}, st.by); turn > 0 { // the first one finds a cold cache
				row.Runs = append(row.Runs, took)
			}
		}
	}
}

// buildExample compiles examples/scatteradd.
func buildExample(ctx context.Context, source, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./examples/scatteradd")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build scatteradd (run this in the module's folder, or say --source): %w\n%s", err, out)
	}
	return nil
}

// bare measures a block from rank 0 to rank 1 by comm beside the same block in a bare loop between the same two
// processes: QUIC beside quic-go, the TCP lane beside crypto/tls.
func (s *suite) bare(ctx context.Context) {
	name := fmt.Sprintf("%s block beside a bare loop", byteSize(s.o.Block))
	for range s.o.Launches {
		for _, link := range []string{"quic", "tcp"} {
			if s.unusable[link] || !slices.Contains(s.o.Links, link) {
				continue
			}
			var out, said bytes.Buffer
			err := launch.Run(ctx, launch.Config{
				Ranks: 2, Env: append(s.o.Env, linkEnv(link)...), Stdout: &out, Stderr: &said,
				Argv: []string{s.self, "bench", "rank", "block", "--repeat", strconv.Itoa(s.o.Repeat), "--block", strconv.Itoa(s.o.Block)},
			})
			var result jobResult
			if err == nil {
				err = json.Unmarshal(out.Bytes(), &result)
			}
			if err != nil {
				s.fail(contender{name: link}, name, fmt.Errorf("%w\n%s", err, said.Bytes()))
				continue
			}
			if !carries(result.Link, link) {
				s.report.Row(report.Key{Case: name, Ranks: 2}, link).Unavailable = fmt.Sprintf("not available in this build, whose ranks talk over %s instead", result.Link)
				continue
			}
			s.bareRow(name, link, result.Ours)
			s.bareRow(name, "quic-go", result.Bare)
			s.bareRow(name, "tls", result.TLS)
		}
	}
}

func (s *suite) bareRow(name, by string, runs []float64) {
	row := s.report.Row(report.Key{Case: name, Ranks: 2}, by)
	row.Runs, row.Bytes = append(row.Runs, runs...), float64(s.o.Block)
}
