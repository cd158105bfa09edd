// Package rendezvous decides how the ranks of a job find rank 0 and come to share a secret, from what their launcher tells
// them: by an address and a token that are given, or by a private channel of the launcher's or the host's over which
// rank 0 passes both. It opens no network socket itself.
package rendezvous

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/darray-go/darray/internal/launch/detect"
)

// MinToken is the least length of a job's token in bytes.
const MinToken = 16

// Channel passes rank 0's note to the other ranks of the job and to nobody else. Rank 0 calls Publish once, the others
// Await; both block until the note is on its way, or ctx ends. Close leaves nothing behind; safe twice.
type Channel interface {
	Publish(ctx context.Context, n Note) error
	Await(ctx context.Context) (Note, error)
	Describe() string // for messages: "the launcher's PMI store"
	Close() error
}

// Config is what a process knows. The zero value of every field but Place works.
type Config struct {
	Place     detect.Place
	Addr      string  // host:port of rank 0, where the user gives one
	Token     []byte  // the job's secret, where the user gives one
	Job       string  // the job's name, where the user gives one
	File      string  // "file:PATH", where the user wants a file on a shared disk
	Interface string  // name or CIDR of the interface to use
	Insecure  bool    // do without a secret
	Agent     Channel // the channel of `darray run`, which has passed the token already
}

// Meeting is how this rank finds the others. Rank 0: listen on Listen, Publish, join, Close. The others: Await, listen on
// what ListenFor gives, join, Close.
type Meeting struct {
	Job     string // names the job in certificates; the same on all ranks
	Token   []byte // on the others, empty until Await
	Root    string // rank 0's address where it is known beforehand, else empty
	Listen  string // where rank 0 listens
	Warning string // for the user, on rank 0; empty: none

	config  Config
	channel Channel
	iface   netip.Addr
	hint    string // what a failure to listen on Root should say
}

// Plan chooses the means. An error says what to set where there is none that is safe.
func Plan(c Config) (*Meeting, error) {
	m := &Meeting{Job: c.Job, Token: c.Token, Root: c.Addr, config: c}
	if m.Job == "" {
		m.Job = c.Place.Job
	}
	if m.Root == "" {
		m.Root, m.hint = c.Place.Root, c.Place.RootFrom
	}
	if len(c.Token) > 0 && len(c.Token) < MinToken {
		return nil, fmt.Errorf("the job's token has %d bytes; give every rank the same %d or more, secret and random, by "+
			"DARRAY_TOKEN or DARRAY_TOKEN_FILE", len(c.Token), MinToken)
	}
	if c.Interface != "" {
		var err error
		if m.iface, err = interfaceAddr(c.Interface); err != nil {
			return nil, err
		}
	}
	if err := m.choose(); err != nil {
		return nil, err
	}
	if m.Job == "" {
		m.Job = "darray"
	}
	if len(m.Token) == 0 && c.Place.Rank == 0 {
		m.Token = make([]byte, 32)
		_, _ = rand.Read(m.Token) // never fails: crypto/rand ends the program where the system has no randomness
	}
	var err error
	m.Listen, err = m.listen()
	return m, err
}

// choose finds the channel, or does without one.
func (m *Meeting) choose() error {
	c, p := m.config, m.config.Place
	complete := m.Root != "" && len(m.Token) > 0
	switch path, isFile := strings.CutPrefix(c.File, "file:"); {
	case c.File != "" && (!isFile || path == ""):
		return fmt.Errorf("DARRAY_RENDEZVOUS=%q: want file:PATH, a file on a disk that all hosts of the job see", c.File)
	case isFile && m.Job == "":
		return errors.New("DARRAY_RENDEZVOUS: this launcher does not name its jobs, so that a file of an old run could not be told " +
			"from this one's; set DARRAY_JOB to something new for each run")
	case isFile:
		m.channel = &shared{path: path, job: fmt.Sprintf("%s of %d ranks", m.Job, p.Size)}
		m.forget()
	case c.Agent != nil:
		m.channel = c.Agent
	case complete && (c.Addr != "" || p.PMIFD < 0 && !p.OneHost()):
	case p.PMIFD >= 0:
		m.channel = &pmi{fd: p.PMIFD, rank: p.Rank, size: p.Size}
		m.forget()
	case p.OneHost() && m.Job != "":
		m.channel = &local{key: fmt.Sprintf("%s of %d ranks", m.Job, p.Size)}
		m.forget()
	case m.Root == "":
		return errors.New(noAddress(p))
	case len(m.Token) > 0:
	case isLoopback(m.Root):
		m.channel = &local{key: fmt.Sprintf("%s %s of %d ranks", m.Job, m.Root, p.Size)}
	case c.Insecure:
		sum := sha256.Sum256([]byte("darray, insecurely " + m.Job + " " + m.Root))
		m.Token = sum[:]
		if p.Rank == 0 {
			m.Warning = fmt.Sprintf("DARRAY_INSECURE=1: whoever reaches %s and knows how this job is called can be a rank of it", m.Root)
		}
	default:
		return errors.New(noToken(p, m.Root))
	}
	return nil
}

// forget drops an address that was only worked out: over a channel rank 0 passes the one that it really has.
func (m *Meeting) forget() {
	if m.config.Addr == "" {
		m.Root, m.hint = "", ""
	}
}

