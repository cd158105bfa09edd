package rendezvous

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// pmi passes the note by the key-value store of the launcher, in the text protocol PMI-1 over a socket inherited from it:
//
//	every rank but 0   puts a public key
//	all                meet at a fence
//	rank 0             puts its address, its public key, and the token sealed for each rank
//	all                meet at a fence
//	every rank but 0   gets these
//
// MPICH's hydra and Slurm's pmi2 plugin both speak PMI-1; PMI-2 adds nothing that is needed here. Afterwards the socket is
// given back (finalize), so that the launcher takes the process for one that may end as it likes.
type pmi struct {
	fd         int
	rank, size int

	conn  net.Conn
	in    *bufio.Reader
	space string // the name of this job's store
}

// The names in the store; a rank's number follows where there is one a rank.
const (
	pmiRoot  = "darray-root"
	pmiKey   = "darray-key-"
	pmiToken = "darray-token-"
)

// maxPMILine bounds an answer in bytes: names and values have at most 1024.
const maxPMILine = 4096

func (p *pmi) Describe() string { return "the launcher's PMI store" }

func (p *pmi) Publish(ctx context.Context, n Note) error {
	text, err := Note{Addrs: n.Addrs}.encode()
	if err != nil {
		return err
	}
	key, public, err := newKey()
	if err != nil {
		return err
	}
	return p.session(ctx, func() error {
		if err := p.fence(); err != nil {
			return err
		}
		for r := 1; r < p.size; r++ {
			theirs, err := p.get(pmiKey + strconv.Itoa(r))
			if err != nil {
				return err
			}
			sealed, err := seal(key, theirs, p.space, r, n.Token)
			if err != nil {
				return err
			}
			if err := p.put(pmiToken+strconv.Itoa(r), sealed); err != nil {
				return err
			}
		}
		return errors.Join(p.put(pmiKey+"0", public), p.put(pmiRoot, text), p.fence())
	})
}

func (p *pmi) Await(ctx context.Context) (n Note, err error) {
	key, public, err := newKey()
	if err != nil {
		return Note{}, err
	}
	err = p.session(ctx, func() error {
		if err := errors.Join(p.put(pmiKey+strconv.Itoa(p.rank), public), p.fence(), p.fence()); err != nil {
			return err
		}
		text, err := p.get(pmiRoot)
		if err != nil {
			return err
		}
		if n, err = decodeNote(text); err != nil {
			return err
		}
		theirs, err := p.get(pmiKey + "0")
		if err != nil {
			return err
		}
		sealed, err := p.get(pmiToken + strconv.Itoa(p.rank))
		if err != nil {
			return err
		}
		n.Token, err = unseal(key, theirs, p.space, p.rank, sealed)
		return err
	})
	return n, err
}

func (p *pmi) put(key, value string) error {
	_, err := p.ask("put kvsname="+p.space+" key="+key+" value="+value, "put_result")
	return err
}

func (p *pmi) get(key string) (string, error) {
	answer, err := p.ask("get kvsname="+p.space+" key="+key, "get_result")
	return answer["value"], err
}

// fence returns when all ranks are there; what was put before it can be got after it.
func (p *pmi) fence() error {
	_, err := p.ask("barrier_in", "barrier_out")
	return err
}

// session runs body between init and finalize. It ends with ctx.
func (p *pmi) session(ctx context.Context, body func() error) (err error) {
	if p.conn, err = inherited(p.fd); err != nil {
		return fmt.Errorf("PMI_FD=%d: %w; what was started between the launcher and this program must leave it open, or set DARRAY_ADDR and DARRAY_TOKEN", p.fd, err)
	}
	defer func() { err = errors.Join(err, p.conn.Close()) }()
	defer context.AfterFunc(ctx, func() { _ = p.conn.SetDeadline(time.Unix(1, 0)) })()
	p.in = bufio.NewReaderSize(p.conn, maxPMILine)
	if err = p.open(); err == nil {
		err = body()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%w: a rank has not come to the launcher's fence; did one end, or is one a program that does not call darray?",
			context.Cause(ctx))
	case err != nil:
		return err
	}
	_, err = p.ask("finalize", "finalize_ack")
	return err
}

func (p *pmi) open() error {
	if _, err := p.ask("init pmi_version=1 pmi_subversion=1", "response_to_init"); err != nil {
		return err
	}
	maxes, err := p.ask("get_maxes", "maxes")
	if err != nil {
		return err
	}
	if most, err := strconv.Atoi(maxes["vallen_max"]); err != nil || most < maxNote {
		return fmt.Errorf("the launcher's store keeps values of %q bytes, less than %d", maxes["vallen_max"], maxNote)
	}
	name, err := p.ask("get_my_kvsname", "my_kvsname")
	if err != nil {
		return err
	}
	if p.space = name["kvsname"]; p.space == "" {
		return errors.New("the launcher's store has no name")
	}
	return nil
}

// ask sends one command and reads its answer.
func (p *pmi) ask(command, want string) (map[string]string, error) {
	verb, _, _ := strings.Cut(command, " ")
	if _, err := p.conn.Write([]byte("cmd=" + command + "\n")); err != nil {
		return nil, fmt.Errorf("PMI %s: %w", verb, err)
	}
	line, err := readLine(p.in)
	if err != nil {
		return nil, fmt.Errorf("PMI %s: %w", verb, err)
	}
	answer, err := parsePMI(line)
	switch rc := answer["rc"]; {
	case err != nil:
		return nil, fmt.Errorf("PMI %s: %w", verb, err)
	case answer["cmd"] != want:
		return nil, fmt.Errorf("PMI %s: the launcher answers %q, want %s", verb, answer["cmd"], want)
	case rc != "" && rc != "0":
		return nil, fmt.Errorf("PMI %s: the launcher refuses (rc %q, %q)", verb, rc, answer["msg"])
	}
	return answer, nil
}

// parsePMI reads "cmd=NAME key=value ...".
func parsePMI(line string) (map[string]string, error) {
	answer := make(map[string]string)
	for _, field := range strings.Fields(line) {
		key, value, found := strings.Cut(field, "=")
		if !found || key == "" {
			return nil, fmt.Errorf("%q is no key=value", field)
		}
		if _, twice := answer[key]; twice {
			return nil, fmt.Errorf("%s is there twice", key)
		}
		answer[key] = value
	}
	if answer["cmd"] == "" {
		return nil, errors.New("an answer without cmd")
	}
	return answer, nil
}

func (p *pmi) Close() error { return nil }
