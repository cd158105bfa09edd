package comm

import (
	"errors"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// Errors that callers branch on.
var (
	// ErrClosed: this Comm was closed by its owner.
	ErrClosed = errors.New("comm: closed")
	// ErrLeft: the other rank has closed its Comm in good order and takes part in nothing more.
	ErrLeft = errors.New("comm: it has closed its communicator")
	// ErrDiverged: the ranks are not in the same call: another collective, root, length or element type.
	ErrDiverged = errors.New("comm: ranks diverged")
	// ErrExpelled: the other ranks could not reach this one, or it was silent for too long, and go on without it. Its
	// operations fail on all its communicators; start it anew to take part in another job.
	ErrExpelled = errors.New("comm: expelled by the other ranks")
	// ErrWithdrawn: the sender took its parcel back, since its context ended, before all of it was read.
	ErrWithdrawn = link.ErrWithdrawn
	// ErrTruncate: the message is longer than the receive buffer; it was dropped.
	ErrTruncate = errors.New("comm: receive buffer too small")
)

// RankError says which rank ended an operation, and why. Cause is what link reported, or what that rank said itself.
type RankError struct {
	Rank  int
	Host  string // empty where it is not known
	Op    string // what this rank was doing: "bcast", "recv"; empty for what concerns everything
	Cause error
}

// Error reads "bcast: rank 2 on h2: link: peer lost".
func (e *RankError) Error() string {
	s := fmt.Sprintf("rank %d", e.Rank)
	if e.Host != "" {
		s += " on " + e.Host
	}
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	return fmt.Sprintf("%s: %v", s, e.Cause)
}

// Unwrap returns Cause.
func (e *RankError) Unwrap() error { return e.Cause }

// within adds the operation to err, into the RankError where there is one.
func within(op string, err error) error {
	if err == nil {
		return nil
	}
	if re, ok := err.(*RankError); ok && re.Op == "" {
		return &RankError{Rank: re.Rank, Host: re.Host, Op: op, Cause: re.Cause}
	}
	return fmt.Errorf("%s: %w", op, err)
}

// remoteError is an error that another rank had: its text, and the sentinel it wrapped.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

// Codes of the sentinels that keep their identity on the way to other ranks.
const (
	codeNone uint8 = iota
	codeDiverged
	codeTruncate
	codeLeft
	codePeerLost
)

func codeOf(err error) uint8 {
	switch {
	case errors.Is(err, ErrDiverged):
		return codeDiverged
	case errors.Is(err, ErrTruncate):
		return codeTruncate
	case errors.Is(err, ErrLeft):
		return codeLeft
	case errors.Is(err, link.ErrPeerLost):
		return codePeerLost
	default:
		return codeNone
	}
}

func errOf(code uint8) error {
	switch code {
	case codeDiverged:
		return ErrDiverged
	case codeTruncate:
		return ErrTruncate
	case codeLeft:
		return ErrLeft
	case codePeerLost:
		return link.ErrPeerLost
	default:
		return nil
	}
}
