package darray

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config says where a program runs. Its zero value is one process with defaults. ConfigFromEnv fills it from the
// variables named at each field; a launcher (`darray run`) sets them for every rank. Nothing else in the module reads
// the environment.
type Config struct {
	// Ranks in this process where no launcher started it: 1 to 4096. Default: GOMAXPROCS for Main, 1 for SPMD. DARRAY_RANKS.
	Ranks int

	// Rank and Size of this process in its job; Size 0 means no launcher. DARRAY_RANK, DARRAY_SIZE.
	Rank, Size int
	// Addr is rank 0's host:port (UDP): where rank 0 listens and the others dial. Empty: rank 0 takes a free port and the
	// launcher's agent tells the others. DARRAY_ADDR.
	Addr string
	// Token is the job's secret, at least 16 bytes, the same on every rank: mutual TLS is built from it. DARRAY_TOKEN, or the
	// content of the file DARRAY_TOKEN_FILE.
	Token []byte
	// Job names the job in certificates and messages. Default "darray". DARRAY_JOB.
	Job string
	// Agent is the socket of the launcher's agent on this host; empty: none. DARRAY_AGENT.
	Agent string

	// JoinTimeout limits the wait for all ranks at start. Default 60 s. DARRAY_INIT_TIMEOUT, as "90s".
	JoinTimeout time.Duration
	// PeerTimeout is the silence after which another rank is given up. Default 3 s, at least 300 ms. DARRAY_PEER_TIMEOUT.
	PeerTimeout time.Duration

	// MemoryLimit in bytes a rank: a plan that needs more is refused with ErrMemory. Default: the memory of the machine (or
	// container) that rank 0 is on, where the system tells. DARRAY_MEMORY_LIMIT, as "4GiB".
	MemoryLimit int

	// Progress, where set, is called by the driver as elements of a run are done; it must return quickly.
	Progress func(done, total int)
}

// maxRanks bounds what one process or launcher will start.
const maxRanks = 4096

// ConfigFromEnv reads the DARRAY_ variables. An error names the variable and what it may hold.
func ConfigFromEnv() (Config, error) {
	var c Config
	e := env{}
	c.Ranks = e.number("DARRAY_RANKS", 1, maxRanks)
	rank, hasRank := os.LookupEnv("DARRAY_RANK")
	_, hasSize := os.LookupEnv("DARRAY_SIZE")
	c.Size = e.number("DARRAY_SIZE", 1, maxRanks)
	c.Rank = e.number("DARRAY_RANK", 0, maxRanks-1)
	c.Addr = os.Getenv("DARRAY_ADDR")
	c.Token = e.token()
	c.Job = os.Getenv("DARRAY_JOB")
	c.Agent = os.Getenv("DARRAY_AGENT")
	c.JoinTimeout = e.duration("DARRAY_INIT_TIMEOUT")
	c.PeerTimeout = e.duration("DARRAY_PEER_TIMEOUT")
	c.MemoryLimit = e.size("DARRAY_MEMORY_LIMIT")
	switch {
	case e.err != nil:
		return Config{}, e.err
	case hasRank != hasSize:
		return Config{}, fmt.Errorf("DARRAY_RANK and DARRAY_SIZE go together: a process that knows only one of them must not guess the other")
	case hasSize && c.Rank >= c.Size:
		return Config{}, fmt.Errorf("DARRAY_RANK=%s is not below DARRAY_SIZE=%d; ranks count from 0", rank, c.Size)
	}
	return c, nil
}

// env reads variables and keeps the first error.
type env struct{ err error }

func (e *env) fail(name, value, want string) {
	if e.err == nil {
		e.err = fmt.Errorf("%s=%q: want %s", name, value, want)
	}
}

func (e *env) number(name string, lo, hi int) int {
	text, ok := os.LookupEnv(name)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		e.fail(name, text, fmt.Sprintf("a number from %d to %d", lo, hi))
	}
	return n
}

func (e *env) duration(name string) time.Duration {
	text, ok := os.LookupEnv(name)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		e.fail(name, text, `a time such as "90s"`)
	}
	return d
}

// size reads bytes with an optional unit of 1024^k.
func (e *env) size(name string) int {
	text, ok := os.LookupEnv(name)
	if !ok {
		return 0
	}
	digits, shift := text, 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if d, ok := strings.CutSuffix(text, unit); ok {
			digits, shift = strings.TrimSpace(d), 10*(i+1)
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n > 1<<62>>shift {
		e.fail(name, text, `bytes, as "4GiB" or "500000000"`)
		return 0
	}
	return n << shift
}

// token never appears in an error.
func (e *env) token() []byte {
	text := os.Getenv("DARRAY_TOKEN")
	if path := os.Getenv("DARRAY_TOKEN_FILE"); text == "" && path != "" {
		data, err := os.ReadFile(path)
		if err != nil && e.err == nil {
			e.err = fmt.Errorf("DARRAY_TOKEN_FILE: %w", err)
		}
		text = strings.TrimSpace(string(data))
	}
	return []byte(text)
}
