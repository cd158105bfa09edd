package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/bench/talk"
)

// side is whom a contender plays for.
type side int

const (
	ours side = iota
	rival
	limit // the machine
)

// Who is measured beside the rivals.
const (
	ourName  = "darray"
	byAgain  = "darray-again" // shown beside uncompressed files: the mapping of the call before is still there
	byStream = "stream"       // of reading: adding up as many bytes in memory
	byDisk   = "disk"         // of writing
	byMmap   = "mmap"         // shown beside uncompressed files: adding up a new mapping
)

// contender is who takes turns, by a process for each case.
type contender struct {
	name string
	side side
	argv []string
}

// takesPart reports whether a contender is measured at a case.
func (c contender) takesPart(at Case) bool {
	switch c.name {
	case byStream:
		return !at.write
	case byDisk:
		return at.write
	case byMmap, byAgain:
		return !at.write && at.file.flat()
	}
	return true
}

// introduce finds who is there: ours and the limits have to be, rivals that are not are left out, loudly.
func (r *run) introduce(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	threads := strconv.Itoa(r.o.Threads)
	serve := func(flags ...string) []string { return append([]string{self, "bench", "contender"}, flags...) }
	all := []contender{{ourName, ours, serve("--files", ourName)}}
	for _, name := range r.o.Rivals {
		if name != "none" {
			folder, err := filepath.Abs(r.o.Node)
			if err != nil {
				return err
			}
			all = append(all, contender{name, rival, []string{"node", filepath.Join(r.programs, "io.mjs"), name, threads, folder}})
		}
	}
	all = append(all, contender{byAgain, ours, serve("--files", byAgain)})
	all = append(all, contender{byStream, limit, serve("--stream", "--threads", threads)}, contender{byMmap, limit, serve("--files", byMmap)}, contender{byDisk, limit, serve("--files", byDisk)})
	for _, c := range all {
		p, about, err := r.launch(ctx, c)
		if err == nil {
			r.end(ctx, p)
			r.contenders = append(r.contenders, c)
			r.report.Contenders = append(r.report.Contenders, report.Contender{Name: c.name, About: about})
			continue
		}
		if c.side != rival || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		line := fmt.Sprintf("%s is left out: %v; %s", c.name, err, install(c.name))
		fmt.Fprintln(r.o.Log, "WARNING:", line)
		r.report.LeftOut = append(r.report.LeftOut, line)
	}
	return nil
}

// install says how a rival comes to be there.
func install(name string) string {
	packages := map[string]string{byDuckDB: "@duckdb/node-api@1.5.6-r.1", byPolars: "nodejs-polars@0.26.1"}
	return fmt.Sprintf("install Node.js 20 or later and the package, by `npm install --prefix FOLDER %s`, and say --node FOLDER", packages[name])
}

const (
	startLimit = time.Minute     // ends a contender that does not say hello
	askLimit   = 5 * time.Minute // one that does not answer: the longest calls take half a minute on a busy machine
)

// launch starts a contender's process.
func (r *run) launch(ctx context.Context, c contender) (*talk.Process, string, error) {
	limited, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no word within %v", startLimit))
	defer cancel()
	return talk.Launch(limited, c.argv, slices.Concat(r.o.Env, talk.Threads(r.o.Threads)))
}

func (r *run) ask(ctx context.Context, p *talk.Process, q talk.Question) (talk.Answer, error) {
	limited, cancel := context.WithTimeoutCause(ctx, askLimit, fmt.Errorf("no answer within %v", askLimit))
	defer cancel()
	return p.Ask(limited, q)
}

// end ends a process and waits for that: at once where the run is interrupted.
func (r *run) end(ctx context.Context, p *talk.Process) {
	if ctx.Err() != nil {
		p.Kill()
	}
	_ = p.Stop() // what it was asked for it has answered
}
