package exec_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/net/comm"
)

// TestErrorOnTheWay: what another rank hears of an error has its text, what it is, and the fields of a RankError and an ElementError.
func TestErrorOnTheWay(t *testing.T) {
	divided := &array.ElementError{Op: array.Remainder, Index: []int{1, 23_456}, Position: "main.go:12", Cause: array.ErrDivide}
	raised := &array.ElementError{Op: array.Pow, Cause: array.ErrNegativePower, Index: []int{}}
	long := strings.Repeat("é", 5000)
	for _, test := range []struct {
		name    string
		err     error
		is      error
		element *array.ElementError
		rank    int // -1: no RankError
	}{
		{"text alone", errors.New("the disk is full"), nil, nil, -1},
		{"a sentinel", fmt.Errorf("collect: %w", exec.ErrMemory), exec.ErrMemory, nil, -1},
		{"an end", context.DeadlineExceeded, context.DeadlineExceeded, nil, -1},
		{"a rank's", &comm.RankError{Rank: 3, Op: "run", Cause: fmt.Errorf("x: %w", array.ErrShape)}, array.ErrShape, nil, 3},
		{"an element", divided, array.ErrDivide, divided, -1},
		{"an element in a text", fmt.Errorf("%w\n  x %% y\n    ^", divided), array.ErrDivide, divided, -1},
		{"an element of no axes", fmt.Errorf("collect: %w", raised), array.ErrNegativePower, raised, -1},
		{"a rank's element", &comm.RankError{Rank: 1, Op: "end", Cause: divided}, array.ErrDivide, divided, 1},
		{"no cause", &array.ElementError{Op: array.Add, Cause: errors.New("other")}, nil, nil, -1},
		{"more axes than there are", &array.ElementError{Op: array.Pow, Index: make([]int, 65), Cause: array.ErrNegativePower}, array.ErrNegativePower, nil, -1},
		{"long", errors.New(long), nil, nil, -1},
	} {
		got, err := exec.DecodeFailure(exec.EncodeFailure(test.err))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if text := got.Error(); text != test.err.Error() && (len(text) < 2000 || !strings.HasPrefix(test.err.Error(), text)) {
			t.Errorf("%s: says %q, said %q", test.name, text, test.err)
		}
		if test.is != nil && !errors.Is(got, test.is) {
			t.Errorf("%s: is no longer %v", test.name, test.is)
		}
		e, re := (*array.ElementError)(nil), (*comm.RankError)(nil)
		if has := errors.As(got, &e); has != (test.element != nil) || has && !reflect.DeepEqual(e, test.element) {
			t.Errorf("%s: holds %+v, held %+v", test.name, e, test.element)
		}
		if has := errors.As(got, &re); has != (test.rank >= 0) || has && re.Rank != test.rank {
			t.Errorf("%s: of %+v, want rank %d", test.name, re, test.rank)
		}
	}
}

// TestErrorThatNobodySends: what no rank writes is refused.
func TestErrorThatNobodySends(t *testing.T) {
	many := strings.Repeat("0,", 64) + "0"
	for _, raw := range []string{
		``, `null x`, `{"text":"a"}{}`, `{"text":"a","more":1}`, `{"text":1}`, `{"text":"a","rank":-2}`, `{"text":"a","is":"fire"}`,
		`{"text":"` + strings.Repeat("a", 2049) + `"}`,
		`{"text":"a","element":{"op":"remainder","index":[1]}}`,                                                        // no cause
		`{"text":"a","is":"power","element":{"op":"remainder","index":[1]}}`,                                           // another op's cause
		`{"text":"a","is":"memory","element":{"op":"add","index":[1]}}`,                                                // an op without
		`{"text":"a","is":"divide","element":{"op":"split","index":[1]}}`,                                              // no op
		`{"text":"a","is":"divide","element":{"op":"fmod","index":[-1]}}`,                                              // no index
		`{"text":"a","is":"divide","element":{"op":"fmod","index":[1e30]}}`,                                            // no index
		`{"text":"a","is":"divide","element":{"op":"fmod","index":[` + many + `]}}`,                                    // no array
		`{"text":"a","is":"divide","element":{"op":"fmod","index":[],"position":"` + strings.Repeat("a", 2049) + `"}}`, // no position
	} {
		if got, err := exec.DecodeFailure([]byte(raw)); err == nil {
			t.Errorf("%.80s is taken for %v", raw, got)
		}
	}
}

// FuzzFailure: what a rank sends as an error is refused, or is one of bounded size that arrives the same once more.
func FuzzFailure(f *testing.F) {
	f.Add(exec.EncodeFailure(errors.New("the disk is full")))
	f.Add(exec.EncodeFailure(&comm.RankError{Rank: 2, Op: "run", Cause: exec.ErrMemory}))
	f.Add(exec.EncodeFailure(&array.ElementError{Op: array.Fmod, Index: []int{4, 5}, Position: "main.go:1", Cause: array.ErrDivide}))
	f.Add([]byte(`{"text":"a","is":"power","element":{"op":"pow","index":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := exec.DecodeFailure(raw)
		if err != nil {
			return
		}
		again, err := exec.DecodeFailure(exec.EncodeFailure(got))
		if err != nil || again.Error() != got.Error() {
			t.Fatalf("%q came again as %q, %v", got, again, err)
		}
		e, f := (*array.ElementError)(nil), (*array.ElementError)(nil)
		if errors.As(got, &e) != errors.As(again, &f) || e != nil && (e.Op != f.Op || !slices.Equal(e.Index, f.Index) || e.Position != f.Position || e.Cause != f.Cause) {
			t.Errorf("%+v came again as %+v", e, f)
		}
		if len(got.Error()) > 3*2048 || e != nil && (len(e.Index) > 64 || !errors.Is(got, e.Cause)) {
			t.Errorf("%v is too much", got)
		}
	})
}
