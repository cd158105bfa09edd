package arrowipc

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// session is one Read: what memory it may still take, and the dictionaries that it has read.
type session struct {
	r      *reader
	budget int
	left   atomic.Int64

	mu           sync.Mutex
	dictionaries map[place]arrow.ArrayData
}

func (r *reader) session() *session {
	s := &session{r: r, dictionaries: make(map[place]arrow.ArrayData)}
	s.budget = r.budget - int(r.cached.Load())
	s.left.Store(int64(s.budget))
	return s
}

// take accounts for memory before it is allocated.
func (s *session) take(n int) error {
	if s.left.Add(-int64(n)) < 0 {
		s.left.Add(int64(n))
		return fmt.Errorf("it takes %d bytes more, over the budget of %d; read fewer rows at a time or raise Options.Budget", n, s.r.budget)
	}
	return nil
}

// free gives back what take accounted for.
func (s *session) free(n int) { s.left.Add(int64(n)) }

func (s *session) alloc(n int) ([]byte, error) {
	if err := s.take(n); err != nil {
		return nil, err
	}
	return array.AllocBytes(n), nil
}

// view gives bytes of the file: of a mapping without a copy.
func (s *session) view(ctx context.Context, u *unpacker, e extent) ([]byte, error) {
	if s.r.in.Mapped {
		return s.r.in.View(ctx, e.at, e.n)
	}
	b, err := s.alloc(e.n)
	if err != nil {
		return nil, err
	}
	return b, u.copy(ctx, b, e)
}

// wordBytes is how arrays of numbers must be aligned for programs to view them.
const wordBytes = 8

// buffer gives bytes [lo, hi) of a buffer for an array; all of them if hi is below 0. The format aligns buffers; where a file does not,
// they are copied.
func (s *session) buffer(ctx context.Context, u *unpacker, p packed, lo, hi int) (*memory.Buffer, error) {
	size, from, rest, err := u.size(ctx, s, p)
	if err != nil {
		return nil, err
	}
	if hi < 0 {
		hi = size
	}
	if size < hi {
		return nil, fmt.Errorf("a buffer has %d bytes where %d are needed", size, hi)
	}
	if from == nil {
		b, err := s.view(ctx, u, extent{rest.at + lo, hi - lo})
		if err != nil {
			return nil, err
		}
		if len(b) == 0 || reflect.ValueOf(b).Pointer()%wordBytes == 0 {
			return s.r.in.Buffer(b), nil
		}
		aligned, err := s.alloc(hi - lo)
		if err != nil {
			return nil, err
		}
		copy(aligned, b)
		return memory.NewBufferBytes(aligned), nil
	}
	b, err := s.alloc(size)
	if err != nil {
		return nil, err
	}
	if err := u.unpack(ctx, b, p.codec, from); err != nil {
		return nil, err
	}
	return memory.NewBufferBytes(b[lo:hi:hi]), nil
}
