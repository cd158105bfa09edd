package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/darray-go/darray/internal/launch/detect"
)

// Hosts says where RunHosts starts ranks, and how it gets there. List, SSH, Remote and Dir are required.
type Hosts struct {
	List   []detect.Host
	SSH    []string // a program and arguments, to which a host and a command for its shell are added
	Remote string   // the darray command on the hosts
	Dir    string   // working directory of the ranks
	Env    []string // NAME=VALUE, for the ranks
}

// Size is the number of ranks on all hosts.
func (h Hosts) Size() int {
	n := 0
	for _, host := range h.List {
		n += host.Ranks
	}
	return n
}

// String gives the list as detect.ParseHosts reads it.
func (h Hosts) String() string {
	var items []string
	for _, host := range h.List {
		name := host.Name
		if strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
		items = append(items, fmt.Sprintf("%s:%d", name, host.Ranks))
	}
	return strings.Join(items, ",")
}

// RunHosts is Run over several hosts: ranks are dealt out in the order of the list, each host's by an agent (`darray
// agent`) that is started by ssh and ends its ranks when its connection ends. c.Ranks and c.Env are not used.
func RunHosts(ctx context.Context, c Config, h Hosts) error {
	if err := CheckRanks(h.Size()); err != nil {
		return err
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	runtime.LockOSThread() // see Run
	defer runtime.UnlockOSThread()
	j := &hostsJob{
		config: c, hosts: h, events: make(chan hostEvent), over: make(chan struct{}), sink: &sink{failed: make(chan struct{})},
	}
	id, token := randomHex(8), randomHex(32)
	first := 0
	for _, host := range h.List {
		o := order{
			Job: id, Token: token, First: first, Ranks: host.Ranks, Size: h.Size(), Argv: c.Argv, Env: h.Env, Dir: h.Dir,
			Hosts: h.String(), Prefix: c.Prefix, Input: c.Stdin != nil, Grace: int64(c.Grace),
		}
		if err := j.start(host.Name, o); err != nil {
			j.setCause(fmt.Errorf("start the agent on %s: %w", host.Name, err))
			break
		}
		first += host.Ranks
	}
	return j.wait(ctx)
}

// hostsJob is one RunHosts. Its fields belong to that goroutine; the channels and the sink are shared.
type hostsJob struct {
	config  Config
	hosts   Hosts
	agents  []*remote
	running int
	events  chan hostEvent
	sink    *sink
	over    chan struct{} // closed when nobody handles events any more
	joined  bool
	first   *remote // the one whose rank was the first to fail; what follows elsewhere is not the cause
	cause   error   // why the job ends, where it does not by itself
}

// remote is the connection to one host's agent.
type remote struct {
	host   string
	order  order
	cmd    *exec.Cmd
	send   chan frame // what to tell it, in order; closed when its connection ended
	stderr tail
	done   bool // its ranks have ended
	ended  bool // nothing more is to be told to it
}

// hostEvent is a frame of an agent, or the end of its connection.
type hostEvent struct {
	from  *remote
	frame frame
	ended bool
	err   error // why, where it was not in order
}

// start starts ssh and what speaks with it.
func (j *hostsJob) start(host string, o order) error {
	r := &remote{host: host, order: o, send: make(chan frame, o.Size+64)}
	argv := append(append([]string{}, j.hosts.SSH...), host, "exec "+quote(j.hosts.Remote)+" agent")
	path, err := lookPath(argv[0])
	if err != nil {
		return err
	}
	r.cmd = &exec.Cmd{Path: path, Args: argv}
	own(r.cmd)
	r.cmd.Stderr = tailed{&r.stderr, j.sink, j.config.Stderr}
	r.cmd.WaitDelay = j.config.Grace
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	j.agents = append(j.agents, r)
	j.running++
	go r.talk(in)
	go j.listen(r, out)
	r.send <- frame{message: message{Kind: "job"}, Order: &o}
	return nil
}

// quote makes one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// talk writes what is to be told. Where that fails, listen sees the connection's end.
func (r *remote) talk(in io.WriteCloser) {
	defer in.Close()
	out := &frameWriter{w: in}
	for f := range r.send {
		if out.write(f) != nil {
			break
		}
	}
	for range r.send { // until it is closed
	}
}

// tell never blocks: there is room for all that a job may have to say; an agent that is so far behind is given up.
func (r *remote) tell(f frame) {
	if r.ended {
		return
	}
	select {
	case r.send <- f:
	default:
		signalGroup(r.cmd.Process, os.Kill)
	}
}

// tailed keeps the last lines of what ssh says and passes it on.
type tailed struct {
	tail *tail
	sink *sink
	w    io.Writer
}

func (t tailed) Write(b []byte) (int, error) {
	t.tail.add(b)
	t.sink.write(t.w, b)
	return len(b), nil
}

// maxGreeting bounds the lines that a host's shell may print before its agent speaks.
const maxGreeting = 100

// listen reads one agent to its end.
func (j *hostsJob) listen(r *remote, out io.Reader) {
	in := newFrameReader(out)
	err := j.greet(r, in)
	var asked chan struct{}
	if err == nil && j.config.Stdin != nil && r.order.First == 0 {
		asked = make(chan struct{}, 1)
		go j.feed(r, asked)
		asked <- struct{}{}
	}
	for err == nil {
		var f frame
		if f, err = in.next(); err != nil {
			break
		}
		switch {
		case f.Kind == "output":
			j.sink.write(j.streamOf(f.Stream), f.Data)
		case f.Kind == "more" && asked != nil:
			select {
			case asked <- struct{}{}:
			default:
			}
		default:
			j.events <- hostEvent{from: r, frame: f}
		}
	}
	if asked != nil {
		close(asked)
	}
	if !errors.Is(err, io.EOF) {
		signalGroup(r.cmd.Process, os.Kill)
	}
	waited := r.cmd.Wait()
	signalGroup(r.cmd.Process, os.Kill)
	if errors.Is(err, io.EOF) {
		err = waited
	}
	j.events <- hostEvent{from: r, ended: true, err: err}
}

func (j *hostsJob) streamOf(number int) io.Writer {
	if number == 2 {
		return j.config.Stderr
	}
	return j.config.Stdout
}

// greet waits for the agent's first word.
func (j *hostsJob) greet(r *remote, in *frameReader) error {
	for range maxGreeting {
		line, err := in.readLine()
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(line, []byte(`{"kind":"hello"`)) {
			j.sink.write(j.config.Stderr, line)
			continue
		}
		f, err := parseFrame(line)
		if err == nil && f.Text != protocol {
			err = fmt.Errorf("%s there speaks %q, this is %q; install the same version", j.hosts.Remote, f.Text, protocol)
		}
		return err
	}
	return fmt.Errorf("%d lines, and none of them darray's", maxGreeting)
}

// feed passes the input on, a piece each time the agent asks: what rank 0 does not read stays here. It ends with the
// input, or at the first piece after the agent ended: a read of a terminal cannot be called off.
func (j *hostsJob) feed(r *remote, asked <-chan struct{}) {
	buf := make([]byte, maxChunk)
	for range asked {
		n, err := j.config.Stdin.Read(buf)
		j.pass(r, buf[:n])
		if err != nil && n > 0 {
			if _, more := <-asked; !more {
				return
			}
			j.pass(r, nil)
		}
		if err != nil {
			return
		}
	}
}

// pass makes an event of it, as only the job's goroutine speaks with agents.
func (j *hostsJob) pass(r *remote, b []byte) {
	select {
	case j.events <- hostEvent{from: r, frame: frame{message: message{Kind: "input"}, Data: bytes.Clone(b)}}:
	case <-j.over:
	}
}
