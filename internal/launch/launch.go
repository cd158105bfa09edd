// Package launch starts the ranks of a program on this host, or on several by ssh, serves them as their agent while they run, and ends what
// is left of them: no rank outlives the launcher, and no launcher waits for a rank that died.
package launch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// MaxRanks is the most ranks that Run starts on one host.
const MaxRanks = 4096

const (
	// defaultGrace keeps the promise that a job ends within a second of its first failed rank.
	defaultGrace = 500 * time.Millisecond
	// signalGrace is longer: a program that is asked to end by a person may have a result to save.
	signalGrace = 5 * time.Second
)

// The variables by which a rank knows its place; the launcher sets all of them.
const (
	EnvRank      = "DARRAY_RANK"       // this process's rank
	EnvLocalSize = "DARRAY_LOCAL_SIZE" // number of ranks of this host
	EnvHosts     = "DARRAY_HOSTS"      // "a:2,b:2", where there are several
	EnvSize      = "DARRAY_SIZE"       // number of ranks
	EnvLocalRank = "DARRAY_LOCAL_RANK" // rank among those of this host
	EnvJob       = "DARRAY_JOB"        // random id of the job; not a secret
	EnvToken     = "DARRAY_TOKEN"      // 32 random bytes in hex, the job's secret
	EnvAgent     = "DARRAY_AGENT"      // Unix socket of the launcher, for Connect
)

// ErrNotJoined is returned by Run where every rank ended well and none had joined: the program runs N times, alone each time.
var ErrNotJoined = errors.New("none joined")

// Config says what to run. Ranks and Argv are required; the zero value of every other field works.
type Config struct {
	Ranks  int       // 1 to MaxRanks
	Argv   []string  // the program, found by PATH, and its arguments
	Env    []string  // environment of the ranks; nil: this process's
	Stdin  io.Reader // read by rank 0; nil: nothing
	Stdout io.Writer // nil: dropped
	Stderr io.Writer // nil: dropped
	Prefix bool      // whole lines only, each after "[rank] "

	// Grace is the time between SIGTERM and SIGKILL for the ranks that are left when one failed; 0: 500 ms.
	Grace time.Duration
	// Signals are passed on to every rank (signal.Notify fills it); a second one kills them. nil: none.
	Signals <-chan os.Signal
	// Show makes the launcher print on Stderr where the ranks are, once for each signal in it. nil: none.
	Show <-chan os.Signal

	part *part // nil: these ranks are all there are
}

// part is what the ranks of this host are in a job of several hosts.
type part struct {
	first, size int                              // the first rank here, and the ranks of all hosts
	id, token   string                           // the job's
	hosts       string                           // of all ranks; may be empty
	addr        string                           // rank 0's, where it is not to be chosen by the system
	localFirst  int                              // the first rank here, among all of this host
	localSize   int                              // all ranks of this host, others than ours included; 0: unknown
	up          func(message)                    // passes on what the other hosts should know; returns quickly
	serve       func(*agentServer) (done func()) // called before the first rank starts; done when all have ended
}

// place makes the part of a job that is all on this host.
func (c Config) place() part {
	if c.part != nil {
		return *c.part
	}
	return part{size: c.Ranks, localSize: c.Ranks, id: randomHex(8), token: randomHex(32), up: func(message) {}}
}

// ExitError says how the first rank that failed ended the job.
type ExitError struct {
	Rank   int
	Host   string // empty: this one
	PID    int
	State  string   // "exit status 3", "signal: killed"
	Code   int      // its exit status; 128 + number where a signal ended it
	Stderr []string // its last lines
}

// Error names the rank, how it ended, and what it said last.
func (e *ExitError) Error() string {
	on := ""
	if e.Host != "" {
		on = " on " + e.Host
	}
	text := fmt.Sprintf("rank %d%s (pid %d) ended the job: %s", e.Rank, on, e.PID, e.State)
	if len(e.Stderr) == 0 {
		return text
	}
	return text + "; it said last:\n  " + strings.Join(e.Stderr, "\n  ")
}

// SignalError is returned by Run where a signal from Config.Signals ended the job.
type SignalError struct{ Signal os.Signal }

// Error names the signal.
func (e *SignalError) Error() string { return fmt.Sprintf("ended by signal: %v", e.Signal) }

// Run starts the ranks and waits for all of them. It returns nil where all exit with 0 and at least one joined; otherwise an
// *ExitError, a *SignalError, ErrNotJoined, the cause of ctx, or what kept the ranks from starting. No process that it
// started is left when it returns, whatever it returns.
func Run(ctx context.Context, c Config) error {
	if err := CheckRanks(c.Ranks); err != nil {
		return err
	}
	if len(c.Argv) == 0 {
		return errors.New("no program to run")
	}
	path, err := lookPath(c.Argv[0])
	if err != nil {
		return err
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	p := c.place()
	agent, err := serveAgent(p, c.Ranks)
	if err != nil {
		return err
	}
	defer agent.close()
	agent.setCommand(c.Argv)
	if p.serve != nil {
		defer p.serve(agent)()
	}
	// Where the system ends children with their parent, it means the thread that started them: this one has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	j := newJob(c, agent)
	for local := range c.Ranks {
		if err := j.start(path, p.first+local, rankEnv(c, p, local, agent.addr())); err != nil {
			j.cause = fmt.Errorf("start rank %d of %d: %w", p.first+local, p.size, err)
			j.kill()
			break
		}
	}
	return j.wait(ctx)
}

func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	if _, here := exec.LookPath("./" + program); here == nil {
		return "", fmt.Errorf("no program %q on the PATH; the one in this directory is ./%s", program, program)
	}
	var reason *exec.Error
	if errors.As(err, &reason) {
		err = reason.Err
	}
	return "", fmt.Errorf("cannot run %q: %w", program, err)
}

// CheckRanks reports a number of ranks that cannot be started on one host.
func CheckRanks(n int) error {
	switch {
	case n < 1:
		return fmt.Errorf("%d ranks: at least 1 is needed", n)
	case n > MaxRanks:
		return fmt.Errorf("%d ranks: at most %d run on one host", n, MaxRanks)
	}
	return nil
}

// rankEnv is the environment of one rank. What an outer job left in it is replaced, and its address of rank 0 is not ours.
func rankEnv(c Config, p part, local int, agent string) []string {
	env := make([]string, 0, len(c.Env)+10)
	threads := false
	for _, kv := range c.Env {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case EnvRank, EnvSize, EnvLocalRank, EnvLocalSize, EnvHosts, EnvJob, EnvToken, EnvAgent,
			"DARRAY_ADDR", "DARRAY_RENDEZVOUS", "DARRAY_LAUNCHER":
			continue
		case "GOMAXPROCS":
			threads = threads || value != ""
		}
		env = append(env, kv)
	}
	if !threads {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(max(1, runtime.NumCPU()/max(c.Ranks, p.localSize))))
	}
	if p.hosts != "" {
		env = append(env, EnvHosts+"="+p.hosts)
	}
	if p.localSize > 0 {
		env = append(env, EnvLocalSize+"="+strconv.Itoa(p.localSize))
	}
	if p.addr != "" {
		env = append(env, "DARRAY_ADDR="+p.addr)
	}
	return append(env,
		EnvRank+"="+strconv.Itoa(p.first+local), EnvSize+"="+strconv.Itoa(p.size),
		EnvLocalRank+"="+strconv.Itoa(p.localFirst+local),
		EnvJob+"="+p.id, EnvToken+"="+p.token, EnvAgent+"="+agent)
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program where the system has no randomness
	return hex.EncodeToString(b)
}
