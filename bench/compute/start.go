package compute

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/darray-go/darray/bench"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/bench/talk"
)

// startLimit ends a contender that does not say hello: importing PyTorch takes seconds, on a busy machine many.
const startLimit = time.Minute

// start launches the contenders; ours have to start, rivals that do not are left out.
func (r *run) start(ctx context.Context, dir string) error {
	if err := bench.WriteRivals(dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	threads := []int{r.o.Threads}
	if r.suite.singles && r.o.Threads > 1 {
		threads = append(threads, 1)
	}
	if r.suite.ours {
		for _, n := range threads {
			c := &contender{name: r.name("darray", n), side: ours, threads: n, argv: []string{self, "bench", "contender"}}
			if err := r.join(ctx, c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	if r.suite.gpu {
		if err := r.startGPU(ctx, self); err != nil {
			return err
		}
	}
	for _, name := range r.o.Rivals {
		for _, n := range threads {
			if name == "none" {
				continue
			}
			c, program := &contender{name: r.name(name, n), side: rival, threads: n}, []string{filepath.Join(dir, "compute_"+name+".py")}
			if r.suite.gpu {
				program = []string{filepath.Join(dir, "gpu.py"), name}
			}
			if err := r.joinPython(ctx, c, program, name); err != nil {
				return err
			}
		}
	}
	if r.suite.limits {
		for _, n := range threads {
			for name, flags := range map[string][]string{"stream": nil, "stream-past": {"--past"}} {
				c := &contender{name: r.name(name, n), side: limit, threads: n, kernels: []string{"copy", "add", "triad", "sum"}}
				c.argv = append([]string{self, "bench", "contender", "--stream", "--threads", strconv.Itoa(n)}, flags...)
				if err := r.join(ctx, c); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
		}
	}
	r.sort()
	for _, c := range r.contenders {
		r.report.Contenders = append(r.report.Contenders, report.Contender{Name: c.name, About: c.about})
	}
	return nil
}

// sort puts the contenders into the order of the report: ours, rivals as they are listed, the machine.
func (r *run) sort() {
	place := func(c *contender) int { return slices.Index(r.suite.Rivals(), strings.TrimSuffix(c.name, single)) }
	slices.SortStableFunc(r.contenders, func(a, b *contender) int {
		return cmp.Or(int(a.side)-int(b.side), place(a)-place(b), strings.Compare(a.name, b.name))
	})
}

// name is a contender's in the report.
func (r *run) name(name string, threads int) string {
	if r.suite.singles && threads == 1 && r.o.Threads > 1 {
		return name + single
	}
	return name
}

// single ends the names of contenders with one thread beside those with all.
const single = "-1"

// join launches a contender and takes it in.
func (r *run) join(ctx context.Context, c *contender) error {
	limited, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no word within %v", startLimit))
	defer cancel()
	process, about, err := talk.Launch(limited, c.argv, slices.Concat(r.o.Env, talk.Threads(c.threads), r.deviceEnv(c)))
	if err != nil {
		return err
	}
	c.process, c.about = process, about
	r.contenders = append(r.contenders, c)
	return nil
}

// revive launches contenders again whose process has ended in an earlier group.
func (r *run) revive(ctx context.Context) {
	for _, c := range slices.Clone(r.contenders) {
		if c.process.Broken() == nil || ctx.Err() != nil {
			continue
		}
		r.contenders = slices.DeleteFunc(r.contenders, func(other *contender) bool { return other == c })
		if err := r.join(ctx, c); err != nil {
			r.leaveOut(c.name+" from here on", err.Error())
			continue
		}
		r.sort()
	}
}

// joinPython launches a rival by the first interpreter that has its libraries, the one on the PATH or the system's; where
// none has, the rival is left out, loudly.
func (r *run) joinPython(ctx context.Context, c *contender, program []string, library string) error {
	interpreters := []string{"python3", "/usr/bin/python3"}
	if r.o.Python != "" {
		interpreters = []string{r.o.Python}
	}
	var reason error
	for _, python := range interpreters {
		c.argv = append(append([]string{python}, program...), strconv.Itoa(c.threads))
		err := r.join(ctx, c)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		reason = err
	}
	how := fmt.Sprintf("%s for %s (Debian: apt install python3-%s)", library, strings.Join(interpreters, " or "), library)
	if r.suite.gpu {
		how = fmt.Sprintf("%s for %s (pip install %s)", library, strings.Join(interpreters, " or "), gpuPackages(library))
	}
	r.leaveOut(c.name, fmt.Sprintf("%v; install %s", reason, how))
	return nil
}
