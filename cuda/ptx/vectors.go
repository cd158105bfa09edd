package ptx

import (
	"fmt"
	"strings"

	"github.com/darray-go/darray/array"
)

// Numbers of consecutive slots move together: up to 16 bytes at an address that is a multiple of as many.

// loadVector loads the slots' elements of type d.
func (k *kernel) loadVector(d array.DType, at string) []string {
	size := d.Size()
	if size >= 4 {
		return k.loadWords(classOf(d), "u"+immediate(8*size), at, k.slots)
	}
	var words []string
	if bytes := size * k.slots; bytes < 4 {
		words = []string{k.half("ld.global.nc.u16", "["+at+"]")} // two of a byte
	} else {
		words = k.loadWords(half, "u32", at, bytes/4)
	}
	extract, each := "bfe.u32", 4/size
	if d.Signed() {
		extract = "bfe.s32"
	}
	out := make([]string, k.slots)
	for s := range out {
		out[s] = k.half(extract, words[s/each], immediate(s%each*8*size), immediate(8*size))
	}
	return out
}

// loadWords loads n registers that lie one after another.
func (k *kernel) loadWords(c class, kind, at string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = k.fresh(c)
	}
	k.do("ld.global.nc"+vectorOf(n)+"."+kind, listed(out), "["+at+"]")
	return out
}

// storeVector stores the slots' elements of type d.
func (k *kernel) storeVector(d array.DType, at string, xs []string) {
	size := d.Size()
	if size >= 4 {
		k.storeWords("", "u"+immediate(8*size), at, xs)
		return
	}
	each := 4 / size
	var words []string
	for lo := 0; lo < len(xs); lo += each {
		w := xs[lo]
		for i, x := range xs[lo+1 : min(lo+each, len(xs))] {
			w = k.half("bfi.b32", x, w, immediate((i+1)*8*size), immediate(8*size))
		}
		words = append(words, w)
	}
	if size*len(xs) < 4 {
		k.do("st.global.u16", "["+at+"]", words[0])
		return
	}
	k.storeWords("", "u32", at, words)
}

// storeWords stores registers of as many bits as kind one after another, at most 16 bytes at once, in threads where the predicate
// holds.
func (k *kernel) storeWords(predicate, kind, at string, xs []string) {
	bytes := 4
	if kind == "u64" {
		bytes = 8
	}
	for lo, most := 0, 16/bytes; lo < len(xs); lo += most {
		some := xs[lo:min(lo+most, len(xs))]
		k.when(predicate, "st.global"+vectorOf(len(some))+"."+kind, place(at, lo*bytes), listed(some))
	}
}

func vectorOf(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprint(".v", n)
}

// listed is registers as the operand of a vector instruction.
func listed(registers []string) string {
	if len(registers) == 1 {
		return registers[0]
	}
	return "{" + strings.Join(registers, ", ") + "}"
}
