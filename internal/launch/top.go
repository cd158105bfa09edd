package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/darray-go/darray/internal/launch/socket"
	"github.com/darray-go/darray/net/comm"
)

// Row says where a rank is.
type Row struct {
	Rank, PID int
	Host      string
	State     string          // why there are no positions: "has not joined", "does not answer", "has ended"
	At        []comm.Position // as comm.Comm.Positions
}

// Job is a running job of this user on this host.
type Job struct {
	PID     int    // of the launcher
	Socket  string // of its agent
	Ranks   int
	Command string // the program and its arguments, cut where they are long
}

const (
	// answerLimit is how long a rank has to say where it is.
	answerLimit = time.Second
	maxPlaces   = 12  // positions of a rank that are told; a line holds them
	maxCommand  = 400 // bytes
)

// errShown ends a connection that was shown where the ranks are.
var errShown = errors.New("shown")

// here is a rank's answer.
type here struct {
	rank int
	at   []comm.Position
	text string
}

// Answer makes the rank say where it is when the launcher asks; where must not block.
func (a *Agent) Answer(where func() []comm.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.where = where
}

// answer says where the rank is.
func (a *Agent) answer(question message) {
	a.mu.Lock()
	where := a.where
	a.mu.Unlock()
	m := message{Kind: "here", Nonce: question.Nonce}
	if where == nil {
		m.Text = "is joining"
	} else if m.At = where(); len(m.At) > maxPlaces {
		m.At = append(m.At[:maxPlaces-1:maxPlaces-1], m.At[len(m.At)-1])
	}
	for a.send(m) != nil && len(m.At) > 1 { // more than a line holds
		m.At = m.At[:len(m.At)/2]
	}
}

func (s *agentServer) setCommand(argv []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.command = strings.Join(argv, " ")
}

// where asks the ranks of this host where they are.
func (s *agentServer) where() []Row {
	host, _ := os.Hostname()
	id := randomHex(8)
	answers := make(chan here, s.ranks)
	rows := make([]Row, s.ranks)
	s.mu.Lock()
	s.asked[id] = answers
	waiting := 0
	for i := range rows {
		rank := s.part.first + i
		rows[i] = Row{Rank: rank, Host: host, State: "has not joined"}
		m := s.members[rank]
		switch {
		case s.ended[rank]:
			rows[i].State = "has ended"
		case m == nil:
		default:
			rows[i].PID, rows[i].State = m.pid, "does not answer"
			tell(m, message{Kind: "where", Nonce: id})
			waiting++
		}
	}
	s.mu.Unlock()
	limit := time.NewTimer(answerLimit)
	defer limit.Stop()
	for late := false; waiting > 0 && !late; waiting-- {
		select {
		case h := <-answers:
			row := &rows[h.rank-s.part.first]
			row.At, row.State = h.at, h.text
		case <-limit.C:
			late = true
		}
	}
	s.mu.Lock()
	delete(s.asked, id)
	s.mu.Unlock()
	return rows
}

// hear takes in a rank's answer.
func (s *agentServer) hear(rank int, m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answers := s.asked[m.Nonce]; answers != nil {
		select {
		case answers <- here{rank, m.At[:min(len(m.At), maxPlaces)], m.Text}:
		default: // it has answered before
		}
	}
}

// show tells a process of this user where the ranks are.
func (s *agentServer) show(conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	s.mu.Lock()
	command := s.command[:min(len(s.command), maxCommand)]
	s.mu.Unlock()
	if err := writeMessage(conn, message{Kind: "job", PID: os.Getpid(), Size: s.ranks, Text: command}); err != nil {
		return err
	}
	for _, r := range s.where() {
		if err := writeMessage(conn, message{Kind: "row", Rank: r.Rank, PID: r.PID, Addr: r.Host, Text: r.State, At: r.At}); err != nil {
			return err
		}
	}
	if err := writeMessage(conn, message{Kind: "end"}); err != nil {
		return err
	}
	return errShown
}

// Jobs finds the running jobs of this user on this host.
func Jobs(ctx context.Context) ([]Job, error) {
	sockets, err := agentSockets()
	if err != nil {
		return nil, fmt.Errorf("look for running jobs: %w", err)
	}
	var jobs []Job
	for _, addr := range sockets {
		if job, _, err := ask(ctx, addr, false); err == nil { // else it is another user's, or has just ended
			jobs = append(jobs, job)
		}
	}
	slices.SortFunc(jobs, func(a, b Job) int { return a.PID - b.PID })
	return jobs, nil
}

// Top asks the launcher behind a socket (Job.Socket) where its ranks are. It takes a second where one does not answer.
func Top(ctx context.Context, addr string) (Job, []Row, error) { return ask(ctx, addr, true) }

func ask(ctx context.Context, addr string, rows bool) (Job, []Row, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", addr)
	if err != nil {
		return Job{}, nil, err
	}
	defer conn.Close()
	if err := socket.CheckPeer(conn); err != nil {
		return Job{}, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	in := newMessages(conn)
	if m, err := in.next(); err != nil || m.Kind != "challenge" {
		return Job{}, nil, errors.Join(errors.New("what answers is no launcher"), err)
	}
	if err := writeMessage(conn, message{Kind: "top"}); err != nil {
		return Job{}, nil, err
	}
	m, err := in.next()
	if err == nil && m.Kind != "job" {
		err = fmt.Errorf("the launcher answers %q: %s", m.Kind, m.Text)
	}
	if err == nil {
		err = CheckRanks(m.Size)
	}
	if err != nil {
		return Job{}, nil, err
	}
	job := Job{PID: m.PID, Socket: addr, Ranks: m.Size, Command: m.Text}
	var table []Row
	for rows && len(table) < job.Ranks {
		m, err := in.next()
		if err != nil {
			return job, table, err
		}
		if m.Kind != "row" {
			return job, table, fmt.Errorf("the launcher says %q after %d of %d ranks", m.Kind, len(table), job.Ranks)
		}
		table = append(table, Row{Rank: m.Rank, PID: m.PID, Host: m.Addr, State: m.Text, At: m.At})
	}
	return job, table, nil
}

// WriteTable prints rows, a line for each place that a rank is in.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "RANK\tHOST\tPID\tIN\tFOR\tAT")
	for _, r := range rows {
		line := func(in, how, at string) {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Rank, r.Host, dash(r.PID), in, how, at)
		}
		if r.State != "" {
			line(r.State, "-", "-")
			continue
		}
		waits := false
		for _, p := range r.At {
			waits = waits || p.Blocked && !p.Ended
			in, took := p, p.Waited.Round(100*time.Millisecond).String()
			in.Site = ""
			switch {
			case !p.Ended && p.Blocked && p.Seq > 0 && p.Peer >= 0:
				line(fmt.Sprintf("%v, waits for %d", in, p.Peer), took, p.Site)
			case !p.Ended && p.Blocked:
				line(in.String(), took, p.Site)
			case !p.Ended:
				line(in.String()+", under way", took, p.Site)
			case !waits:
				line(fmt.Sprintf("none, last in %v", in), took, p.Site)
				waits = true
			}
		}
		if !waits {
			line("none", "-", "-")
		}
	}
	return t.Flush()
}

func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// show prints on stderr where the ranks are.
func (j *job) show() {
	j.copies.Go(func() {
		var text strings.Builder
		_ = WriteTable(&text, j.agent.where()) // a Builder takes all
		j.sink.write(j.config.Stderr, []byte(text.String()))
	})
}
