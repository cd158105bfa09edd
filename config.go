package darray

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/launch/detect"
	"github.com/darray-go/darray/net/quiclink"
)

// Config says where a program runs. Its zero value is one process with defaults. ConfigFromEnv fills it from the
// variables named at each field and from those of the launchers that it knows: `darray run`, Open MPI's and MPICH's mpirun,
// srun, torchrun, Kubernetes Indexed Jobs. Nothing else in the module reads the environment.
type Config struct {
	// Ranks in this process where no launcher started it: 1 to 4096. Default: 1 for SPMD; for Main GOMAXPROCS, which share one
	// device: see Default. DARRAY_RANKS.
	Ranks int

	// Rank and Size of this process in its job; Size 0 means no launcher. DARRAY_RANK, DARRAY_SIZE, or the launcher's.
	Rank, Size int
	// LocalRank counts the ranks of this host from 0; LocalSize is their number, 0 where it is not known. DARRAY_LOCAL_RANK,
	// DARRAY_LOCAL_SIZE, or the launcher's.
	LocalRank, LocalSize int
	// Launcher names what started this process, for messages; empty: nothing known. DARRAY_LAUNCHER=none ignores all of them,
	// so that this process runs alone.
	Launcher string
	// Addr is rank 0's host:port (UDP): where rank 0 listens and the others dial. A name is resolved anew at each attempt.
	// Empty: from the launcher. DARRAY_ADDR.
	Addr string
	// Token is the job's secret, at least 16 bytes, the same on every rank: mutual TLS is built from it. Empty: rank 0 makes
	// one, where the launcher has a private way to pass it on. DARRAY_TOKEN, or the content of the file DARRAY_TOKEN_FILE.
	Token []byte
	// Insecure does without a secret where ranks on several hosts have none: anyone who reaches them can be a rank.
	// DARRAY_INSECURE=1.
	Insecure bool
	// Rendezvous, as "file:/shared/x", has rank 0 pass its address and token by a file on a disk that all hosts see. It is
	// removed once all are there. DARRAY_RENDEZVOUS.
	Rendezvous string
	// Interface chooses where this rank listens: the name of a network interface, or a CIDR. Default: the one that leads to
	// rank 0. DARRAY_IFACE.
	Interface string
	// Job names the job in certificates and messages. Default: the launcher's name for it, or "darray". DARRAY_JOB.
	Job string
	// Agent is the socket of the launcher's agent on this host; empty: none. DARRAY_AGENT.
	Agent string

	// JoinTimeout limits the wait for all ranks at start. Default 60 s. DARRAY_INIT_TIMEOUT, as "90s".
	JoinTimeout time.Duration
	// PeerTimeout is the silence after which another rank is given up. Default 3 s, at least 300 ms. DARRAY_PEER_TIMEOUT.
	PeerTimeout time.Duration

	// Link is how ranks of one host reach each other: "shm", the default, by memory that they share where both can, else by
	// QUIC; "quic" always. What each pair uses stands in Stats. DARRAY_LINK.
	Link string
	// Bulk "tcp" sends payloads above 16 KiB over TCP with TLS 1.3, bound to the QUIC session: more bytes a second where
	// the network loses none. Default "", QUIC. DARRAY_BULK.
	Bulk string
	// Lanes is how many connections carry bulk: of TCP with Bulk, at least 1; else further QUIC connections for payloads of
	// 8 MiB and more, default 0. At most 16. DARRAY_LANES.
	Lanes int

	// WaitWarn is how long a rank waits in a collective, or all ranks in anything, before rank 0 says on stderr where each of
	// them is; it says so again after twice that time, four times and so on. Default 10 s; negative: never.
	// DARRAY_WAIT_WARN, as "1m", or "off".
	WaitWarn time.Duration

	// MemoryLimit in bytes a rank: a plan that needs more is refused with ErrMemory, and so is one that needs more in this
	// process than its ranks may have together beside the results that are still in use. Default: the memory of the machine (or
	// container) that rank 0 is on, where the system tells. DARRAY_MEMORY_LIMIT, as "4GiB".
	MemoryLimit int

	// CPU forces the instruction set of the kernels: "go", plain Go, "avx2" or "avx512". Default: the best that the processor
	// has. What it lacks is an error. The results are the same. DARRAY_CPU.
	CPU string

	// Device is what runs plans: "auto", the default, gives each step to the processor or to the accelerator that the program
	// has added (see Use), whatever takes less time; "cpu" uses the processor alone; "cuda" the GPU for all that it takes, and it is an error
	// where there is none; "sim" the same on a simulated one, slowly. The results are the same. DARRAY_DEVICE.
	Device string
	// SimulateCUDA has the driver of NVIDIA's GPUs simulated in software. DARRAY_CUDA=sim.
	SimulateCUDA bool

	// Progress, where set, is called by the driver as elements of a run are done; it must return quickly.
	Progress func(done, total int)

	place detect.Place // what the launcher said beyond the fields above
}

