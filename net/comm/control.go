package comm

import (
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// What a message of kindControl says (link.Header.Op). Do not renumber.
const (
	ctlHello    uint8 = iota + 1 // join.go: a rank introduces itself to rank 0
	ctlTable                     // join.go: rank 0 answers with the table of ranks
	ctlRefuse                    // not joined; the payload says why
	ctlWelcome                   // the conn that the receiver dialed is the one that stays
	ctlGoodbye                   // the sender closes in good order; nothing comes after
	ctlGone                      // rank Root is lost to rank 0, or has left
	ctlSevered                   // rank Root is lost to another rank: the end of collectives
	ctlFailed                    // collective Seq of Context has failed, by rank Root
	ctlAbort                     // everything is over, by rank Root
	ctlRollcall                  // the sender waits for the receiver in collective Seq of Context
)

func control(op uint8) link.Header { return link.Header{Kind: kindControl, Op: op} }

// notice is word to other ranks.
type notice struct {
	ctl     uint8
	context uint32
	seq     uint64
	sig     signature  // of a rollcall
	err     *RankError // of a rank gone, a failed collective, an abort
}

// message encodes n. The header's Op is what n is, so the collective of a rollcall travels in Aux.
func (n notice) message() (link.Header, link.Payload) {
	h := control(n.ctl)
	h.Context, h.Seq = n.context, n.seq
	if n.ctl == ctlRollcall {
		h.Aux, h.DType, h.Root, h.Count = uint64(n.sig.op), n.sig.dtype, int32(n.sig.root), uint64(n.sig.count)
	}
	if n.err == nil {
		return h, link.Payload{}
	}
	h.Root, h.Flags = int32(n.err.Rank), codeOf(n.err.Cause)
	text := n.err.Cause.Error()
	text = text[:min(len(text), link.EagerLimit)]
	return h, link.Payload{Bufs: [][]byte{[]byte(text)}}
}

// bring delivers n to p, if p is joined. It does not report what goes wrong: a lost peer is noticed by its reader.
func (m *mesh) bring(p *peer, n notice) {
	ctx, cancel := context.WithTimeout(context.Background(), noticeLimit)
	defer cancel()
	if conn, _ := p.state(); conn != nil {
		h, payload := n.message()
		_ = conn.Send(ctx, h, payload)
	}
}

// tellOne brings n to p without waiting for it. A peer that takes none gets no more: bring would give up too, and a rank
// that still waits for an answer asks again.
func (m *mesh) tellOne(p *peer, n notice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || p.notices.Load() == maxNotices {
		return
	}
	p.notices.Add(1)
	m.notices.Add(1)
	m.running.Go(func() {
		defer m.notices.Done()
		defer p.notices.Add(-1)
		m.bring(p, n)
	})
}

// maxNotices bounds what is on its way to one peer: a goroutine each.
const maxNotices = 1 << 8

// tell brings n to all joined ranks but one (-1: to all), without waiting for it.
func (m *mesh) tell(n notice, but int) {
	for _, p := range m.peers {
		if p != nil && p.rank != but {
			if conn, _ := p.state(); conn != nil {
				m.tellOne(p, n)
			}
		}
	}
}

// heed acts on word from p and reports whether it is the last.
func (m *mesh) heed(p *peer, msg *link.Message) (last bool) {
	defer msg.Discard()
	switch msg.Op {
	case ctlGoodbye:
		m.farewell(p)
	case ctlRollcall:
		h := msg.Header
		h.Op = uint8(h.Aux)
		if err := m.box.rollcall(p.rank, h); err != nil {
			m.tellOne(p, notice{ctl: ctlFailed, context: h.Context, seq: h.Seq, err: m.blame(err)})
		}
	case ctlGone, ctlSevered, ctlFailed, ctlAbort:
		if err := m.reported(msg); err != nil {
			m.spread(p, msg.Header, err)
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
	host := m.host
	if p := m.peers[r]; p != nil {
		host = p.host
	}
	return &RankError{Rank: r, Host: host, Cause: &remoteError{string(text), errOf(msg.Flags)}}
}

// spread takes in the bad news that came from p and passes on what others may not have heard.
func (m *mesh) spread(p *peer, h link.Header, err *RankError) {
	switch h.Op {
	case ctlGone:
		other := m.peers[err.Rank]
		left := errors.Is(err, ErrLeft)
		if other == nil || left && other.linked() != nil {
			return // of a rank that has left, this one's own conn says when all it sent has come
		}
		if err, first := other.end(err.Cause); first {
			m.box.leave(err, !left, true)
		}
	case ctlSevered:
		if m.box.sever(err) && m.rank == 0 {
			m.tell(notice{ctl: ctlSevered, err: err}, p.rank)
		}
	case ctlFailed:
		for _, l := range m.box.abandon(h.Context, h.Seq, err) {
			l.Discard()
		}
		if m.rank == 0 {
			m.tell(notice{ctl: ctlFailed, context: h.Context, seq: h.Seq, err: err}, p.rank)
		}
	case ctlAbort:
		m.relayAbort(err)
	}
}

// relayAbort ends everything on this rank and tells the others, who may not be joined with the rank that aborted. It is a
// notice: a Close that follows at once waits for it, so that no goodbye overtakes the reason.
func (m *mesh) relayAbort(err *RankError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.box.over() != nil {
		return
	}
	m.notices.Add(1)
	m.box.close(err)
	m.running.Go(func() {
		defer m.notices.Done()
		m.hangUp(m.peers, notice{ctl: ctlAbort, err: err})
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

// abort ends everything on this rank and tells the others.
func (m *mesh) abort(cause error) {
	if cause == nil {
		cause = errors.New("aborted")
	}
	err := &RankError{Rank: m.rank, Host: m.host, Cause: fmt.Errorf("aborted the job: %w", cause)}
	if m.box.over() != nil {
		return
	}
	m.box.close(err)
	m.hangUp(m.peers, notice{ctl: ctlAbort, err: err})
}
