package arrowipc

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
)

// dictionary is one message of a dictionary's values: all of them, or some more.
type dictionary struct {
	at, rows int
	seq      int // how many messages come before it
	known    int // values that are there after it
	place    *place
}

// place is a dictionary in the list of its number: the message that begins it, with all that extend it.
type place struct {
	id         int64
	first, end int
}

// addDictionary checks a message of values and adds it.
func (r *reader) addDictionary(m message, at int) error {
	id, b, delta, err := r.parseDictionary(m)
	if err != nil {
		return err
	}
	list := r.dictionaries[id]
	switch {
	case delta && len(list) == 0:
		return fmt.Errorf("dictionary %d is extended before it is there", id)
	case !delta && len(list) > 0 && !r.stream:
		return fmt.Errorf("dictionary %d is there twice, which the file format does not allow; write it as a stream", id)
	}
	d := &dictionary{at: at, rows: b.rows, seq: r.messages, known: b.rows, place: &place{id, len(list), len(list) + 1}}
	if delta {
		last := list[len(list)-1]
		d.place = last.place
		d.place.end++
		if d.known, err = addRows(last.known, b.rows); err != nil {
			return err
		}
	}
	r.dictionaries[id] = append(list, d)
	r.messages++
	return nil
}

func (r *reader) parseDictionary(m message) (id int64, b *batch, delta bool, err error) {
	if m.kind != kindDictionary {
		return 0, nil, false, errKind
	}
	id = m.header.i64(dictionaryID)
	values := r.layout.dictionaries[id]
	if values == nil {
		return 0, nil, false, fmt.Errorf("a dictionary of number %d, which no column has", id)
	}
	h, ok := m.header.table(dictionaryBatch)
	if !ok {
		return 0, nil, false, errors.New("its values are missing")
	}
	delta = m.header.u8(dictionaryDelta) != 0
	if b, err = parseBatch(h, m.body, values, values.columns); err != nil {
		return 0, nil, false, fmt.Errorf("dictionary %d: %w", id, err)
	}
	return id, b, delta, nil
}

// find gives the dictionary that holds for the message of number seq, and how many of its values are there by then. A file's hold for all.
func (r *reader) find(id int64, seq int) (p place, bound int) {
	list := r.dictionaries[id]
	n := len(list)
	if r.stream {
		n = sort.Search(n, func(i int) bool { return list[i].seq >= seq })
	}
	if n == 0 {
		return place{id: id}, 0
	}
	return *list[n-1].place, list[n-1].known
}

// dictionary gives the values of a column's dictionary as of message seq, and how many of them that message may name. There may be none.
func (s *session) dictionary(ctx context.Context, u *unpacker, n *node, seq int) (arrow.ArrayData, int, error) {
	p, bound := s.r.find(n.id, seq)
	s.mu.Lock()
	data := s.dictionaries[p]
	s.mu.Unlock()
	if data != nil {
		return data, bound, nil
	}
	data, err := s.r.remember(s, p, func() (arrow.ArrayData, error) { return s.readDictionary(ctx, u, n, p) })
	if err != nil {
		return nil, 0, fmt.Errorf("dictionary: %w", err)
	}
	s.mu.Lock()
	s.dictionaries[p] = data
	s.mu.Unlock()
	return data, bound, nil
}

// cachedPart is the part of the budget that dictionaries may keep between calls.
const cachedPart = 4

// remember reads a dictionary, or gives what was read before.
func (r *reader) remember(s *session, p place, read func() (arrow.ArrayData, error)) (arrow.ArrayData, error) {
	r.mu.Lock()
	data := r.cache[p]
	r.mu.Unlock()
	if data != nil {
		return data, nil
	}
	before := s.left.Load()
	data, err := read()
	if err != nil {
		return nil, err
	}
	took := before - s.left.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache[p] == nil && r.cached.Load()+took <= int64(r.budget/cachedPart) {
		r.cached.Add(took)
		r.cache[p] = data
	}
	return data, nil
}

func (s *session) readDictionary(ctx context.Context, u *unpacker, n *node, p place) (arrow.ArrayData, error) {
	values := n.dictionary.columns[0]
	var parts []arrow.Array
	for _, d := range s.r.dictionaries[n.id][p.first:p.end] {
		m, err := readMessage(ctx, s.r.in, d.at, s.r.in.Size)
		if err != nil {
			return nil, err
		}
		id, b, _, err := s.r.parseDictionary(m)
		if err != nil {
			return nil, err
		}
		if id != n.id || b.rows != d.rows {
			return nil, errChanged
		}
		if err := s.loadDictionaries(ctx, u, values, d.seq); err != nil {
			return nil, err
		}
		a, err := s.array(ctx, u, &piece{b, values, d.seq, 0, b.rows})
		if err != nil {
			return nil, err
		}
		parts = append(parts, a)
	}
	if len(parts) == 0 { // a column of nulls needs none
		return empty(values.declared).Data(), nil
	}
	a, err := s.join(values, parts)
	if err != nil {
		return nil, err
	}
	return a.Data(), nil
}

// loadDictionaries reads the dictionaries that an array of message seq needs, so that several goroutines find them there.
func (s *session) loadDictionaries(ctx context.Context, u *unpacker, n *node, seq int) error {
	if n.dictionary != nil {
		_, _, err := s.dictionary(ctx, u, n, seq)
		return err
	}
	for _, c := range n.children {
		if err := s.loadDictionaries(ctx, u, c, seq); err != nil {
			return err
		}
	}
	return nil
}

// empty is an array without rows.
func empty(t arrow.DataType) arrow.Array {
	b := arrowarray.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	return b.NewArray()
}

// join makes one array of several.
func (s *session) join(n *node, parts []arrow.Array) (arrow.Array, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	need := 0
	seen := make(map[arrow.ArrayData]bool)
	for _, p := range parts {
		need += bytesOf(n, p.Data(), p.Data().Offset(), p.Len())
		if n.dictionary == nil {
			continue
		}
		if d := p.Data().Dictionary(); !seen[d] { // the values of all become one dictionary, by way of a table
			seen[d] = true
			need += 2 * bytesOf(n.dictionary.columns[0], d, d.Offset(), d.Len())
		}
	}
	if err := s.take(need); err != nil {
		return nil, err
	}
	a, err := format.Concat(parts)
	if err != nil {
		return nil, fmt.Errorf("rows of %d batches do not fit in one array: %w; read fewer at a time", len(parts), err)
	}
	return a, nil
}
