package quiclink

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

// Codes with which connections and streams end.
const (
	codeBye       = 1 // closed by its owner
	codeRefused   = 2 // the reason is a sentence for the dialer
	codeProtocol  = 3 // the peer sent what no peer sends
	codeDiscarded = 4 // stream: the receiver wants no more of this block
	codeWithdrawn = 5 // stream: the sender's context ended
)

// The first frame each way on the control stream says who speaks and to whom. Whether the job has such a rank is for
// net/comm to say, which knows what to tell the others.
func (t *Transport) hello(to int) []byte {
	f := link.Frame{Type: frameHello, Header: link.Header{
		Root: int32(t.cfg.Rank), Tag: int32(to),
		Kind: uint8(t.offer.kind), Size: uint64(2 * len(t.offer.ports)),
	}}
	return t.offer.appendTo(f.AppendTo(nil))
}

// readHello reads a hello from peer, whose rank its certificate has proved.
func (t *Transport) readHello(r io.Reader, peer int) (offer, error) {
	b := make([]byte, link.HeaderSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return offer{}, err
	}
	f, err := link.DecodeFrame(b, 2*maxLanes)
	switch {
	case err != nil:
		return offer{}, err
	case f.Type != frameHello:
		return offer{}, fmt.Errorf("%w: type %d in place of a hello", link.ErrFrame, f.Type)
	case int(f.Root) != peer:
		return offer{}, fmt.Errorf("%w: the certificate is rank %d's, the hello rank %d's", link.ErrRefused, peer, f.Root)
	case int(f.Tag) != t.cfg.Rank:
		return offer{}, fmt.Errorf("%w: this is rank %d, the hello is for rank %d", link.ErrRefused, t.cfg.Rank, f.Tag)
	}
	return readOffer(f, r)
}

// channels are what a Conn is made of.
type channels struct {
	qc    *quic.Conn
	ctl   *quic.Stream
	lanes []*lane
	why   error // why there are no lanes, though there should be
}

// greet is the dialer's side. Only the answer shows that the peer took our certificate: QUIC's Dial returns before.
func (t *Transport) greet(ctx context.Context, qc *quic.Conn, peer int) (ch channels, err error) {
	ch.qc = qc
	if ch.ctl, err = qc.OpenStream(); err != nil {
		return ch, err
	}
	err = ch.during(ctx, func() error {
		if _, err := ch.ctl.Write(t.hello(peer)); err != nil {
			return err
		}
		theirs, err := t.readHello(ch.ctl, peer)
		if err != nil {
			return err
		}
		ch.lanes, ch.why, err = t.dialLanes(ctx, qc, ch.ctl, peer, theirs)
		return err
	})
	return ch, err
}

// hear is the acceptor's side.
func (t *Transport) hear(ctx context.Context, qc *quic.Conn, peer int) (ch channels, err error) {
	ch.qc = qc
	if ch.ctl, err = qc.AcceptStream(ctx); err != nil {
		return ch, err
	}
	err = ch.during(ctx, func() error {
		theirs, err := t.readHello(ch.ctl, peer)
		if err != nil {
			return err
		}
		n := agree(t.offer, theirs)
		if n == 0 {
			ch.why = t.noOffer(peer)
			_, err = ch.ctl.Write(t.hello(peer))
			return err
		}
		s, err := newSession(qc, peer)
		if err != nil {
			return err
		}
		e := t.expect(s, n) // before the dialer hears of the ports
		defer t.unexpect(e)
		if _, err := ch.ctl.Write(t.hello(peer)); err != nil {
			return err
		}
		ch.lanes, ch.why, err = t.hearLanes(ctx, ch.ctl, e, n)
		return err
	})
	return ch, err
}

// during ends f's reads and writes on the control stream with ctx: a peer that sends no hello must not hold it up.
func (ch *channels) during(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { ch.ctl.SetDeadline(time.Unix(1, 0)) })
	err := f()
	if !stop() { // the stream is of no use any more
		err = ctx.Err()
	}
	if err != nil {
		closeAll(ch.lanes)
	}
	return err
}

// dialError says in a sentence why a connection did not come about; ctx is the caller's.
func dialError(ctx context.Context, err error) error {
	var (
		app      *quic.ApplicationError
		tlsErr   *quic.TransportError
		unknown  x509.UnknownAuthorityError
		wrongFor x509.HostnameError
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: the join tokens differ: give all ranks of the job the same one (%w)", link.ErrRefused, err)
	case errors.As(err, &wrongFor):
		return fmt.Errorf("%w: another rank or another job answers there (%w)", link.ErrRefused, err)
	case errors.As(err, &app) && app.Remote && app.ErrorCode == codeRefused:
		return fmt.Errorf("%w: %s", link.ErrRefused, strings.TrimPrefix(app.ErrorMessage, link.ErrRefused.Error()+": "))
	case errors.As(err, &tlsErr) && tlsErr.ErrorCode.IsCryptoError():
		return fmt.Errorf("%w: the certificates do not agree (%w)", link.ErrRefused, err)
	case errors.Is(err, link.ErrRefused), errors.Is(err, link.ErrFrame):
		return err
	default: // nobody there, or gone again; a time-out of ours is not the caller's, hence %v
		return fmt.Errorf("%w: no answer; is the rank running, and is UDP open between the hosts? (%v)", link.ErrPeerLost, err)
	}
}