// Values of Config.Link.
const (
	linkShm  = "shm"
	linkQUIC = "quic"
)

// maxLanes is as many as quiclink takes.
const maxLanes = 16

// maxRanks bounds what one process or launcher will start.
const maxRanks = 4096

// ConfigFromEnv reads the DARRAY_ variables and the launchers'. An error names the variable and what it may hold, or the
// variables that contradict each other.
func ConfigFromEnv() (Config, error) {
	var c Config
	e := env{}
	c.Ranks = e.number("DARRAY_RANKS", 1, maxRanks)
	c.Addr = os.Getenv("DARRAY_ADDR")
	c.Token = e.token()
	c.Job = os.Getenv("DARRAY_JOB")
	c.Agent = os.Getenv("DARRAY_AGENT")
	c.Rendezvous = os.Getenv("DARRAY_RENDEZVOUS")
	c.Interface = os.Getenv("DARRAY_IFACE")
	c.Insecure = e.flag("DARRAY_INSECURE")
	c.JoinTimeout = e.duration("DARRAY_INIT_TIMEOUT")
	c.PeerTimeout = e.duration("DARRAY_PEER_TIMEOUT")
	c.Link = e.choice("DARRAY_LINK", linkShm, linkQUIC)
	c.Bulk = e.choice("DARRAY_BULK", quiclink.BulkTCP)
	c.Lanes = e.number("DARRAY_LANES", 0, maxLanes)
	c.WaitWarn = e.durationOrOff("DARRAY_WAIT_WARN")
	c.MemoryLimit = e.size("DARRAY_MEMORY_LIMIT")
	c.CPU = e.choice("DARRAY_CPU", kern.Go.String(), kern.AVX2.String(), kern.AVX512.String())
	c.Device = e.choice("DARRAY_DEVICE", deviceAuto, deviceCPU, deviceCUDA, deviceSim)
	c.SimulateCUDA = e.choice("DARRAY_CUDA", deviceSim) != ""
	if e.err != nil {
		return Config{}, e.err
	}
	place, err := detect.Find(os.LookupEnv)
	if err != nil {
		return Config{}, err
	}
	c.place = place
	c.Launcher, c.Rank, c.Size, c.LocalRank, c.LocalSize = place.Launcher, place.Rank, place.Size, place.LocalRank, place.LocalSize
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

func (e *env) flag(name string) bool {
	switch text := os.Getenv(name); text {
	case "", "0":
		return false
	case "1":
		return true
	default:
		e.fail(name, text, "0 or 1")
		return false
	}
}

// choice reads one of the words; empty is the default.
func (e *env) choice(name string, words ...string) string {
	text := os.Getenv(name)
	if text != "" && !slices.Contains(words, text) {
		e.fail(name, text, strings.Join(words, " or "))
	}
	return text
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

// durationOrOff is negative for "off".
func (e *env) durationOrOff(name string) time.Duration {
	if os.Getenv(name) == "off" {
		return -1
	}
	return e.duration(name)
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
