//go:build cgo

package cdata_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/cdata"
	"github.com/darray-go/darray/array/cdata/cdatatest"
	"github.com/darray-go/darray/internal/leak"
)

// text is the address of a C string.
func text(s string) int { return cdatatest.Bytes(s) }

// child is the address of a child of a struct whose pointer to them is a field.
func child(at uintptr, field, i int) uintptr {
	return uintptr(cdatatest.Peek(uintptr(cdatatest.Peek(at, field)), i))
}

// hostile changes a good column of 100 int64 with nulls from 5 on, or a struct of three of them, into what must be refused.
var hostile = []struct {
	name    string
	columns int
	spoil   func(arr, schema uintptr)
	want    string // in the error
}{
	{"negative length", 0, func(a, _ uintptr) { cdatatest.Poke(a, length, -1) }, "length -1"},
	{"least length", 0, func(a, _ uintptr) { cdatatest.Poke(a, length, math.MinInt64) }, "length -9223372036854775808"},
	{"negative offset", 0, func(a, _ uintptr) { cdatatest.Poke(a, offset, -5) }, "offset -5"},
	{"null count below -1", 0, func(a, _ uintptr) { cdatatest.Poke(a, nullCount, -2) }, "null count -2"},
	{"null count above length", 0, func(a, _ uintptr) { cdatatest.Poke(a, nullCount, 101) }, "null_count 101"},
	{"null count that is not so", 0, func(a, _ uintptr) { cdatatest.Poke(a, nullCount, 7) }, "null"},
	{"length and offset overflow", 0, func(a, _ uintptr) { cdatatest.Poke(a, offset, math.MaxInt64) }, "no memory holds"},
	{"bytes overflow", 0, func(a, _ uintptr) { cdatatest.Poke(a, offset, math.MaxInt64/8) }, "no memory holds"},
	{"one buffer", 0, func(a, _ uintptr) { cdatatest.Poke(a, nBuffers, 1) }, "expected 2 buffers"},
	{"many buffers", 0, func(a, _ uintptr) { cdatatest.Poke(a, nBuffers, math.MaxInt64) }, "buffers"},
	{"fewer than no buffers", 0, func(a, _ uintptr) { cdatatest.Poke(a, nBuffers, -1) }, "-1 buffers"},
	{"no pointers to buffers", 0, func(a, _ uintptr) { cdatatest.Poke(a, buffers, 0) }, "buffers"},
	{"no values", 0, func(a, _ uintptr) { cdatatest.Poke(uintptr(cdatatest.Peek(a, buffers)), 1, 0) }, "invalid buffer"},
	{"no bitmap", 0, func(a, _ uintptr) { cdatatest.Poke(uintptr(cdatatest.Peek(a, buffers)), 0, 0) }, "null"},
	{"children of numbers", 0, func(a, _ uintptr) { cdatatest.Poke(a, nChildren, 1) }, "1 children"},
	{"released array", 0, func(a, _ uintptr) { cdatatest.Release(a, zero()) }, "ArrowArray: has been released"},
	{"moved dictionary", 0, func(a, _ uintptr) { cdatatest.Poke(a, dictionary, int(a)) }, "dictionary: has been released"},

	{"no format", 0, func(_, s uintptr) { cdatatest.Poke(s, format, 0) }, "no format"},
	{"empty format", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("")) }, "format is empty"},
	{"unknown format", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("?")) }, "unimplemented type"},
	{"long format", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text(strings.Repeat("l", 1<<17))) }, "format of more than"},
	{"nested without children", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("+w:3")) }, "1 child"},
	{"plus alone", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("+")) }, "format"},
	{"union without types", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("+u")) }, "format"},
	{"strings", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("u")) }, "expected 3 buffers"},
	{"times", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("tsu:UTC")) }, "ImportBatch"},
	{"float16", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("e")) }, "float16"},
	{"wide binary", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("w:2305843009213693952")) }, "wider"},
	{"no width", 0, func(_, s uintptr) { cdatatest.Poke(s, format, text("w:")) }, "format"},
	{"negative metadata", 0, func(_, s uintptr) { cdatatest.Poke(s, metadata, text("\xff\xff\xff\xff")) }, "metadata"},
	{"endless metadata", 0, func(_, s uintptr) { cdatatest.Poke(s, metadata, text("\xff\xff\xff\x7f")) }, "metadata"},
	{"negative key", 0, func(_, s uintptr) { cdatatest.Poke(s, metadata, text("\x01\x00\x00\x00\xff\xff\xff\xff")) }, "metadata"},
	{"huge key", 0, func(_, s uintptr) { cdatatest.Poke(s, metadata, text("\x01\x00\x00\x00\xff\xff\xff\x7f")) }, "metadata"},
	{"released schema", 0, func(_, s uintptr) { cdatatest.Poke(s, schemaRelease, 0) }, "ArrowSchema: has been released"},
	{"moved dictionary of the schema", 0, func(_, s uintptr) { cdatatest.Poke(s, schemaDictionary, int(s)) }, "dictionary: has been released"},
	{"index without dictionary", 0, func(_, s uintptr) {
		other := cdata.NewStructs() // stays
		cdatatest.Numbers(other.Array(), other.Schema(), 1, 0, false, 0)
		cdatatest.Poke(s, schemaDictionary, int(other.Schema()))
	}, "no dictionary"},

	{"columns in the array alone", 3, func(_, s uintptr) { cdatatest.Poke(s, schemaNChildren, 0) }, "expected 0 children"},
	{"columns in the schema alone", 3, func(a, _ uintptr) { cdatatest.Poke(a, nChildren, 0) }, "expected 3 children"},
	{"more columns than could be", 3, func(_, s uintptr) { cdatatest.Poke(s, schemaNChildren, 1<<40) }, "says 1099511627776 children"},
	{"fewer than no columns", 3, func(a, _ uintptr) { cdatatest.Poke(a, nChildren, -3) }, "says -3 children"},
	{"no pointers to columns", 3, func(a, _ uintptr) { cdatatest.Poke(a, children, 0) }, "false"},
	{"null column", 3, func(a, _ uintptr) { cdatatest.Poke(uintptr(cdatatest.Peek(a, children)), 1, 0) }, "child 1: is a null pointer"},
	{"null field", 3, func(_, s uintptr) { cdatatest.Poke(uintptr(cdatatest.Peek(s, schemaChildren)), 2, 0) }, "child 2: is a null pointer"},
	{"released column", 3, func(a, _ uintptr) { cdatatest.Poke(child(a, children, 2), release, 0) }, "child 2: has been released"},
	{"released field", 3, func(_, s uintptr) { cdatatest.Poke(child(s, schemaChildren, 0), schemaRelease, 0) }, "child 0: has been released"},
	{"short column", 3, func(a, _ uintptr) { cdatatest.Poke(child(a, children, 1), length, 99) }, ""},
	{"rows beyond the columns", 3, func(a, _ uintptr) { cdatatest.Poke(a, offset, 1) }, ""},
	{"endless columns", 3, func(a, _ uintptr) {
		first := child(a, children, 0)
		cdatatest.Poke(first, nChildren, 3)
		cdatatest.Poke(first, children, cdatatest.Peek(a, children))
	}, "pointed back"},
	{"endless fields", 3, func(_, s uintptr) {
		last := child(s, schemaChildren, 2)
		cdatatest.Poke(last, schemaNChildren, 3)
		cdatatest.Poke(last, schemaChildren, cdatatest.Peek(s, schemaChildren))
	}, "pointed back"},
	{"lists beyond their values", 1, func(a, s uintptr) {
		cdatatest.Poke(s, format, text("+w:2"))
		cdatatest.Poke(a, length, 51)
	}, "51 lists of 2 over 100 values"},
	{"lists that overflow", 1, func(a, s uintptr) {
		cdatatest.Poke(s, format, text("+w:1073741824"))
		cdatatest.Poke(a, offset, 1<<34)
		cdatatest.Poke(a, length, 0)
	}, "lists of 1073741824"},
}