func isLoopback(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	ip, ipErr := netip.ParseAddr(host)
	return err == nil && port != "0" && (host == "localhost" || ipErr == nil && ip.IsLoopback())
}

// noAddress says what each launcher's user can do where nothing leads to rank 0.
func noAddress(p detect.Place) string {
	const file = "DARRAY_RENDEZVOUS=file:PATH (a disk that all hosts see)"
	const addr = "DARRAY_ADDR=HOST:PORT (rank 0's host) with DARRAY_TOKEN_FILE"
	switch p.Launcher {
	case detect.OpenMPI:
		return "Open MPI gives the ranks of several hosts no address of rank 0: pass one by mpirun -x " + file + ", or " + addr
	case detect.PMI:
		return "PMI_RANK is set and PMI_FD is not, so that there is no way to rank 0: set " + file + ", or " + addr
	case detect.Kubernetes:
		return "rank 0's address is not known: name the headless Service by DARRAY_SERVICE, or set DARRAY_ADDR=JOB-0.SERVICE:PORT"
	}
	return "rank 0's address is not known: set DARRAY_ADDR=host:port on every rank, or start with `darray run`"
}

func noToken(p detect.Place, root string) string {
	text := "rank 0 is at " + root + ", which is not this host alone, and the ranks share no token: give all of them " +
		"DARRAY_TOKEN_FILE (a file of 16 random bytes or more that only you can read) or DARRAY_TOKEN"
	if p.Launcher == detect.Slurm {
		text += "; or start with srun --mpi=pmi2, by which rank 0 passes one itself"
	}
	return text + "; DARRAY_INSECURE=1 does without"
}

// listen is where rank 0 listens. A name stands for every interface: what it means to other hosts may be a loopback
// address here.
func (m *Meeting) listen() (string, error) {
	host, port := "", "0"
	if m.Root != "" {
		var err error
		if host, port, err = net.SplitHostPort(m.Root); err != nil {
			return "", fmt.Errorf("rank 0's address %q: want host:port: %w", m.Root, err)
		}
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case m.iface.IsValid():
		ip = m.iface
	case m.Root == "" && m.config.Place.OneHost(), host == "localhost":
		ip = loopback
	case err != nil:
		ip = anyAddr()
	}
	return net.JoinHostPort(ip.String(), port), nil
}

// ListenFor is where a rank other than 0 listens: at any port of the kind of interface that leads to root.
func (m *Meeting) ListenFor(root string) string {
	ip := m.iface
	if !ip.IsValid() {
		first, _, _ := strings.Cut(root, ",")
		host, _, _ := net.SplitHostPort(first)
		addr, err := netip.ParseAddr(host)
		switch {
		case host == "localhost" || err == nil && addr.IsLoopback() && addr.Is4():
			ip = loopback
		case err == nil && addr.Is6():
			ip = netip.IPv6Unspecified()
		default:
			ip = anyAddr()
		}
	}
	return net.JoinHostPort(ip.String(), "0")
}

// Publish is called by rank 0 once it listens on addr. It returns where that is to other hosts, for messages.
func (m *Meeting) Publish(ctx context.Context, addr string) (string, error) {
	at := Reachable(addr)
	if err := m.PublishAll(ctx, at); err != nil {
		return "", err
	}
	return strings.Join(at, ", "), nil
}

// PublishAll is Publish where all addresses of rank 0 are known.
func (m *Meeting) PublishAll(ctx context.Context, addrs []string) error {
	n := Note{Addrs: addrs}
	if m.Root != "" {
		n.Addrs = []string{m.Root}
	}
	if len(m.config.Token) == 0 {
		n.Token = m.Token
	}
	if m.channel == nil {
		return nil
	}
	if err := m.channel.Publish(ctx, n); err != nil {
		return fmt.Errorf("rank 0 passes its address on by %s: %w", m.channel.Describe(), err)
	}
	return nil
}

// Await is called by the others; after it Token is set. It returns rank 0's addresses, with commas between them.
func (m *Meeting) Await(ctx context.Context) (string, error) {
	if m.channel == nil || m.Root != "" && len(m.Token) > 0 {
		return m.Root, nil
	}
	n, err := m.channel.Await(ctx)
	if err != nil {
		return "", fmt.Errorf("rank %d waits for rank 0's address by %s: %w", m.config.Place.Rank, m.channel.Describe(), err)
	}
	if len(m.Token) == 0 {
		m.Token = n.Token
	}
	switch {
	case len(m.Token) < MinToken:
		return "", errors.New("rank 0 passes no token: it was given one by DARRAY_TOKEN, which this rank was not")
	case m.Root != "":
		return m.Root, nil
	case len(n.Addrs) == 0:
		return "", errors.New("rank 0 passes no address: it has no network interface that is up")
	}
	return strings.Join(n.Addrs, ","), nil
}

// Channel describes what Await waits on; empty where it does not wait.
func (m *Meeting) Channel() string {
	if m.channel == nil {
		return ""
	}
	return m.channel.Describe()
}

// Explain adds to an error of listening what to do about an address that nobody chose.
func (m *Meeting) Explain(err error) error {
	if err == nil || m.hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, m.hint)
}

// Close ends the channel; nothing is left of it.
func (m *Meeting) Close() error {
	if m.channel == nil {
		return nil
	}
	return m.channel.Close()
}
