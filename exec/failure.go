package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// failure is an error on its way to another rank.
type failure struct {
	Text     string   `json:"text"`
	Rank     int      `json:"rank"` // whose error it is; -1: nobody's
	Op       string   `json:"op,omitempty"`
	Sentinel string   `json:"is,omitempty"`
	Element  *element `json:"element,omitempty"`
}

// element is an array.ElementError; its cause is the failure's sentinel.
type element struct {
	Op       string `json:"op"`
	Index    []int  `json:"index"`
	Position string `json:"position"`
}

// sentinels keep their identity on the way.
var sentinels = map[string]error{
	"diverged": comm.ErrDiverged, "memory": ErrMemory, "canceled": context.Canceled, "deadline": context.DeadlineExceeded,
	"shape": array.ErrShape, "dtype": array.ErrDType, "divide": array.ErrDivide, "power": array.ErrNegativePower,
	"graph": array.ErrGraph,
}

// Bounds of an error on the wire: the bytes of each of its texts, those of all of it (JSON escapes), and an array's axes.
const (
	maxFailureText = 2 << 10
	maxFailure     = 32 * maxFailureText
	maxAxes        = 64 // as Shape.Check has it
)

func encodeFailure(err error) []byte {
	f := failure{Text: err.Error(), Rank: -1}
	if re := (*comm.RankError)(nil); errors.As(err, &re) {
		f.Text, f.Rank, f.Op = re.Cause.Error(), max(re.Rank, 0), re.Op
	}
	f.Text, f.Op = clip(f.Text, maxFailureText), clip(f.Op, maxFailureText)
	for name, is := range sentinels {
		if errors.Is(err, is) {
			f.Sentinel = name
		}
	}
	if e := (*array.ElementError)(nil); errors.As(err, &e) {
		if name := sentinelOf(e.Cause); name != "" && len(e.Index) <= maxAxes {
			f.Sentinel, f.Element = name, &element{e.Op.String(), e.Index, clip(e.Position, maxFailureText)}
		}
	}
	raw, _ := json.Marshal(f)
	return raw
}

func sentinelOf(err error) string {
	for name, is := range sentinels {
		if is == err {
			return name
		}
	}
	return ""
}

// clip is the beginning of a text, n bytes at most, in whole characters.
func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// remote is an error that another rank had: its text, and the sentinel or the ElementError that it wrapped.
type remote struct {
	text string
	is   error
}

func (e *remote) Error() string { return e.text }
func (e *remote) Unwrap() error { return e.is }

// readFailure takes the error that a parcel carries; nil without one. The second error is about the parcel.
func readFailure(ctx context.Context, in *comm.Incoming) (error, error) {
	defer in.Discard()
	if ref, ok := in.Ref(); ok {
		err, _ := ref.(error)
		return err, nil
	}
	if in.Size == 0 {
		return nil, nil
	}
	if in.Size > maxFailure {
		return nil, fmt.Errorf("rank %d sent an error of %d bytes", in.Source, in.Size)
	}
	raw := make([]byte, in.Size)
	if err := in.ReadInto(ctx, raw); err != nil {
		return nil, err
	}
	failed, err := decodeFailure(raw)
	if err != nil {
		return nil, fmt.Errorf("rank %d sent an unreadable error: %w", in.Source, err)
	}
	return failed, nil
}

// decodeFailure reads what encodeFailure wrote. The second error is about raw.
func decodeFailure(raw []byte) (error, error) {
	var f failure
	text := json.NewDecoder(bytes.NewReader(raw))
	text.DisallowUnknownFields()
	if err := text.Decode(&f); err != nil {
		return nil, err
	}
	if _, err := text.Token(); err != io.EOF {
		return nil, errors.New("more behind it")
	}
	is, known := sentinels[f.Sentinel]
	switch {
	case len(f.Text) > maxFailureText || len(f.Op) > maxFailureText:
		return nil, fmt.Errorf("a text of %d bytes", max(len(f.Text), len(f.Op)))
	case f.Rank < -1:
		return nil, fmt.Errorf("an error of rank %d", f.Rank)
	case !known && f.Sentinel != "":
		return nil, fmt.Errorf("it is %.40q, which is none", f.Sentinel)
	}
	if f.Element != nil {
		e, err := f.Element.decode(is)
		if err != nil {
			return nil, err
		}
		is = e
	}
	err := error(&remote{f.Text, is})
	if f.Rank >= 0 {
		err = &comm.RankError{Rank: f.Rank, Op: f.Op, Cause: err}
	}
	return err, nil
}

// decode is the ElementError with a cause, which must be one that its op has.
func (e *element) decode(cause error) (*array.ElementError, error) {
	op, ok := array.OpByName(e.Op)
	switch {
	case !ok || cause == nil || op.Fault(array.Int64) != cause:
		return nil, fmt.Errorf("an element without a result of %.40q: %v", e.Op, cause)
	case len(e.Index) > maxAxes:
		return nil, fmt.Errorf("an element of %d axes", len(e.Index))
	case len(e.Position) > maxFailureText:
		return nil, fmt.Errorf("a position of %d bytes", len(e.Position))
	}
	for _, i := range e.Index {
		if i < 0 {
			return nil, fmt.Errorf("element %v", e.Index)
		}
	}
	return &array.ElementError{Op: op, Index: e.Index, Position: e.Position, Cause: cause}, nil
}