// zero is the address of a schema of all zeros, which is one that has been released.
func zero() uintptr { return uintptr(text(strings.Repeat("\x00", 72))) }

func TestHostile(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			made := cdatatest.Numbers(s.Array(), s.Schema(), 100, 5, true, tt.columns)
			tt.spoil(s.Array(), s.Schema())
			// Lists are Import's, structs ImportBatch's; who is wrong there is told by other tests.
			var err error
			if f := cdatatest.Peek(s.Schema(), format); tt.columns == 3 || f == 0 {
				_, err = cdata.ImportBatch(s.Array(), s.Schema())
			} else {
				_, err = cdata.Import(s.Array(), s.Schema())
			}
			if err == nil || !strings.HasPrefix(err.Error(), "cdata: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want an error with %q", err, tt.want)
			}
			if n := made.Array(); n != 1 {
				t.Errorf("the array is released %d times after the error, want once", n)
			}
			if cdatatest.Peek(s.Array(), release) != 0 || cdatatest.Peek(s.Schema(), schemaRelease) != 0 {
				t.Error("the structs are not released after the error")
			}
		})
	}
}

func TestImportErrors(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	type read func(arr, schema uintptr) error
	block := func(arr, schema uintptr) error { _, err := cdata.Import(arr, schema); return err }
	batch := func(arr, schema uintptr) error { _, err := cdata.ImportBatch(arr, schema); return err }
	for name, f := range map[string]read{"Import": block, "ImportBatch": batch} {
		if err := f(s.Array(), s.Schema()); !errors.Is(err, arrow.ErrInvalid) {
			t.Errorf("%s of released structs: %v", name, err)
		}
		made := cdatatest.Numbers(s.Array(), s.Schema(), 3, 0, false, 0)
		if err := f(s.Array(), 0); err == nil || !strings.Contains(err.Error(), "address is 0") {
			t.Errorf("%s without a schema: %v", name, err)
		}
		if err := f(0, s.Schema()); err == nil || !strings.Contains(err.Error(), "address is 0") {
			t.Errorf("%s without an array: %v", name, err)
		}
		if made.Array() != 1 || made.Schema() != 1 {
			t.Errorf("%s: the array is released %d times and the schema %d, want once each", name, made.Array(), made.Schema())
		}
	}
	cdatatest.Numbers(s.Array(), s.Schema(), 3, 0, false, 1)
	if err := block(s.Array(), s.Schema()); !errors.Is(err, array.ErrDType) {
		t.Errorf("Import of a struct: %v, want ErrDType", err)
	}
	cdatatest.Numbers(s.Array(), s.Schema(), 3, 0, false, 0)
	if err := batch(s.Array(), s.Schema()); !errors.Is(err, array.ErrDType) {
		t.Errorf("ImportBatch of numbers: %v, want ErrDType", err)
	}
	cdatatest.Numbers(s.Array(), s.Schema(), 8, 0, false, 1) // all of whose rows are null
	cdatatest.Poke(uintptr(cdatatest.Peek(s.Array(), buffers)), 0, text("\x00"))
	cdatatest.Poke(s.Array(), nullCount, -1)
	if err := batch(s.Array(), s.Schema()); !errors.Is(err, array.ErrNull) {
		t.Errorf("ImportBatch of null rows: %v, want ErrNull", err)
	}
}

