//go:build cgo

package cdata_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/cdata"
	"github.com/darray-go/darray/array/cdata/cdatatest"
	"github.com/darray-go/darray/internal/leak"
)

// random is a block of values of all bits, the same at each call, that begins offset elements into its buffers.
func random(t testing.TB, d array.DType, shape array.Shape, offset int, nulls bool) *array.Block {
	t.Helper()
	n := shape.Len()
	bytes := func(n int) []byte {
		b := array.AllocBytes(n)
		for i := range b {
			b[i] = byte(uint32(i*i+i+int(d)) * 2654435761 >> 13)
		}
		return b
	}
	var validity []byte
	if nulls {
		validity = bytes((offset + n + 7) / 8)
	}
	b, err := array.WrapBlock(d, n, offset, bytes(d.BufferSize(offset+n)), validity, nil)
	if err == nil {
		b, err = b.Reshape(shape)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tally is what a consumer in C is to find in b, computed from its bytes.
func tally(b *array.Block) cdatatest.Tally {
	var t cdatatest.Tally
	note := func(bits uint64) { t.Digest = (t.Digest^bits)*0x9e3779b97f4a7c15 + 1 }
	values, _, offset := b.Raw()
	for i := range b.Len() {
		s, valid := b.Scalar(i)
		if !valid {
			note(0x5bd1e995)
			continue
		}
		size := b.DType().Size()
		var word [8]byte
		if b.DType() == array.Bool {
			word[0] = values[(offset+i)/8] >> ((offset + i) % 8) & 1
		} else {
			copy(word[:], values[(offset+i)*size:(offset+i+1)*size])
		}
		note(binary.LittleEndian.Uint64(word[:]))
		t.Sum += s.Float()
		t.Valid++
	}
	return t
}

func same(t *testing.T, what string, got, want cdatatest.Tally) {
	t.Helper()
	if got.Valid != want.Valid || got.Digest != want.Digest || math.Float64bits(got.Sum) != math.Float64bits(want.Sum) && got.Sum == got.Sum {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func consume(t *testing.T, what string, s *cdata.Structs) cdatatest.Tally {
	t.Helper()
	got, err := cdatatest.Sum(s.Array(), s.Schema())
	if err != nil {
		t.Fatalf("%s: the consumer says: %v", what, err)
	}
	return got
}

// each calls f for blocks of every type, with and without nulls, at several offsets, of several shapes.
func each(t *testing.T, f func(what string, b *array.Block)) {
	for d := array.Bool; d <= array.Float64; d++ {
		for _, shape := range []array.Shape{{100}, {0}, {1}, {5, 7}, {2, 3, 4}, {0, 3}, {}} {
			for _, offset := range []int{0, 3, 8} {
				for _, nulls := range []bool{false, true} {
					f(fmt.Sprintf("%v %v from %d, nulls %v", d, shape, offset, nulls), random(t, d, shape, offset, nulls))
				}
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	each(t, func(what string, b *array.Block) {
		if err := cdata.Export(b, s.Array(), s.Schema()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want := tally(b)
		same(t, what+" in C", consume(t, what, s), want)
		back, err := cdata.Import(s.Array(), s.Schema())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what+" and back", tally(back), want)
		shape := b.Shape()
		if len(shape) == 0 {
			shape = array.Shape{1} // Arrow has no scalars
		}
		if back.DType() != b.DType() || !back.Shape().Equal(shape) || back.NullN() != b.NullN() {
			t.Errorf("%s: comes back as %v %v with %d nulls", what, back.DType(), back.Shape(), back.NullN())
		}
		if b.Len() > 0 && !back.Overlaps(b) {
			t.Errorf("%s: was copied", what)
		}
		if !back.Borrowed() {
			t.Errorf("%s: comes back as if its memory were Go's", what)
		}
		if cdatatest.Peek(s.Array(), release) != 0 || cdatatest.Peek(s.Schema(), schemaRelease) != 0 {
			t.Errorf("%s: the structs are not released after Import", what)
		}
	})
}

// The fields of the structs, counted in words.
const (
	length, nullCount, offset, nBuffers, nChildren, buffers, children, dictionary, release = 0, 1, 2, 3, 4, 5, 6, 7, 8

	format, metadata, schemaNChildren, schemaChildren, schemaDictionary, schemaRelease = 0, 2, 4, 5, 6, 7
)

// eventually runs the garbage collector until ok, or until it has had every chance.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		runtime.GC()
		runtime.Gosched()
	}
	t.Errorf("%s: not even after 200 collections", what)
}

// churn collects garbage, and makes some to lie where it was.
func churn(n int) {
	for range 5 {
		runtime.GC()
		for range 20 {
			b := make([]byte, n)
			for i := range b {
				b[i] = 0xa5
			}
		}
	}
}

func TestExportKeepsMemory(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	var values weak.Pointer[byte]
	want := func() cdatatest.Tally { // of its own, so that nothing of the block is left on the stack
		b := random(t, array.Float64, array.Shape{500, 8}, 3, true)
		raw, _, _ := b.Raw()
		values = weak.Make(&raw[0])
		if err := cdata.Export(b, s.Array(), s.Schema()); err != nil {
			t.Fatal(err)
		}
		return tally(b)
	}()
	churn(4003 * 8)
	if values.Value() == nil {
		t.Fatal("the memory is gone while C has it")
	}
	same(t, "after collections", consume(t, "after collections", s), want)
	cdatatest.Release(s.Array(), s.Schema())
	eventually(t, "the memory goes after its release", func() bool { return values.Value() == nil })
}

// TestMoveChild moves a child out and releases its parent, as consumers may.
func TestMoveChild(t *testing.T) {
	leak.Check(t)
	s, child := cdata.NewStructs(), cdata.NewStructs()
	defer s.Close()
	defer child.Close()
	b := random(t, array.Int16, array.Shape{40, 25}, 5, true)
	want := tally(b)
	if err := cdata.Export(b, s.Array(), s.Schema()); err != nil {
		t.Fatal(err)
	}
	b = nil
	at := uintptr(cdatatest.Peek(uintptr(cdatatest.Peek(s.Array(), children)), 0))
	for i := range 10 {
		cdatatest.Poke(child.Array(), i, cdatatest.Peek(at, i))
	}
	cdatatest.Poke(at, release, 0)
	at = uintptr(cdatatest.Peek(uintptr(cdatatest.Peek(s.Schema(), schemaChildren)), 0))
	for i := range 9 {
		cdatatest.Poke(child.Schema(), i, cdatatest.Peek(at, i))
	}
	cdatatest.Poke(at, schemaRelease, 0)
	cdatatest.Release(s.Array(), s.Schema())
	churn(2010)
	same(t, "the child", consume(t, "the child", child), want)
}

func TestImportReleases(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	var made cdatatest.Releases
	func() {
		made = cdatatest.Numbers(s.Array(), s.Schema(), 1000, 5, true, 0)
		b, err := cdata.Import(s.Array(), s.Schema())
		if err != nil {
			t.Fatal(err)
		}
		part := b.Slice(100, 700)
		b = nil
		churn(8000)
		values, err := array.Values[int64](part)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range values {
			if null := (100+i)%3 == 0; part.IsNull(i) != null || !null && x != int64(100+i) {
				t.Fatalf("element %d is %d, null %v", i, x, part.IsNull(i))
			}
		}
		if made.Array() != 0 || made.Schema() != 1 {
			t.Errorf("with a block over it, the array is released %d times and the schema %d, want 0 and 1", made.Array(), made.Schema())
		}
		runtime.KeepAlive(part)
	}()
	eventually(t, "the array is released", func() bool { return made.Array() > 0 })
	churn(8)
	if made.Array() != 1 || made.Schema() != 1 {
		t.Errorf("the array is released %d times and the schema %d, want once each", made.Array(), made.Schema())
	}
}

// TestCarelessRelease has a producer whose callback does not mark the struct as released, for which arrow-go would end the process.
func TestCarelessRelease(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	cdatatest.Numbers(s.Array(), s.Schema(), 10, 0, false, 1) // which stays
	cdatatest.Poke(s.Array(), release, cdatatest.Careless())
	cdatatest.Poke(s.Schema(), schemaRelease, cdatatest.Careless())
	batch, err := cdata.ImportBatch(s.Array(), s.Schema())
	if err != nil {
		t.Fatal(err)
	}
	batch.Release()
}

func TestExportAtOnce(t *testing.T) {
	leak.Check(t)
	b := random(t, array.Uint32, array.Shape{64, 3}, 1, true)
	want := tally(b)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s := cdata.NewStructs()
			defer s.Close()
			for range 50 {
				if err := cdata.Export(b, s.Array(), s.Schema()); err != nil {
					t.Error(err)
					return
				}
				back, err := cdata.Import(s.Array(), s.Schema())
				if err != nil {
					t.Error(err)
					return
				}
				same(t, "at once", tally(back), want)
			}
		})
	}
	group.Wait()
}
