package comm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/darray-go/darray/net/link"
)

// What a message of kindControl says (link.Header.Op). Do not renumber.
const (
	ctlHello    uint8 = iota + 1 // join.go: a rank introduces itself to rank 0
	ctlTable                     // join.go: rank 0 answers with the table of ranks
	ctlRefuse                    // not joined; the payload says why
	ctlWelcome                   // the conn that the receiver dialed is the one that stays
	ctlGoodbye                   // the sender closes in good order; nothing comes after
	ctlGone                      // ranks are gone, see news
	ctlAccuse                    // rank Aux has lost rank Root
	ctlFailed                    // collective Seq of Context has failed, by rank Root
	ctlAbort                     // everything is over, by rank Root, or because of it (Aux: how)
	ctlRollcall                  // the sender waits for the receiver in collective Seq of Context
	ctlWaits                     // to rank 0: the sender has waited for long
	ctlWhere                     // from rank 0: where is the receiver? Seq is the number of the question
	ctlHere                      // to rank 0: the answer to question Seq
	ctlAsk                       // does the receiver live, which rank Aux has lost?
	ctlLives                     // the sender does, which rank Aux has lost
	ctlShrink                    // about a call of Shrink, see council.go
	ctlRevoke                    // communicator Context is over, because of rank Root
)

// Why everything is over, where it is because of a rank that does not say so itself. Do not renumber.
const (
	overLost = iota + 1 // it is lost
	overDead            // and its process has ended for certain
)

func control(op uint8) link.Header { return link.Header{Kind: kindControl, Op: op} }

// notice is word to other ranks.
type notice struct {
	ctl     uint8
	context uint32
	seq     uint64
	sig     theirs     // of a rollcall
	err     *RankError // of an accusation, a failed collective, an abort
	over    uint64     // of an abort: nothing, overLost or overDead
	body    []byte     // of an answer to where the rank is
	by      int        // of an accusation, a question, an answer
	news    []news     // of ranks that are gone
	reach   bool       // dial the receiver if need be

	what     uint8 // of a word about Shrink
	decision *decision
}

// message encodes n. The header's Op is what n is, so the collective of a rollcall travels in Flags.
func (n notice) message() (link.Header, link.Payload) {
	h := control(n.ctl)
	h.Context, h.Seq = n.context, n.seq
	if n.ctl == ctlRollcall {
		h.Flags, h.DType, h.Root, h.Count, h.Aux = uint8(n.sig.op), n.sig.dtype, int32(n.sig.root), uint64(n.sig.count), n.sig.aux()
	}
	switch {
	case n.ctl == ctlGone:
		return h, link.Payload{Bufs: [][]byte{encodeNews(n.news)}}
	case n.ctl == ctlAccuse || n.ctl == ctlAsk || n.ctl == ctlLives:
		h.Aux = uint64(n.by)
	case n.ctl == ctlAbort:
		h.Aux = n.over
	}
	if n.ctl == ctlShrink && n.what != councilRefusal {
		h.Flags = n.what
		if n.decision == nil {
			return h, link.Payload{}
		}
		return h, link.Payload{Bufs: [][]byte{n.decision.encode()}}
	}
	if n.err == nil {
		return h, link.Payload{Bufs: [][]byte{n.body}}
	}
	h.Root, h.Flags = int32(n.err.Rank), codeOf(n.err.Cause)
	text := n.err.Cause.Error()
	text = text[:min(len(text), link.EagerLimit)]
	if n.ctl == ctlShrink {
		h.Flags = n.what
	}
	return h, link.Payload{Bufs: [][]byte{[]byte(text)}}
}

// bring delivers n to p, and joins p for that where n is worth a dial: for a question, in a derived communicator. It does
// not report what goes wrong: a lost peer is noticed by its reader.
func (m *mesh) bring(p *peer, n notice) {
	ctx, cancel := context.WithTimeout(context.Background(), noticeLimit)
	defer cancel()
	conn, err := p.state()
	if conn == nil && err == nil && (n.reach || n.context > worldContext || n.ctl == ctlRollcall) {
		conn, _ = m.connect(ctx, p.rank)
	}
	if conn != nil {
		h, payload := n.message()
		_ = conn.Send(ctx, h, payload)
	}
}

// tellOne brings n to p without waiting for it. A peer that takes none gets no more: bring would give up too, and a rank
// that still waits for an answer asks again.
func (m *mesh) tellOne(p *peer, n notice) {
	if p.notices.Load() >= maxNotices {
		return
	}
	p.notices.Add(1)
	if !m.runNotice(func() {
		defer p.notices.Add(-1)
		m.bring(p, n)
	}) {
		p.notices.Add(-1)
	}
}

// runNotice is run for what brings word to other ranks: close waits for it before it says goodbye.
func (m *mesh) runNotice(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.notices.Add(1)
	m.running.Go(func() {
		defer m.notices.Done()
		f()
	})
	return true
}

// maxNotices bounds what is on its way to one peer: a goroutine each.
const maxNotices = 1 << 8

// tell brings n to all joined ranks but one (-1: to all), without waiting for it.
func (m *mesh) tell(n notice, but int) {
	for _, p := range m.known() {
		if conn, _ := p.state(); conn != nil && p.rank != but {
			m.tellOne(p, n)
		}
	}
}

