//go:build linux

package chaos_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// programs are the files that a job is made of.
type programs struct {
	rank   string // this one
	darray string
	ssh    string // in its place: a session of its own on a pretended host, which ends only as its input does
}

// build makes them, once for all tests.
func build(t *testing.T) programs {
	t.Helper()
	dir := os.Getenv(builtEnv)
	p := programs{darray: filepath.Join(dir, "darray"), ssh: filepath.Join(dir, "ssh")}
	var err error
	if p.rank, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.ssh); err == nil {
		return p
	}
	if out, err := exec.Command("go", "build", "-o", p.darray, "github.com/darray-go/darray/cmd/darray").CombinedOutput(); err != nil {
		t.Fatalf("build darray: %v\n%s", err, out)
	}
	text := "#!/bin/sh\ncat | setsid " + path("on") + ` "${1#darray-h}" sh -c "$2" | cat` + "\n"
	if err := os.WriteFile(p.ssh, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

// job is ranks on two pretended hosts.
type job struct {
	net    *network
	ranks  [2]int   // on each host
	env    []string // of every process
	tmp    string   // their temporary directory
	events chan event
	exits  chan exit
	stderr lockedBuffer

	cmds    []*exec.Cmd
	ended   chan error // one a command
	reading sync.WaitGroup
	watches sync.WaitGroup
	pids    map[int]int // by rank, of those that have joined; the goroutine of the caller's
}

// exit is the end of a rank's process.
type exit struct {
	rank int
	at   time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newJob(n *network, ranks [2]int, id, role string, env ...string) (*job, error) {
	tmp, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return nil, err
	}
	j := &job{
		net: n, ranks: ranks, tmp: tmp, events: make(chan event, 64), exits: make(chan exit, 64), ended: make(chan error, 8), pids: make(map[int]int),
	}
	j.env = append(clean(), n.env...)
	j.env = append(j.env, "TMPDIR="+tmp, roleEnv+"="+role, runEnv+"="+id, "GORACE=atexit_sleep_ms=0", "DARRAY_INIT_TIMEOUT=30s")
	j.env = append(j.env, env...)
	return j, nil
}

func (j *job) size() int { return j.ranks[0] + j.ranks[1] }

// hostOf is 1 or 2.
func (j *job) hostOf(rank int) int {
	if rank < j.ranks[0] {
		return 1
	}
	return 2
}

// launch starts the job by `darray run`.
func (j *job) launch(p programs) error {
	list := fmt.Sprintf("darray-h1:%d,darray-h2:%d", j.ranks[0], j.ranks[1])
	return j.start(nil, p.darray, "run", "--ssh", p.ssh, "--hosts", list, p.rank)
}

// direct starts each rank by itself.
func (j *job) direct(p programs) error {
	for r := range j.size() {
		env := []string{
			fmt.Sprintf("DARRAY_RANK=%d", r), fmt.Sprintf("DARRAY_SIZE=%d", j.size()),
			"DARRAY_ADDR=10." + j.net.id + ".0.1:7777", "DARRAY_TOKEN=" + strings.Repeat("secret, not quite ", 2),
		}
		if err := j.start(env, path("on"), fmt.Sprint(j.hostOf(r)), p.rank); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) start(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(append([]string{}, j.env...), env...)
	cmd.Stderr = &j.stderr
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	j.cmds = append(j.cmds, cmd)
	j.reading.Go(func() {
		j.read(out)
		j.ended <- cmd.Wait()
	})
	return nil
}

// read takes in what ranks print.
func (j *job) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintf(&j.stderr, "a line that is no event: %s\n", lines.Text())
			continue
		}
		j.events <- e
	}
}

// watch reports the end of a process that need not be a child.
func (j *job) watch(rank, pid int) error {
	j.pids[rank] = pid
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		j.exits <- exit{rank, time.Now()}
		return nil
	}
	if err != nil {
		return fmt.Errorf("watch rank %d: %w", rank, err)
	}
	j.watches.Go(func() {
		defer unix.Close(fd)
		for {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		j.exits <- exit{rank, time.Now()}
	})
	return nil
}

// end kills what is left of the job, and returns what should not have been.
func (j *job) end() (left []string, err error) {
	mark := j.mark()
	left = settle(func() []string { return processes(mark) })
	for _, l := range left {
		var pid int
		if _, err := fmt.Sscanf(l, "process %d:", &pid); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	go func() { // what was under way as the job ended
		for range j.events {
		}
	}()
	j.reading.Wait()
	j.watches.Wait()
	close(j.events)
	sockets, err := j.net.sockets()
	files, _ := filepath.Glob(filepath.Join(j.tmp, "*"))
	shm, _ := filepath.Glob("/dev/shm/*darray*")
	return append(append(append(left, sockets...), files...), shm...), errors.Join(err, os.RemoveAll(j.tmp))
}

func (j *job) mark() string {
	for _, kv := range j.env {
		if strings.HasPrefix(kv, runEnv+"=") {
			return kv
		}
	}
	return ""
}

// settle looks until there is nothing, at most some seconds.
func settle(look func() []string) (left []string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(3 * time.Second)
	for {
		if left = look(); len(left) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit:
			return left
		}
	}
}
