//go:build cgo

// Package cdatatest is the other side of the C data interface for tests of cdata: a consumer and a producer in C, which know nothing of Go.
package cdatatest

// #include "peer.h"
import "C"

import "errors"

// Tally is what the consumer found in an array.
type Tally struct {
	Sum    float64 // of the elements that are not null
	Valid  int     // how many they are
	Digest uint64  // of all elements bit by bit, in order, and of which are null
}

// Sum goes over an array of numbers or bools, of fixed-size lists of them, or a struct of such columns, as C does.
func Sum(array, schema uintptr) (Tally, error) {
	t := C.peer_sum(C.uintptr_t(array), C.uintptr_t(schema))
	if t.error != nil {
		return Tally{}, errors.New(C.GoString(t.error))
	}
	return Tally{float64(t.sum), int(t.valid), uint64(t.digest)}, nil
}

// Release calls the release callbacks, as a consumer does that is done.
func Release(array, schema uintptr) {
	C.peer_release_array(C.uintptr_t(array))
	C.peer_release_schema(C.uintptr_t(schema))
}

// Numbers makes the structs 0 to n-1 as int64, after offset others; with nulls, those that 3 divides are null. With columns, it is a struct
// of as many such columns.
func Numbers(array, schema uintptr, n, offset int, nulls bool, columns int) Releases {
	var null C.int
	if nulls {
		null = 1
	}
	return Releases{C.peer_numbers(C.uintptr_t(array), C.uintptr_t(schema), C.int64_t(n), C.int64_t(offset), null, C.int(columns))}
}

// Releases counts how often the producer's callbacks were called for what one call of Numbers made.
type Releases struct{ c *C.struct_releases }

// Array is the releases of the array.
func (r Releases) Array() int { return int(C.peer_released_arrays(r.c)) }

// Schema is the releases of the schema.
func (r Releases) Schema() int { return int(C.peer_released_schemas(r.c)) }

// Poke writes one of the 8-byte fields of the struct at an address, counted from 0.
func Poke(at uintptr, field, value int) {
	C.peer_poke(C.uintptr_t(at), C.int(field), C.int64_t(value))
}

// Peek reads such a field.
func Peek(at uintptr, field int) int { return int(C.peer_peek(C.uintptr_t(at), C.int(field))) }

// Bytes is the address of a copy of s in C memory, which is never freed.
func Bytes(s string) int {
	return int(uintptr(C.CBytes([]byte(s + "\x00"))))
}

// Careless is the address of a release callback that does nothing.
func Careless() int { return int(C.peer_careless()) }
