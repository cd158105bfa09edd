package comm

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Position says where a rank is: an operation that it has begun and that has not ended. Ranks in it are those of the job,
// as in a RankError.
type Position struct {
	Op      string        // the Go function, as "Recv" or "Allreduce"
	Peer    int           // the rank that it waits for; -1: any, none, or several
	Tag     int           // of a message; AnyTag
	Seq     uint64        // which collective of its communicator, from 1; 0: not a collective
	Size    int           // ranks of the communicator, where these are not all ranks of the job; else 0
	Members []int         // the first of them, at most 16
	Site    string        // where the program called it, as "main.go:42"; empty where that is not known (yet)
	Waited  time.Duration // how long, give or take a quarter of a second; Ended: since when
	Blocked bool          // a goroutine of the program waits in it; false: it is under way beside the program
	Ended   bool          // it is over: the latest collective, for a rank that is in none
}

// maxNamed is how many members of a communicator are named.
const maxNamed = 16

// String reads "Recv from 3 tag 5 (main.go:57)", "Allreduce #17 (main.go:42)", "Bcast #2 of ranks 0, 2 and 5 (main.go:9)".
func (p Position) String() string {
	text := p.Op
	switch {
	case p.Seq > 0:
		text += fmt.Sprintf(" #%d", p.Seq)
	default:
		text += " " + p.message()
	}
	if p.Size > 0 {
		text += " of " + communicator(p.Members, p.Size)
	}
	if p.Site != "" {
		text += " (" + p.Site + ")"
	}
	return text
}

// message is "from 3 tag 5".
func (p Position) message() string {
	way, peer, tag := "from", "any", "any tag"
	if strings.Contains(strings.ToLower(p.Op), "send") {
		way = "to"
	}
	if p.Peer >= 0 {
		peer = fmt.Sprint(p.Peer)
	}
	if p.Tag != AnyTag {
		tag = fmt.Sprintf("tag %d", p.Tag)
	}
	return way + " " + peer + " " + tag
}

// communicator is "ranks 0, 2 and 5".
func communicator(members []int, size int) string {
	if more := size - len(members); more > 0 {
		return fmt.Sprintf("%s and %d more", ranksOf(members), more)
	}
	return ranksOf(members)
}

// ranksOf is "rank 1", "ranks 1, 3-7 and 9"; of many it names the first.
func ranksOf(ranks []int) string {
	const few = 8 // runs
	var runs []string
	named := 0
	for i := 0; i < len(ranks) && len(runs) < few; {
		j := i + 1
		for j < len(ranks) && ranks[j] == ranks[j-1]+1 {
			j++
		}
		switch {
		case j-i > 2:
			runs = append(runs, fmt.Sprintf("%d-%d", ranks[i], ranks[j-1]))
		default:
			j = i + 1
			runs = append(runs, fmt.Sprint(ranks[i]))
		}
		named, i = j, j
	}
	if more := len(ranks) - named; more > 0 {
		runs = append(runs, fmt.Sprintf("%d more", more))
	}
	noun := "ranks "
	if len(ranks) == 1 {
		noun = "rank "
	}
	last := len(runs) - 1
	if last < 1 {
		return noun + strings.Join(runs, "")
	}
	return noun + strings.Join(runs[:last], ", ") + " and " + runs[last]
}

// Positions returns where this rank is, in all its communicators, the longest wait first. At the end stands the collective
// that ended last, if any did (Ended). It does not block, and may be called from any goroutine at any time.
func (c *Comm) Positions() []Position {
	records := c.m.box.positions(time.Now())
	all := make([]Position, len(records))
	for i, r := range records {
		all[i] = r.position()
	}
	return all
}

// record is a Position as it travels: the site is a number.
type record struct {
	Position
	site site
}

func (r record) position() Position {
	r.Site = r.site.String()
	return r.Position
}

// positions lists what this rank is in.
func (b *mailbox) positions(now time.Time) []record {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []record
	var last record
	var lastAt time.Time
	since := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0 // the watch has not seen it yet
		}
		return max(0, now.Sub(t))
	}
	for _, s := range b.states {
		if !s.made() {
			continue
		}
		add := func(p Position, at site) { all = append(all, record{s.within(p), at}) }
		for _, k := range s.active {
			add(Position{
				Op: k.name(), Peer: s.waitedFor(k.seq), Tag: AnyTag, Seq: k.seq, Waited: since(k.since), Blocked: k.req.isWaited(),
			}, k.site)
		}
		for p := range s.sends {
			if p.what.Seq > 0 {
				continue // part of a collective
			}
			what := p.what
			what.Waited, what.Blocked = since(p.since), p.from.req.isWaited()
			add(what, p.from.site)
		}
		for _, q := range []*queue{&s.user, &s.parcels} {
			for _, w := range q.waiters {
				at := w.site
				if w.req != nil {
					at = w.req.site
				}
				add(Position{
					Op: w.name(), Peer: w.source, Tag: int(w.tag), Waited: since(w.since), Blocked: w.req.isWaited(),
				}, at)
			}
		}
		for i := range s.past {
			if e := &s.past[i]; e.at.After(lastAt) {
				lastAt = e.at
				last = record{s.within(Position{Op: e.op.name(), Peer: -1, Tag: AnyTag, Seq: e.seq, Waited: since(e.at), Ended: true}), e.site}
			}
		}
	}
	slices.SortFunc(all, func(x, y record) int {
		switch {
		case x.Blocked != y.Blocked && x.Blocked:
			return -1
		case x.Blocked != y.Blocked:
			return 1
		}
		return int(min(max(y.Waited-x.Waited, -1), 1))
	})
	if !lastAt.IsZero() {
		all = append(all, last)
	}
	return all
}

// within adds the communicator to p.
func (s *state) within(p Position) Position {
	if s.context != worldContext {
		p.Size = s.size()
		p.Members = s.members[:min(maxNamed, s.size())]
	}
	return p
}

// waitedFor is the one rank of the job that collective seq waits for, or -1.
func (s *state) waitedFor(seq uint64) int {
	q := s.queues[seq]
	if q == nil || len(q.waiters) == 0 {
		return -1
	}
	for _, w := range q.waiters {
		if w.source != q.waiters[0].source {
			return -1
		}
	}
	return q.waiters[0].source
}

// name is the Go function that posted w.
func (w *waiter) name() string {
	switch {
	case w.req != nil:
		return w.req.op
	case w.peek:
		return "Probe"
	case w.kind == kindParcel:
		return "RecvParcel"
	default:
		return "Recv"
	}
}

// name is the Go function that began k.
func (k *call) name() string {
	if k.req != nil {
		return "I" + strings.ToLower(k.op.name())
	}
	return k.op.name()
}

// name is the Go function that begins the collective: "Allreduce".
func (o opcode) name() string {
	if o == opReduceScatter {
		return "ReduceScatter"
	}
	name := o.String()
	return strings.ToUpper(name[:1]) + name[1:]
}