// heed acts on word from p and reports whether it is the last.
func (m *mesh) heed(p *peer, msg *link.Message) (last bool) {
	defer msg.Discard()
	if m.box.wasLost(p.rank) {
		return false // it is lost for all: nothing that it still says counts
	}
	switch msg.Op {
	case ctlGoodbye:
		m.farewell(p)
	case ctlRollcall:
		h := msg.Header
		h.Op = h.Flags
		if err := m.box.rollcall(p.rank, h); err != nil {
			m.tellOne(p, notice{ctl: ctlFailed, context: h.Context, seq: h.Seq, err: m.blame(err)})
		}
	case ctlWaits, ctlWhere, ctlHere:
		m.heedRoll(p, msg)
	case ctlGone:
		m.hear(p, m.reportedGone(msg))
	case ctlShrink:
		if w, ok := m.reportedCouncil(msg); ok {
			m.hearCouncil(p, w)
		}
	case ctlAsk:
		if m.box.over() == nil {
			m.tellOne(p, notice{ctl: ctlLives, by: int(msg.Aux)})
		}
	case ctlLives:
		if msg.Aux < uint64(m.size) && int(msg.Aux) > p.rank && int(msg.Aux) != m.rank {
			m.declare(int(msg.Aux), p.rank, errors.New("it is there"))
		}
	case ctlAccuse, ctlFailed, ctlAbort, ctlRevoke:
		if err := m.reported(msg); err != nil {
			m.act(p, msg.Header, err)
		}
	}
	return msg.Op == ctlGoodbye || msg.Op == ctlAbort
}

// reported decodes the error in a notice; nil where it makes no sense.
func (m *mesh) reported(msg *link.Message) *RankError {
	r := int(msg.Root)
	if r < 0 || r >= m.size || msg.Size > link.EagerLimit {
		return nil
	}
	text := make([]byte, msg.Size)
	if msg.ReadInto(context.Background(), text) != nil {
		return nil // the reader will see why
	}
	return &RankError{Rank: r, Host: m.hostOf(r), Cause: &remoteError{string(text), errOf(msg.Flags)}}
}

// act takes in the bad news that came from p and passes on what others may not have heard.
func (m *mesh) act(p *peer, h link.Header, err *RankError) {
	switch h.Op {
	case ctlAccuse:
		if h.Aux < uint64(m.size) && int(h.Aux) != err.Rank && int(h.Aux) != m.rank {
			m.accuse(int(h.Aux), err.Rank, err.Cause)
		}
	case ctlFailed:
		if errors.Is(err, ErrLeft) {
			m.box.depart(h.Context, err)
		}
		for _, l := range m.box.abandon(h.Context, h.Seq, err) {
			l.Discard()
		}
		if h.Context == worldContext {
			m.relay(notice{ctl: ctlFailed, context: h.Context, seq: h.Seq, err: err}, p.rank)
		}
	case ctlRevoke:
		if h.Context != worldContext {
			m.box.revoke(h.Context, err)
		}
	case ctlAbort:
		m.hearAbort(p, notice{ctl: ctlAbort, err: err, over: h.Aux})
	}
}

// relay passes n on along the overlay, once and from there only, since whoever failed has told all that it is joined with.
func (m *mesh) relay(n notice, from int) {
	around := m.neighbours()
	if !slices.Contains(around, from) || !m.relayed.first(n.seq) {
		return
	}
	for _, r := range around {
		if r != from {
			m.tellOne(m.peer(r), n)
		}
	}
}

// recent remembers the last numbers that it was shown.
type recent struct {
	mu   sync.Mutex
	seqs [64]uint64
	next int
}

func (r *recent) first(seq uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.seqs[:], seq) {
		return false
	}
	r.seqs[r.next] = seq
	r.next = (r.next + 1) % len(r.seqs)
	return true
}

// hearAbort takes in that everything is over.
func (m *mesh) hearAbort(p *peer, n notice) {
	lost := n.over == overLost || n.over == overDead
	if lost && n.err.Rank == m.rank {
		m.expelled(p.rank, n.err.Cause.Error())
		return
	}
	if lost {
		m.writeOff(n)
	}
	m.relayAbort(n)
}

// relayAbort ends everything on this rank and tells the others, who may not be joined with the rank that aborted. It is a
// notice: a Close that follows at once waits for it, so that no goodbye overtakes the reason.
func (m *mesh) relayAbort(n notice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.box.over() != nil {
		return
	}
	m.notices.Add(1)
	m.aborted.Store(&n)
	m.box.close(n.err)
	m.running.Go(func() {
		defer m.notices.Done()
		m.hangUpNow(n)
	})
}

// blame makes err a RankError; one that is not yet is this rank's own.
func (m *mesh) blame(err error) *RankError {
	var re *RankError
	if errors.As(err, &re) {
		return re
	}
	return &RankError{Rank: m.rank, Host: m.host, Cause: err}
}

// abort ends everything on this rank and tells the others. The blame stays with the rank that cause names, so that whoever
// hears of it by this first names the same one as the rest.
func (m *mesh) abort(cause error) {
	if cause == nil {
		cause = errors.New("aborted")
	}
	n := notice{ctl: ctlAbort, err: &RankError{Rank: m.rank, Host: m.host, Cause: fmt.Errorf("aborted the job: %w", cause)}}
	if re := (*RankError)(nil); errors.As(cause, &re) && re.Rank != m.rank {
		n.err = &RankError{Rank: re.Rank, Host: re.Host, Cause: fmt.Errorf("%w (rank %d aborted the job over it)", re.Cause, m.rank)}
		if sentence := m.sentence(re.Rank); sentence != nil {
			n.over = overLost
			if sentence[0].certain {
				n.over = overDead
			}
		}
	}
	if m.box.over() != nil {
		return
	}
	m.aborted.Store(&n)
	m.box.close(n.err)
	m.hangUpNow(n)
}

// hangUpNow is hangUp to all.
func (m *mesh) hangUpNow(last notice) {
	ctx, cancel := context.WithTimeout(context.Background(), noticeLimit)
	defer cancel()
	m.hangUp(ctx, m.known(), last)
}
