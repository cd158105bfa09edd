package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// opened is a source on this rank: its reader, or why there is none.
type opened struct {
	reader Reader
	err    error
	last   int // when it was asked for, in opens of the executor
}

// keptReaders is how many readers stay open from run to run: what a program comes back to is there, and one that reads many files, or new
// versions of one, holds the memory and disk of few.
const keptReaders = 32

// open gives this rank's reader of a source.
func (e *Executor) open(ctx context.Context, s *array.Source) (Reader, error) {
	key := sourceKey(s)
	e.opens++
	if o := e.readers[key]; o != nil {
		o.last = e.opens
		return o.reader, o.err
	}
	o := &opened{err: errors.New("this rank reads no files"), last: e.opens}
	if e.config.Open != nil {
		o.reader, o.err = e.config.Open(ctx, s.Whole())
	}
	if ctx.Err() == nil || o.err == nil { // what was cut short is tried again
		e.readers[key] = o
	}
	return o.reader, o.err
}

// trimReaders closes, before a run or a question, the readers that nobody has asked for longest. Who needs one again opens it again; that a source cannot
// be read stays known.
func (e *Executor) trimReaders() {
	if len(e.readers) <= keptReaders {
		return
	}
	var good []string
	for key, o := range e.readers {
		if o.err == nil {
			good = append(good, key)
		}
	}
	slices.SortFunc(good, func(a, b string) int { return e.readers[b].last - e.readers[a].last })
	for _, key := range good[min(keptReaders, len(good)):] {
		_ = e.readers[key].reader.Close() // all that was asked of it has been read
		delete(e.readers, key)
	}
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

// readSpan reads a span of a step's column and checks what it got. Columns of the same files that the next steps read are read with it.
func (r *run) readSpan(ctx context.Context, s *Step, rank int) ([]*array.Block, error) {
	span := s.span(rank)
	if b := r.ahead[ahead{s.value, span}]; b != nil {
		delete(r.ahead, ahead{s.value, span})
		return b, nil
	}
	reader, err := r.reader(ctx, s)
	if err != nil {
		return nil, err
	}
	steps, readers := []*Step{s}, []Reader{reader}
	for i := r.at + 1; i < len(r.plan.Steps); i++ {
		next := &r.plan.Steps[i]
		if next.Kind != Read || next.OnRoot != s.OnRoot || next.span(rank) != span || !slices.Equal(next.Access.Ranks, s.Access.Ranks) {
			break
		}
		other, err := r.reader(ctx, next)
		if err != nil || !joins(s, reader, next, other) {
			break
		}
		steps, readers = append(steps, next), append(readers, other)
	}
	blocks, err := readAll(ctx, readers, s.source, span)
	if err != nil {
		return nil, fmt.Errorf("read %s %v: %w", s.source.Name, span, err)
	}
	for i, pieces := range blocks {
		n := 0
		for _, b := range pieces {
			if n += b.Len(); b.DType() != steps[i].DType {
				n = -1
				break
			}
		}
		if n != span.Len() || len(pieces) == 0 {
			return nil, fmt.Errorf("%w: %s %v gave %d blocks of others than the %d %s that the plan was made for",
				array.ErrDType, steps[i].source.Name, span, len(pieces), span.Len(), steps[i].DType)
		}
		if i > 0 {
			if r.ahead == nil {
				r.ahead = make(map[ahead][]*array.Block)
			}
			r.ahead[ahead{steps[i].value, span}] = pieces
		}
	}
	return blocks[0], nil
}

// joins reports whether two columns are of the same rows of the same files and better read together.
func joins(s *Step, reader Reader, other *Step, by Reader) bool {
	j, ok := reader.(Joint)
	return ok && other.source.Width == s.source.Width && slices.Equal(other.source.Rows, s.source.Rows) && j.Joins(by)
}

// readAll gives a span of columns that can be read together.
func readAll(ctx context.Context, readers []Reader, s *array.Source, span partition.Range) ([][]*array.Block, error) {
	pieces := make([][]*array.Block, len(readers))
	spans := s.Spans(span.Lo, span.Hi)
	if len(spans) == 0 { // the type alone
		spans = []partition.Range{{}}
	}
	for _, part := range spans {
		blocks := make([][]*array.Block, 1)
		var err error
		if len(readers) > 1 {
			blocks, err = readers[0].(Joint).ReadJoint(ctx, readers, part.Lo, part.Hi)
		} else {
			blocks[0], err = readers[0].Read(ctx, part.Lo, part.Hi)
		}
		if err != nil {
			return nil, err
		}
		for i, b := range blocks {
			pieces[i] = append(pieces[i], b...)
		}
	}
	return pieces, nil
}

// ahead names what was read with another column.
type ahead struct {
	value int
	span  partition.Range
}

// reader is this rank's reader of a step's column, which has as many elements as the plan was made for.
func (r *run) reader(ctx context.Context, s *Step) (Reader, error) {
	reader, err := r.open(ctx, s.source)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.source.Name, err)
	}
	n := reader.Len()
	if rows := s.source.Rows; len(rows) > 0 && rows[len(rows)-1].Hi*max(1, s.source.Width) <= n || rows != nil && len(rows) == 0 {
		return reader, nil
	}
	if n != s.N {
		return nil, fmt.Errorf("%w: %s has %d rows, the plan was made for %d; open it again", array.ErrShape, s.source.Name, n, s.N)
	}
	return reader, nil
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
			sources = append(sources, n.Source().Whole())
		}
	})
	if len(sources) == 0 {
		return nil
	}
	e.trimReaders()
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
	e.trimReaders()
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