// TestImportMisaligned has values at an odd address, which only a copy can be read at.
func TestImportMisaligned(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	cdatatest.Numbers(s.Array(), s.Schema(), 2, 0, false, 0)
	values := text("?" + "\x05\x00\x00\x00\x00\x00\x00\x80" + "\x07\x00\x00\x00\x00\x00\x00\x00")
	cdatatest.Poke(uintptr(cdatatest.Peek(s.Array(), buffers)), 1, values+1)
	b, err := cdata.Import(s.Array(), s.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := array.Values[int64](b); err != nil || got[0] != math.MinInt64+5 || got[1] != 7 {
		t.Errorf("%v %v", got, err)
	}
}

// TestImportNullLists has a null list, whose elements are null then.
func TestImportNullLists(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	cdatatest.Numbers(s.Array(), s.Schema(), 12, 3, true, 1)
	cdatatest.Poke(s.Schema(), format, text("+w:2"))
	cdatatest.Poke(s.Array(), length, 4)
	cdatatest.Poke(s.Array(), offset, 1)
	cdatatest.Poke(s.Array(), nullCount, 1)
	cdatatest.Poke(uintptr(cdatatest.Peek(s.Array(), buffers)), 0, text("\x1b")) // the second is null
	b, err := cdata.Import(s.Array(), s.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if !b.Shape().Equal(array.Shape{4, 2}) {
		t.Fatalf("shape %v, want [4 2]", b.Shape())
	}
	for i := range 8 {
		x, ok := b.Scalar(i)
		if want := i+2 != 3 && i+2 != 6 && i+2 != 9 && i/2 != 1; ok != want || ok && x != array.ScalarOf(int64(i+2)) {
			t.Errorf("element %d is %v, valid %v", i, x, ok)
		}
	}
}

// TestImportNothing has no elements, and null pointers for them, as many producers do.
func TestImportNothing(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	for _, columns := range []int{0, 2} {
		cdatatest.Numbers(s.Array(), s.Schema(), 0, 0, false, columns)
		a := s.Array()
		if columns > 0 {
			a = child(a, children, 1)
		}
		cdatatest.Poke(uintptr(cdatatest.Peek(a, buffers)), 1, 0)
		var err error
		if columns == 0 {
			_, err = cdata.Import(s.Array(), s.Schema())
		} else {
			_, err = cdata.ImportBatch(s.Array(), s.Schema())
		}
		if err != nil {
			t.Errorf("%d columns: %v", columns, err)
		}
	}
}
