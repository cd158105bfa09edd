package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// opened is a source on this rank: its reader, or why there is none. It is kept as long as the executor.
type opened struct {
	reader Reader
	err    error
}

// open gives this rank's reader of a source.
func (e *Executor) open(ctx context.Context, s *array.Source) (Reader, error) {
	key := sourceKey(s)
	if o := e.readers[key]; o != nil {
		return o.reader, o.err
	}
	o := &opened{err: errors.New("this rank reads no files")}
	if e.config.Open != nil {
		o.reader, o.err = e.config.Open(ctx, s)
	}
	if ctx.Err() == nil || o.err == nil { // what was cut short is tried again
		e.readers[key] = o
	}
	return o.reader, o.err
}

func (e *Executor) closeReaders() error {
	var errs []error
	for _, o := range e.readers {
		if o.err == nil {
			errs = append(errs, o.reader.Close())
		}
	}
	clear(e.readers)
	return errors.Join(errs...)
}

// readSpan reads a span of a step's column and checks what it got.
func (r *run) readSpan(ctx context.Context, s *Step, span partition.Range) (*array.Block, error) {
	reader, err := r.open(ctx, s.source)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.source.Name, err)
	}
	if n := reader.Len(); n != s.N {
		return nil, fmt.Errorf("%w: %s has %d rows, the plan was made for %d; open it again", array.ErrShape, s.source.Name, n, s.N)
	}
	b, err := reader.Read(ctx, span.Lo, span.Hi)
	if err != nil {
		return nil, fmt.Errorf("read %s %v: %w", s.source.Name, span, err)
	}
	if b.DType() != s.DType || b.Len() != span.Len() {
		return nil, fmt.Errorf("%w: %s %v gave %d %s, the plan was made for %d %s",
			array.ErrDType, s.source.Name, span, b.Len(), b.DType(), span.Len(), s.DType)
	}
	return b, nil
}

// ask finds out which ranks can read the sources of a graph that nobody has asked about yet. The root must read all.
func (e *Executor) ask(ctx context.Context, roots []*array.Node) error {
	var sources []*array.Source
	asked := make(map[string]bool)
	array.Walk(roots, func(n *array.Node) {
		if n.Kind() != array.KindFile || n.Err() != nil {
			return
		}
		key := sourceKey(n.Source())
		if _, known := e.access[key]; !known && !asked[key] {
			asked[key] = true
			sources = append(sources, n.Source())
		}
	})
	if len(sources) == 0 {
		return nil
	}
	for _, s := range sources {
		if _, err := e.open(ctx, s); err != nil {
			return fmt.Errorf("open %s: %w", s.Name, err)
		}
	}
	answers, err := e.answers(ctx, sources)
	if err != nil {
		return fmt.Errorf("ask who can read %s: %w", sources[0].Name, err)
	}
	for i, s := range sources {
		a := Access{Ranks: make([]bool, len(answers))}
		for r, why := range answers {
			a.Ranks[r] = why[i] == ""
			if a.Why == "" {
				a.Why = why[i]
			}
		}
		e.access[sourceKey(s)] = a
	}
	return nil
}

// answers asks all ranks, and gives for each why it cannot read each source; "" where it can.
func (e *Executor) answers(ctx context.Context, sources []*array.Source) ([][]string, error) {
	question, err := json.Marshal(sources)
	if err != nil {
		return nil, fmt.Errorf("encode sources: %w", err)
	}
	e.task++
	answers := make([][]string, e.comm.Size())
	answers[0] = make([]string, len(sources))
	err = eachPeer(ctx, e.comm.Size(), func(ctx context.Context, peer int) error {
		p := comm.Parcel{Flags: saysAsk, Aux: mark(e.task, 0), Bufs: [][]byte{question}}
		if err := comm.SendParcel(ctx, e.comm, peer, tagControl, p); err != nil {
			return err
		}
		in, err := e.receive(ctx, peer, e.task, 0)
		if err != nil {
			return err
		}
		if err := readJSON(ctx, in, &answers[peer]); err != nil {
			return err
		}
		if len(answers[peer]) != len(sources) {
			return fmt.Errorf("rank %d answered for %d sources of %d", peer, len(answers[peer]), len(sources))
		}
		return nil
	})
	return answers, err
}

// answer tells the root which of its sources this rank can read.
func (e *Executor) answer(ctx context.Context, number uint32, in *comm.Incoming) error {
	var sources []*array.Source
	if err := readJSON(ctx, in, &sources); err != nil {
		return err
	}
	why := make([]string, len(sources))
	for i, s := range sources {
		if _, err := e.open(ctx, s); err != nil {
			why[i] = clip(err.Error(), maxFailure/4)
		}
	}
	raw, err := json.Marshal(why)
	if err != nil {
		return fmt.Errorf("encode answers: %w", err)
	}
	return comm.SendParcel(ctx, e.comm, 0, tagData, comm.Parcel{Aux: mark(number, 0), Bufs: [][]byte{raw}})
}
